"""Images: ranges, shapes, ids."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.data.images import ImageSet, array_digest, to_model_range, to_pixels
from ldviz.data.sources import load_images
from ldviz.errors import DataError


def test_pixels_survive_the_way_to_the_model_and_back() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    images = to_model_range(pixels)
    assert (images.min(), images.max()) == (-1.0, 1.0)
    np.testing.assert_array_equal(to_pixels(images), pixels)


def test_out_of_range_images_are_clipped_not_wrapped() -> None:
    images = np.array([[[[-3.0, 7.0]]]], dtype=np.float32)
    np.testing.assert_array_equal(to_pixels(images).ravel(), [0, 255])


def test_digits_are_scikit_learns() -> None:
    images = load_images("digits", 32)
    assert images.pixels.shape == (1797, 32, 32, 1)
    assert images.image_shape == (1, 32, 32)
    assert np.bincount(images.labels).min() >= 170
    assert images.pixels.std() > 50


def test_an_unknown_source_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match=r'no image source "cats".*digits'):
        load_images("cats", 32)


@pytest.mark.parametrize(
    ("pixels", "ids", "message"),
    [
        (np.zeros((2, 4, 4, 1), np.float32), [0, 1], "uint8"),
        (np.zeros((2, 4, 4, 2), np.uint8), [0, 1], "1 or 3 channels, got 2"),
        (np.zeros((2, 4, 4, 1), np.uint8), [7, 7], "got 1 ids for 2 images"),
    ],
)
def test_unusable_sets_are_refused(pixels, ids, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ImageSet(pixels, np.array(ids))


def test_a_digest_sees_shape_type_and_content() -> None:
    base = np.arange(6, dtype=np.int64)
    digests = {
        array_digest(base),
        array_digest(base.reshape(2, 3)),
        array_digest(base.astype(np.int32)),
        array_digest(base[::-1].copy()),
    }
    assert len(digests) == 4


def test_thinning_keeps_an_even_spread() -> None:
    images = load_images("digits", 8).thinned(100)
    assert len(images) == 100
    assert images.sample_ids[0] == 0
    assert images.sample_ids[-1] == 1796
    assert len(images.thinned(1000)) == 100
