"""Pixels of many images in one file, read as they are asked for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ldviz.errors import DataError


class PixelFile:
    """(n, H, W, c) uint8 images on disk that behave like an array when indexed by rows.

    Each access reads its rows and no more, so memory does not grow with the number of
    images.  Safe to share between threads.

    Args:
        path: the images' bytes, one after the other.
        shape: (n, H, W, c).

    Raises:
        DataError: if the file is missing or of another size.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        self.path = path
        self.shape = tuple(shape)
        self._bytes = int(np.prod(self.shape[1:]))
        try:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115
            size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise DataError(
                f'The prepared images "{path}" cannot be read: {error.strerror}.'
            ) from error
        if size != self.shape[0] * self._bytes:
            self._file.close()
            raise DataError(
                f'The prepared images "{path}" have {size:,} bytes, expected '
                f"{self.shape[0] * self._bytes:,}. Delete the folder they are in, and run again."
            )

    def __len__(self) -> int:
        return self.shape[0]

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def __getitem__(self, rows: int | slice | np.ndarray | list[int]) -> np.ndarray:
        """The images of these rows: one for an integer, else (k, H, W, c)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._read(start, max(0, stop - start))
            rows = np.arange(start, stop, step)
        if isinstance(rows, int | np.integer):
            row = int(rows) + len(self) if rows < 0 else int(rows)
            if not 0 <= row < len(self):
                raise IndexError(f"row {rows} of {len(self)} images")
            return self._read(row, 1)[0]
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)
        images = np.empty((len(chosen), *self.shape[1:]), dtype=np.uint8)
        for index, row in enumerate(chosen):
            images[index] = self[int(row)]
        return images

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """All images at once, for small sets."""
        everything = self[:]
        return everything if dtype is None else everything.astype(dtype)

    def _read(self, start: int, count: int) -> np.ndarray:
        """``count`` images from row ``start``."""
        images = np.empty((count, *self.shape[1:]), dtype=np.uint8)
        view = memoryview(images.reshape(-1))
        position = start * self._bytes
        while len(view):
            done = os.preadv(self._file.fileno(), [view], position)
            if done == 0:
                raise DataError(f'The prepared images "{self.path}" end early. Run again.')
            view, position = view[done:], position + done
        return images
