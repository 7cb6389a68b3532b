"""Work on several cores of this process, for NumPy, which lets go of the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_MAX_THREADS = 4


def in_threads(work: Callable[[Any], Any], parts: Iterable[Any], *, pays: bool) -> list[Any]:
    """``work`` of each part, in order: at once where that ``pays``, else one after the other."""
    if not pays:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
        return list(pool.map(work, parts))
