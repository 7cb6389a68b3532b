"""The images that come with ldviz, by name: nothing is downloaded.

``digits``  scikit-learn's 1,797 handwritten digits (Alpaydin and Kaynak 1998).
``photos``  2,080 tiles of scikit-learn's two sample photographs.
``shapes``  2,000 drawn images of known complexity, and 9,000 more to score as held-out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ldviz.data.images import ImageSet
from ldviz.data.photos import load_photo_tiles
from ldviz.data.shapes import load_further_shapes, load_shapes, shapes_complexity
from ldviz.errors import DataError


def load_digits_images(image_size: int) -> ImageSet:
    """The UCI handwritten digits that ship with scikit-learn, enlarged.

    Args:
        image_size: side in pixels; the originals are 8 x 8 with 17 grey levels.

    Returns:
        1,797 grey images, bicubically resized, ids in scikit-learn's order.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    small = np.rint(bunch.images * (255.0 / 16.0)).astype(np.uint8)
    resized = [
        np.asarray(
            Image.fromarray(image).resize((image_size, image_size), Image.Resampling.BICUBIC)
        )
        for image in small
    ]
    return ImageSet(
        pixels=np.stack(resized)[..., None],
        sample_ids=np.arange(len(small), dtype=np.int64),
        labels=bunch.target.astype(np.int64),
    )


@dataclass(frozen=True)
class Source:
    """Where images come from.

    Attributes:
        load: image size to the images of a study.
        load_further: image size to more held-out images, for scores alone; None = no more.
        complexity: ids to what is known of those images, one (n,) array a name; None = nothing.
    """

    load: Callable[[int], ImageSet]
    load_further: Callable[[int], ImageSet] | None = None
    complexity: Callable[[np.ndarray], dict[str, np.ndarray]] | None = None


SOURCES = {
    "digits": Source(load_digits_images),
    "photos": Source(load_photo_tiles),
    "shapes": Source(load_shapes, load_further_shapes, shapes_complexity),
}


def get_source(name: str) -> Source:
    """A source of images by its name.

    Raises:
        DataError: if there is no such source; the message lists them.
    """
    if name not in SOURCES:
        raise DataError(f'There is no image source "{name}". Known: {", ".join(SOURCES)}.')
    return SOURCES[name]


def load_images(source: str, image_size: int, num_images: int | None = None) -> ImageSet:
    """The images of a named source; ``num_images`` keeps that many, evenly spaced.

    Raises:
        DataError: if there is no such source; the message lists them.
    """
    images = get_source(source).load(image_size)
    return images if num_images is None else images.thinned(num_images)
