"""Progress of long work: one callable that is told how far things are and may cancel."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""``progress(done, total, what)``; raises CancelledError to stop the work."""


def no_progress(done: int, total: int, what: str) -> None:
    """Say nothing, never cancel."""
