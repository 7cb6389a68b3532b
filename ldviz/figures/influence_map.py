"""Influence over channels and cells as colours, and where each dimension acts as one sheet."""

from __future__ import annotations

import math

import numpy as np

from ldviz.figures.theme import HIGH_INFLUENCE, LOW_INFLUENCE

NUM_SCALE_COLOURS = 64
MAX_SHEET_PIXELS = 1_200_000
_MIDDLE = (0xE6, 0xE6, 0xE6)


def influence_colours(influence: np.ndarray) -> np.ndarray:
    """(d,) influence to (d, 3) uint8: blue lowest, grey in the middle, orange highest.

    The scale is linear in nats from the lowest to the highest value given.
    """
    low, high = float(influence.min()), float(influence.max())
    share = (influence - low) / (high - low) if high > low else np.full(len(influence), 0.5)
    return _blend(share)


def colour_scale() -> np.ndarray:
    """(64, 3) uint8, the scale of ``influence_colours`` from lowest to highest."""
    return _blend(np.linspace(0.0, 1.0, NUM_SCALE_COLOURS))


def action_sheet(maps: np.ndarray) -> tuple[np.ndarray, int]:
    """All maps on one sheet, each as bright as its own largest value allows.

    Args:
        maps: (d, H, W), not negative.

    Returns:
        (rows * h, columns * w, 1) uint8 sheet and its number of columns.  Maps are averaged in
        blocks where the sheet would exceed ``MAX_SHEET_PIXELS``: (h, w) is then smaller.
    """
    count = len(maps)
    maps = _averaged(maps, MAX_SHEET_PIXELS // count)
    peaks = maps.max(axis=(1, 2), keepdims=True)
    scaled = np.divide(maps, peaks, out=np.zeros_like(maps), where=peaks > 0)
    columns = math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    height, width = maps.shape[1:]
    padded = np.zeros((rows * columns, height, width), dtype=np.uint8)
    padded[:count] = np.rint(255 * scaled)
    sheet = padded.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    return sheet.reshape(rows * height, columns * width, 1), columns


def _averaged(maps: np.ndarray, max_pixels: int) -> np.ndarray:
    """Maps halved in both directions until each has at most ``max_pixels`` pixels."""
    height, width = maps.shape[1:]
    if height * width <= max_pixels or height % 2 or width % 2:
        return maps
    halved = maps.reshape(len(maps), height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    return _averaged(halved, max_pixels)


def _blend(share: np.ndarray) -> np.ndarray:
    """(n,) in [0, 1] to (n, 3) uint8, through grey at 0.5."""
    stops = np.array([_rgb(LOW_INFLUENCE), _MIDDLE, _rgb(HIGH_INFLUENCE)], dtype=np.float64)
    channels = [np.interp(share, [0.0, 0.5, 1.0], stops[:, index]) for index in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def _rgb(colour: str) -> tuple[int, ...]:
    """The parts of a "#rrggbb" colour."""
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
