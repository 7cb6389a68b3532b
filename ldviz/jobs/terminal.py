"""Progress on a terminal, with rate and time left, by tqdm."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from ldviz.progress import Progress


@contextmanager
def terminal_progress() -> Iterator[Progress]:
    """A progress callable that draws one bar on stderr for each kind of work in turn."""
    bar: tqdm | None = None

    def progress(done: int, total: int, what: str) -> None:
        nonlocal bar
        if bar is None or bar.desc != what:
            if bar is not None:
                bar.close()
            # Work already done before a restart must not count towards the rate.
            bar = tqdm(total=total, initial=done, desc=what, file=sys.stderr, mininterval=1.0)
            bar.desc = what
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield progress
    finally:
        if bar is not None:
            bar.close()
