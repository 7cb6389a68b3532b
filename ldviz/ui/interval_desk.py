"""Intervals of large studies, computed beside the page: a toggle must not wait for them.

Two thousand resamples of 50,000 samples take many seconds.  A page run that computed them
would hold up the next one, so they are computed in a thread; the page asks until they are
there, and a mask that nobody looks at any more stops its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Event, Thread

from ldviz.errors import CancelledError
from ldviz.metrics.intervals import MetricTable
from ldviz.progress import Progress

_CAPACITY = 16


class IntervalDesk:
    """One session's intervals: at most one computation at a time, the latest asked for."""

    def __init__(self) -> None:
        self._done: OrderedDict[Hashable, MetricTable] = OrderedDict()
        self._work: _Work | None = None

    def table(
        self, key: Hashable, compute: Callable[[Progress], MetricTable], *, patience_s: float = 0.0
    ) -> MetricTable | None:
        """The table of ``key``, or None while it is being computed.

        Args:
            key: everything that the table depends on.
            compute: makes it, telling its progress, which may cancel it.
            patience_s: how long to wait for it.

        Raises:
            Exception: what ``compute`` raised.
        """
        if key in self._done:
            self._done.move_to_end(key)
            return self._done[key]
        if self._work is None or self._work.key != key:
            self.leave()
            self._work = _Work(key, compute)
        if not self._work.finished.wait(patience_s):
            return None
        work, self._work = self._work, None
        if work.error is not None:
            raise work.error
        self._done[key] = work.table
        if len(self._done) > _CAPACITY:
            self._done.popitem(last=False)
        return work.table

    def leave(self) -> None:
        """Stop what is being computed, at its next step."""
        if self._work is not None:
            self._work.left.set()
            self._work = None


class _Work:
    """One computation in its thread."""

    def __init__(self, key: Hashable, compute: Callable[[Progress], MetricTable]) -> None:
        self.key = key
        self.left, self.finished = Event(), Event()
        self.table: MetricTable | None = None
        self.error: Exception | None = None
        Thread(target=self._run, args=(compute,), daemon=True).start()

    def _run(self, compute: Callable[[Progress], MetricTable]) -> None:
        try:
            self.table = compute(self._step)
        except CancelledError:
            return
        except Exception as error:  # handed to the page that asks
            self.error = error
        self.finished.set()

    def _step(self, done: int, total: int, what: str) -> None:
        if self.left.is_set():
            raise CancelledError("Nobody looks at this mask any more.")
