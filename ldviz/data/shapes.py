"""Drawn images whose complexity is known: gradients, gratings, few or many shapes.

Everything is drawn in integers on a grid of 4 x 4 points per pixel, so that an image is
the same on every machine, bit for bit, and can be stored as a seed and a checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from ldviz.data.images import ImageSet
from ldviz.errors import DataError
from ldviz.randomness import keyed_bits

IMAGE_SIZE = 32
POINTS_PER_PIXEL = 4
GRID = IMAGE_SIZE * POINTS_PER_PIXEL
SEED = 0
STUDY_IMAGES = 2_000
FURTHER_HELD_OUT = 9_000

SHAPE_COUNTS = (0, 1, 2, 3, 4, 6, 8, 12, 16)
MAX_FREQUENCY = 8
_SHAPE_DRAWS = 10
_BACKGROUND_DRAWS = 12
_ROWS, _COLUMNS = np.mgrid[0:GRID, 0:GRID].astype(np.int32)
# 181 / 256 is 1 / sqrt(2): a diagonal grating's period is measured across its stripes.
_POSITIONS = (
    _COLUMNS,
    _ROWS,
    (_COLUMNS + _ROWS) * 181 // 256,
    (_COLUMNS - _ROWS) * 181 // 256,
)


@dataclass(frozen=True)
class Complexity:
    """What is known of each image, (n,) each.

    Attributes:
        num_shapes: int64, shapes of which at least one grid point is visible.
        edge_length: float64, pixels: how many pairs of neighbouring grid points (left-right
            and above-below) belong to different shapes, or to a shape and the background,
            divided by the 4 points per pixel.  It is the exact length of edges along the
            axes; a diagonal edge counts as its horizontal plus its vertical extent.
        texture_frequency: int64, periods of the background's grating per image width,
            across its stripes; 0 where there is no grating.
    """

    num_shapes: np.ndarray
    edge_length: np.ndarray
    texture_frequency: np.ndarray


def load_shapes(image_size: int) -> ImageSet:
    """The 2,000 images of the study itself, ids 0 ... 1,999, no classes.

    Raises:
        DataError: unless ``image_size`` is 32, the size that complexity is stated for.
    """
    _check_size(image_size)
    ids = np.arange(STUDY_IMAGES, dtype=np.int64)
    return ImageSet(pixels=draw_images(ids)[0], sample_ids=ids)


def load_further_shapes(image_size: int) -> ImageSet:
    """9,000 more images, ids 2,000 ... 10,999, for scores of held-out images alone.

    Raises:
        DataError: as ``load_shapes``.
    """
    _check_size(image_size)
    ids = np.arange(STUDY_IMAGES, STUDY_IMAGES + FURTHER_HELD_OUT, dtype=np.int64)
    return ImageSet(pixels=draw_images(ids)[0], sample_ids=ids)


def shapes_complexity(sample_ids: np.ndarray) -> dict[str, np.ndarray]:
    """The Complexity of images by their ids, one (n,) array a name.

    Cost: the images are drawn again, about a millisecond each.
    """
    return vars(draw_images(sample_ids)[1])


def draw_images(sample_ids: np.ndarray, *, seed: int = SEED) -> tuple[np.ndarray, Complexity]:
    """Draw images by their ids.

    The background runs linearly from one random colour to another in a random direction.
    Half of the images carry a triangular grating of +-48 grey levels with 1 ... 8 periods,
    in one of four directions.  On it lie 0, 1, 2, 3, 4, 6, 8, 12 or 16 discs, rectangles
    and triangles, the later ones above the earlier; a disc's radius, a rectangle's half
    sides and a triangle's reach are 2 ... 8 pixels.  All choices are uniform.

    Args:
        sample_ids: (n,) non-negative integers; each image depends on its id and the seed alone.
        seed: of all images.

    Returns:
        (n, 32, 32, 3) uint8 pixels, the mean of 4 x 4 grid points each, and their Complexity.
    """
    count = _BACKGROUND_DRAWS + 1 + max(SHAPE_COUNTS) * _SHAPE_DRAWS
    # The high half of each word as int64: the moduli below are far smaller, so no bias shows.
    draws = (keyed_bits("shapes", seed, sample_ids, count) >> np.uint64(32)).astype(np.int64)
    pixels = np.empty((len(draws), IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
    num_shapes = np.empty(len(draws), dtype=np.int64)
    edge_length = np.empty(len(draws))
    frequency = np.empty(len(draws), dtype=np.int64)
    for row, numbers in enumerate(draws):
        background, frequency[row] = _background(numbers[:_BACKGROUND_DRAWS])
        owner, colours = _shapes(numbers[_BACKGROUND_DRAWS:])
        background[owner > 0] = colours[owner[owner > 0]]
        pixels[row] = _shrink(background)
        num_shapes[row] = np.count_nonzero(np.bincount(owner.ravel())[1:])
        edge_length[row] = edge_points(owner) / POINTS_PER_PIXEL
    return pixels, Complexity(num_shapes, edge_length, frequency)


def edge_points(owner: np.ndarray) -> int:
    """Pairs of neighbouring points of a (rows, columns) map that differ."""
    return int(
        np.count_nonzero(owner[:, 1:] != owner[:, :-1]) + np.count_nonzero(owner[1:] != owner[:-1])
    )


def _background(numbers: np.ndarray) -> tuple[np.ndarray, int]:
    """(GRID, GRID, 3) uint8 points and the grating's frequency."""
    first, second = 24 + numbers[:3] % 208, 24 + numbers[3:6] % 208
    across, down = (int(number % 9) - 4 for number in numbers[6:8])
    if across == down == 0:
        across = 1
    ramp = across * _COLUMNS + down * _ROWS
    ramp -= ramp.min()
    longest = int(ramp.max())
    shades = first + (second - first) * np.arange(longest + 1)[:, None] // longest
    points = shades.astype(np.uint8)[ramp]
    if numbers[8] % 2 == 0:
        return points, 0
    frequency = int(1 + numbers[9] % MAX_FREQUENCY)
    phase = (frequency * _POSITIONS[numbers[10] % 4] + np.int32(numbers[11] % GRID)) % GRID
    wave = (np.abs(np.arange(GRID) - GRID // 2) - GRID // 4) * 3 // 2
    brighter = wave.astype(np.int16)[phase]
    return np.clip(points + brighter[..., None], 0, 255).astype(np.uint8), frequency


def _shapes(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(GRID, GRID) map of the topmost shape, 0 where there is none, and its colours."""
    owner = np.zeros((GRID, GRID), dtype=np.uint8)
    count = SHAPE_COUNTS[numbers[0] % len(SHAPE_COUNTS)]
    colours = np.zeros((count + 1, 3), dtype=np.uint8)
    for shape in range(1, count + 1):
        own = numbers[1 + (shape - 1) * _SHAPE_DRAWS :][:_SHAPE_DRAWS]
        colours[shape] = own[:3] % 256
        middle_row, middle_column = int(own[3] % GRID), int(own[4] % GRID)
        box = (_around(middle_row), _around(middle_column))
        down, right = _ROWS[box] - middle_row, _COLUMNS[box] - middle_column
        owner[box][_inside(own[5:], down, right)] = shape
    return owner, colours


def _around(middle: int) -> slice:
    """The grid lines that a shape about ``middle`` can reach: 8 pixels, at corners sqrt(2) x 8."""
    reach = 12 * POINTS_PER_PIXEL
    return slice(max(0, middle - reach), middle + reach + 1)


def _inside(numbers: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which points, given relative to the middle, a disc, rectangle or triangle covers."""
    kind = numbers[0] % 3
    size, width = (int(2 + number % 7) * POINTS_PER_PIXEL for number in numbers[1:3])
    if kind == 0:
        return down * down + right * right <= size**2
    a, b = (int(number % 9) - 4 for number in numbers[3:5])
    if a == b == 0:
        a = 1
    along, beside = a * right + b * down, a * down - b * right
    square = a * a + b * b
    if kind == 1:
        return (along * along <= size**2 * square) & (beside * beside <= width**2 * square)
    # A triangle with one corner ahead and two behind, turned like the rectangle;
    # `length` is 16 times the length of (a, b), rounded down.
    length = isqrt(256 * square)
    ahead = size * length - along * 16
    return (along * 16 >= -size * length) & (np.abs(beside) * (32 * size) <= width * ahead)


def _shrink(points: np.ndarray) -> np.ndarray:
    """(GRID, GRID, 3) points to (32, 32, 3) uint8 means of 4 x 4, halves rounded up."""
    total = np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint16)
    for row in range(POINTS_PER_PIXEL):
        for column in range(POINTS_PER_PIXEL):
            total += points[row::POINTS_PER_PIXEL, column::POINTS_PER_PIXEL]
    count = POINTS_PER_PIXEL**2
    return ((total + count // 2) // count).astype(np.uint8)


def _check_size(image_size: int) -> None:
    if image_size != IMAGE_SIZE:
        raise DataError(
            f"The shapes are drawn at {IMAGE_SIZE} x {IMAGE_SIZE} pixels, got `image_size` = "
            f"{image_size}. Their known complexity is counted in those pixels."
        )
