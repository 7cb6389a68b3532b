"""Pixels on disk behave like the array that was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ldviz.data.images import ImageSet, array_digest
from ldviz.data.pixel_file import PixelFile
from ldviz.errors import DataError

SHAPE = (7, 4, 5, 3)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


@pytest.fixture
def on_disk(tmp_path: Path, pixels: np.ndarray) -> PixelFile:
    path = tmp_path / "pixels.bin"
    path.write_bytes(pixels.tobytes())
    return PixelFile(path, SHAPE)


@pytest.mark.parametrize(
    "rows",
    [
        0,
        -1,
        np.int64(3),
        slice(None),
        slice(2, 5),
        slice(5, 2),
        slice(-3, None),
        slice(None, None, 2),
        slice(6, 0, -2),
        [3, 0, 3],
        np.array([], dtype=np.int64),
        np.array([True, False, False, True, False, False, True]),
    ],
    ids=str,
)
def test_rows_are_those_of_the_array(
    on_disk: PixelFile, pixels: np.ndarray, rows: int | slice | list | np.ndarray
) -> None:
    np.testing.assert_array_equal(on_disk[rows], pixels[rows])


def test_it_makes_an_image_set_with_the_arrays_digest(
    on_disk: PixelFile, pixels: np.ndarray
) -> None:
    images = ImageSet(on_disk, np.arange(7))
    assert images.image_shape == (3, 4, 5)
    assert len(images) == 7
    assert array_digest(on_disk) == array_digest(pixels)
    np.testing.assert_array_equal(np.asarray(on_disk), pixels)


def test_a_row_beyond_the_end_is_an_error(on_disk: PixelFile) -> None:
    for row in (7, -8):
        with pytest.raises(IndexError, match="of 7 prepared images"):
            on_disk[row]


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pixels.bin"
    with pytest.raises(DataError, match="No such file"):
        PixelFile(path, SHAPE)
    path.write_bytes(bytes(100))
    with pytest.raises(DataError, match="have 100 bytes, expected 420"):
        PixelFile(path, SHAPE)


def test_a_file_cut_while_it_is_open_is_noticed(on_disk: PixelFile) -> None:
    with open(on_disk.path, "r+b") as file:
        file.truncate(100)
    assert on_disk[0].shape == SHAPE[1:]
    with pytest.raises(DataError, match="end early"):
        on_disk[:]
