"""Pixels of many images in one file, read as they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ldviz.data.row_file import RowFile

_REMEDY = "Delete the folder they are in, and run again."


class PixelFile(RowFile):
    """(n, H, W, c) uint8 images on disk that behave like an array when indexed by rows.

    Args:
        path: the images' bytes, one after the other.
        shape: (n, H, W, c).

    Raises:
        DataError: if the file is missing or of another size.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        super().__init__(path, shape, np.uint8, holds="prepared images", remedy=_REMEDY)
