"""Rows of numbers in one file, written in order and read as they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ldviz.errors import DataError, StudyError


class RowFile:
    """(n, ...) numbers on disk that behave like an array when indexed by rows.

    Each access reads its rows and no more, so memory does not grow with their number.  Safe
    to share between threads.

    Args:
        path: the numbers' bytes, row after row.
        shape: (n, ...).
        dtype: of the numbers.
        holds: what they are, for messages: "prepared images".
        remedy: what to do where the file is not what it should be, for messages.

    Raises:
        DataError: if the file is missing or of another size.
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: np.dtype | type, *, holds: str, remedy: str
    ) -> None:
        self.path = path
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.ndim = len(self.shape)
        self._holds = holds
        self._bytes = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        try:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115
            size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise DataError(
                f'The {holds} "{path}" cannot be read: {error.strerror}. {remedy}'
            ) from error
        if size != self.shape[0] * self._bytes:
            self._file.close()
            raise DataError(
                f'The {holds} "{path}" have {size:,} bytes, expected '
                f"{self.shape[0] * self._bytes:,}. {remedy}"
            )

    def __len__(self) -> int:
        return self.shape[0]

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def __getitem__(self, rows: int | slice | np.ndarray | list[int]) -> np.ndarray:
        """These rows: one for an integer, else (k, ...)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._read(start, max(0, stop - start))
            rows = np.arange(start, stop, step)
        if isinstance(rows, int | np.integer):
            row = int(rows) + len(self) if rows < 0 else int(rows)
            if not 0 <= row < len(self):
                raise IndexError(f"row {rows} of {len(self)} {self._holds}")
            return self._read(row, 1)[0]
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)
        values = np.empty((len(chosen), *self.shape[1:]), dtype=self.dtype)
        for index, row in enumerate(chosen):
            values[index] = self[int(row)]
        return values

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """All rows at once, for small sets."""
        everything = self[:]
        return everything if dtype is None else everything.astype(dtype)

    def _read(self, start: int, count: int) -> np.ndarray:
        """``count`` rows from row ``start``."""
        values = np.empty((count, *self.shape[1:]), dtype=self.dtype)
        view = memoryview(values.reshape(-1).view(np.uint8))
        position = start * self._bytes
        while len(view):
            done = os.preadv(self._file.fileno(), [view], position)
            if done == 0:
                raise DataError(f'The {self._holds} "{self.path}" end early. Run again.')
            view, position = view[done:], position + done
        return values


def write_rows(path: Path, blocks: Iterable[np.ndarray]) -> None:
    """Write blocks of numbers one after the other, for a RowFile to read.

    For what is made anew at every start: a file that was left half written is written again.

    Raises:
        StudyError: if the disk refuses, with the reason that it gives.
    """
    try:
        with open(path, "wb", buffering=0) as file:
            for block in blocks:
                view = memoryview(np.ascontiguousarray(block).reshape(-1).view(np.uint8))
                while len(view):
                    view = view[file.write(view) :]
    except OSError as error:
        raise StudyError(
            f'Cannot write "{path}": {error.strerror}. What is finished is kept; '
            "make room or restore the folder, then run the same command again."
        ) from error
