"""Progress on a terminal, with rate and time left, by tqdm."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tqdm import tqdm

from ldviz.errors import CancelledError
from ldviz.progress import Progress

_RANKS = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
_UNITS = {"analysing": "pass"}


def is_main_process() -> bool:
    """Whether this is the only process, or the first of those that a launcher started."""
    return next((os.environ[name] for name in _RANKS if name in os.environ), "0") == "0"


@contextmanager
def terminal_progress() -> Iterator[Progress]:
    """A progress callable that draws one bar on stderr for each kind of work in turn.

    Of several processes the first one speaks for all.

    Raises:
        CancelledError: where the work inside was ended by Ctrl-C or by a polite kill.
    """
    bar: tqdm | None = None
    silent = not is_main_process()

    def progress(done: int, total: int, what: str) -> None:
        nonlocal bar
        if silent:
            return
        if bar is None or bar.desc != what:
            if bar is not None:
                bar.close()
            # Work already done before a restart must not count towards the rate.
            bar = tqdm(
                total=total,
                initial=done,
                desc=what,
                unit=_UNITS.get(what, "it"),
                unit_scale=what in _UNITS,
                file=sys.stderr,
                mininterval=1.0,
            )
            bar.desc = what
        bar.total = total
        bar.update(done - bar.n)

    try:
        with _signals_interrupt():
            yield progress
    except KeyboardInterrupt:
        raise CancelledError(
            "Stopped. What is finished is kept; run the same command again to continue."
        ) from None
    finally:
        if bar is not None:
            bar.close()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Ctrl-C and a polite kill raise KeyboardInterrupt, once.

    A launcher passes on what the terminal has sent to every process already; a second one
    would break off the clean end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for name in names:
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {name: signal.signal(name, interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
