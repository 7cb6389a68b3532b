"""A set of images with stable ids, and its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from ldviz.data.pixel_file import PixelFile
from ldviz.errors import DataError

_DIGEST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class ImageSet:
    """Images in one fixed order.

    Attributes:
        pixels: (n, H, W, c) uint8, c = 1 or 3: an array, or a PixelFile read row by row.
        sample_ids: (n,) int64, unique; the identity of an image in every later file.
        labels: (n,) int64 class of each image, or None.
        captions: text of each image, or None.
        class_names: name of each class, or None.
    """

    pixels: np.ndarray | PixelFile
    sample_ids: np.ndarray
    labels: np.ndarray | None = None
    captions: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4:
            raise DataError(
                f"Images must be (n, H, W, c) uint8, got {self.pixels.shape} {self.pixels.dtype}."
            )
        if self.pixels.shape[-1] not in (1, 3):
            raise DataError(
                f"Images must have 1 or 3 channels, got {self.pixels.shape[-1]}. "
                "Convert them to grey or RGB first."
            )
        if len(np.unique(self.sample_ids)) != len(self.pixels):
            raise DataError(
                f"Sample ids must be unique, one per image: got {len(np.unique(self.sample_ids))} "
                f"ids for {len(self.pixels)} images."
            )

    def __len__(self) -> int:
        return len(self.pixels)

    def thinned(self, count: int) -> ImageSet:
        """``count`` of the images, evenly spaced; all of them if there are no more."""
        rows = np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64))
        labels = None if self.labels is None else self.labels[rows]
        captions = None if self.captions is None else tuple(self.captions[row] for row in rows)
        return ImageSet(
            self.pixels[rows], self.sample_ids[rows], labels, captions, self.class_names
        )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(c, H, W), the order that models use."""
        _, height, width, channels = self.pixels.shape
        return channels, height, width


def to_model_range(pixels: np.ndarray) -> np.ndarray:
    """(n, H, W, c) uint8 pixels to (n, c, H, W) float32 in [-1, 1]."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / 127.5 - 1.0


def to_pixels(images: np.ndarray) -> np.ndarray:
    """(n, c, H, W) floats, clipped to [-1, 1], to (n, H, W, c) uint8 pixels."""
    clipped = np.clip(np.asarray(images, dtype=np.float32), -1.0, 1.0)
    return np.rint((clipped.transpose(0, 2, 3, 1) + 1.0) * 127.5).astype(np.uint8)


def array_digest(*arrays: np.ndarray | PixelFile) -> str:
    """SHA-256 over shapes, dtypes and contents, as hexadecimal text; read piece by piece."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        row_bytes = int(np.prod(array.shape[1:])) * array.dtype.itemsize
        step = max(1, _DIGEST_BYTES // max(1, row_bytes))
        for start in range(0, len(array), step):
            digest.update(np.ascontiguousarray(array[start : start + step]).data)
    return digest.hexdigest()
