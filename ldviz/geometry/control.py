"""Progress and cancellation of long computations."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ldviz.errors import CancelledError

Progress = Callable[[float, float], None]
Cancelled = Callable[[], bool]


class Control:
    """Counts the work done and asks, between chunks, whether to go on.

    Work is counted in Jacobian products, which cost about the same each, so that
    ``done / total`` is the share of the time that has gone.  It comes in stages,
    such as groups of samples.  A stage that stops early lowers the total, and the
    stages still ahead are expected to stop as early as those before them.

    Args:
        planned: products that all stages may need.
        progress: called with (done, total) after each chunk.
        cancelled: returns True once the computation should stop.
    """

    def __init__(
        self, planned: float, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> None:
        self.done = 0.0
        self._ahead = float(planned)
        self._stage = 0.0
        self._planned = 0.0
        self._progress = progress
        self._cancelled = cancelled

    @property
    def total(self) -> float:
        """Products expected in all, as far as is known by now."""
        before = self._planned - self._stage_planned if self._planned else 0.0
        share = self._before / before if before else 1.0
        return self.done + self._stage + self._ahead * share

    def begin(self, planned: float) -> None:
        """Starts a stage that may need ``planned`` products."""
        self._before = self.done
        self._stage_planned = planned
        self._stage = planned
        self._planned += planned
        self._ahead -= planned

    def expect(self, products: float) -> None:
        """Sets how many products the stage is expected to need from here on."""
        self._stage = products

    def advance(self, products: float) -> None:
        """Counts ``products`` as done, reports, and checks for cancellation."""
        self.done += products
        self._stage = max(0.0, self._stage - products)
        self._report()
        self.check()

    def end(self) -> None:
        """Ends the stage; what it did not need is reported as never needed."""
        if self._stage:
            self._stage = 0.0
            self._report()

    def check(self) -> None:
        """Raises CancelledError once the caller has asked to stop."""
        if self._cancelled is not None and self._cancelled():
            raise CancelledError("The computation was cancelled; nothing unfinished was kept.")

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self.done, self.total)


class TimeLeft:
    """Turns progress into an estimate of the seconds that are left.

    Pass an instance as ``progress``.  The pace is that of the work since the first
    report, so that loading and the first, slower pass do not count.

    Args:
        report: called with (done, total, seconds left); nan until the pace is known.
        clock: seconds; for tests.
    """

    def __init__(
        self,
        report: Callable[[float, float, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._clock = clock
        self._first: tuple[float, float] | None = None

    def __call__(self, done: float, total: float) -> None:
        """Takes one progress report and passes it on with the time left."""
        now = self._clock()
        if self._first is None:
            self._first = (now, done)
        started, before = self._first
        seconds = math.nan
        if done > before:
            seconds = (now - started) / (done - before) * (total - done)
        self._report(done, total, seconds)
