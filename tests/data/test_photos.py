"""Tiles of photographs: which pixels, and that no tile knows of its neighbours."""

import numpy as np
import pytest
from PIL import Image

from ldviz.data.photos import cut_tiles, load_photo_tiles
from ldviz.data.sources import load_images
from ldviz.data.splits import stratified_split


def test_tiles_cover_a_picture_line_by_line_without_overlap() -> None:
    height, width = 40, 50  # 2 x 3 tiles, 8 lines and 2 columns left over
    numbers = np.arange(height * width).reshape(height, width, 1)
    tiles = cut_tiles(numbers)
    assert tiles.shape == (6, 16, 16, 1)
    assert len(np.unique(tiles)) == tiles.size
    np.testing.assert_array_equal(tiles[4], numbers[16:32, 16:32])


@pytest.fixture(scope="module")
def photos():
    return load_images("photos", 32)


def test_there_are_1040_tiles_of_each_photograph(photos) -> None:
    assert photos.image_shape == (3, 32, 32)
    np.testing.assert_array_equal(np.bincount(photos.labels), [1040, 1040])


def test_a_tile_is_enlarged_by_itself(photos) -> None:
    from sklearn.datasets import load_sample_image

    tile = load_sample_image("flower.jpg")[16:32, 32:48]
    alone = np.asarray(Image.fromarray(tile).resize((32, 32), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(photos.pixels[1040 + 40 + 2], alone)


def test_shrunk_again_a_tile_is_the_photograph(photos) -> None:
    """The enlargement hides nothing: averages of 2 x 2 are near the original pixels."""
    from sklearn.datasets import load_sample_image

    originals = cut_tiles(load_sample_image("china.jpg")).astype(float)
    small = photos.pixels[:1040].reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - originals).mean() < 3.0


def test_the_split_halves_each_photograph(photos) -> None:
    is_member = stratified_split(photos.sample_ids, photos.labels, member_fraction=0.5, seed=0)
    np.testing.assert_array_equal(np.bincount(photos.labels[is_member]), [520, 520])


def test_other_sizes_are_the_same_tiles() -> None:
    assert load_photo_tiles(16).pixels.shape == (2080, 16, 16, 3)
