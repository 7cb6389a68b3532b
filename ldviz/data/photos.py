"""Real photographs: tiles of the two pictures that come with scikit-learn."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ldviz.data.images import ImageSet

TILE_SIZE = 16
PHOTOGRAPHS = ("china.jpg", "flower.jpg")


def load_photo_tiles(image_size: int) -> ImageSet:
    """Non-overlapping 16 x 16 colour tiles of scikit-learn's two sample photographs.

    The photographs (427 x 640 pixels) are cut from their upper left corner; the 11 lines
    left over at the bottom are not used.  Each tile is enlarged by itself, so that no pixel
    of one tile enters another: a split of the tiles shares no pixel.

    Args:
        image_size: side in pixels after enlarging.

    Returns:
        2,080 colour images, 26 x 40 from each photograph, line by line; ids in that order
        and, as classes, the photograph (0 china, 1 flower).

    Source: scikit-learn's ``load_sample_images``, both under CC BY 2.0; the file README.txt
    beside the photographs names their authors.
    """
    from sklearn.datasets import load_sample_image

    tiles = np.concatenate([cut_tiles(load_sample_image(name)) for name in PHOTOGRAPHS])
    size = (image_size, image_size)
    enlarged = [
        np.asarray(Image.fromarray(tile).resize(size, Image.Resampling.BICUBIC)) for tile in tiles
    ]
    return ImageSet(
        pixels=np.stack(enlarged),
        sample_ids=np.arange(len(tiles), dtype=np.int64),
        labels=np.repeat(np.arange(len(PHOTOGRAPHS)), len(tiles) // len(PHOTOGRAPHS)),
    )


def cut_tiles(photograph: np.ndarray) -> np.ndarray:
    """(H, W, c) pixels to (rows * columns, 16, 16, c) tiles, line by line, rests left off."""
    rows, columns = photograph.shape[0] // TILE_SIZE, photograph.shape[1] // TILE_SIZE
    whole = photograph[: rows * TILE_SIZE, : columns * TILE_SIZE]
    grid = whole.reshape(rows, TILE_SIZE, columns, TILE_SIZE, -1).swapaxes(1, 2)
    return grid.reshape(rows * columns, TILE_SIZE, TILE_SIZE, -1)
