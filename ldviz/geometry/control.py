"""Progress and cancellation of long computations."""

from __future__ import annotations

from collections.abc import Callable

from ldviz.errors import CancelledError

Progress = Callable[[float, float], None]
Cancelled = Callable[[], bool]


class Control:
    """Counts the work done and asks, between chunks, whether to go on.

    Work is counted in decoder passes, which cost about the same each, so that
    ``done / total`` is the share of the time that has gone.

    Args:
        total: decoder passes that the computation needs.
        progress: called with (done, total) after each chunk.
        cancelled: returns True once the computation should stop.
    """

    def __init__(
        self, total: float, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> None:
        self.total = float(total)
        self.done = 0.0
        self._progress = progress
        self._cancelled = cancelled

    def check(self) -> None:
        """Raises CancelledError once the caller has asked to stop."""
        if self._cancelled is not None and self._cancelled():
            raise CancelledError("The computation was cancelled; nothing unfinished was kept.")

    def advance(self, passes: float) -> None:
        """Counts ``passes`` as done, reports, and checks for cancellation."""
        self.done = min(self.done + passes, self.total)
        if self._progress is not None:
            self._progress(self.done, self.total)
        self.check()

    def finish(self) -> None:
        """Reports everything as done: passes that an early stop saved count as done."""
        if self.done < self.total:
            self.done = self.total
            if self._progress is not None:
                self._progress(self.done, self.total)
