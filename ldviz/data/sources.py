"""The images that come with ldviz, by name: nothing is downloaded.

``digits``  scikit-learn's 1,797 handwritten digits (Alpaydin and Kaynak 1998).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from ldviz.data.images import ImageSet
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
        np.asarray(Image.fromarray(image).resize((image_size, image_size), Image.Resampling.BICUBIC))
        for image in small
    ]
    return ImageSet(
        pixels=np.stack(resized)[..., None],
        sample_ids=np.arange(len(small), dtype=np.int64),
        labels=bunch.target.astype(np.int64),
    )


_SOURCES: dict[str, Callable[[int], ImageSet]] = {
    "digits": load_digits_images,
}


def load_images(source: str, image_size: int) -> ImageSet:
    """The images of a named source.

    Raises:
        DataError: if there is no such source; the message lists them.
    """
    if source not in _SOURCES:
        raise DataError(f'There is no image source "{source}". Known: {", ".join(_SOURCES)}.')
    return _SOURCES[source](image_size)
