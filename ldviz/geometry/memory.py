"""Memory that large tensors leave behind is used again, not handed back and cleared anew."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MMAP_BYTES = 32 * 2**20
_KEPT_BYTES, _USUAL_BYTES = 2**28, 2 * _MMAP_BYTES


class _Holders:
    """How many calls want memory kept, over all threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0


_HOLDERS = _Holders()


@contextmanager
def kept_memory() -> Iterator[None]:
    """While this lasts, up to 256 MiB that were freed stay with the process.

    A product's tangents are tens of megabytes, freed and asked for again at every step. The
    GNU C library hands such memory back to the system at once, which clears each page before
    it lends it again: up to a tenth of the time of a product. At the end what is free is handed
    back, and the library keeps up to 64 MiB from then on, as it comes to do by itself in a
    process of large tensors. Other C libraries are left as they are; so is memory of devices.

    Source: mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD; malloc_trim(3).
    """
    library = _gnu_library()
    if library is None:
        yield
        return
    with _HOLDERS.lock:
        _HOLDERS.count += 1
        if _HOLDERS.count == 1:
            library.mallopt(_MMAP_THRESHOLD, _MMAP_BYTES)
            library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    try:
        yield
    finally:
        with _HOLDERS.lock:
            _HOLDERS.count -= 1
            if not _HOLDERS.count:
                library.mallopt(_TRIM_THRESHOLD, _USUAL_BYTES)
                library.malloc_trim(0)


@cache
def _gnu_library() -> ctypes.CDLL | None:
    """The GNU C library that the process runs on, or None where it is another one."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "gnu_get_libc_version") else None
