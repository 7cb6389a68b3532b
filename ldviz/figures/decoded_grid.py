"""Many decoded images as one PNG sheet: what a figure sends to the browser."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from ldviz.errors import InputError


def sheet_uri(
    pixels: np.ndarray, *, gap: float = 0.0, min_width: int = 0, upwards: bool = False
) -> str:
    """A grid of images as one PNG with transparent gaps, as a data URI.

    Images are enlarged by whole factors without smoothing, so that pixels stay pixels.

    Args:
        pixels: (rows, columns, H, W, c) uint8, c = 1 or 3.
        gap: transparent share of each cell, half of it on either side, in [0, 1).
        min_width: enlarge until the sheet is at least this wide, in pixels.
        upwards: put row 0 at the bottom, as the second axis of a plane runs.

    Returns:
        "data:image/png;base64,...".

    Raises:
        InputError: wrong shape or gap.
    """
    if pixels.ndim != 5 or pixels.dtype != np.uint8 or pixels.shape[-1] not in (1, 3):
        raise InputError(
            "A sheet needs (rows, columns, H, W, 1 or 3) uint8 pixels, "
            f"got {pixels.shape} {pixels.dtype}."
        )
    if not 0.0 <= gap < 1.0:
        raise InputError(f"`gap` must be in [0, 1), got {gap}.")
    if upwards:
        pixels = pixels[::-1]
    rows, columns, height, width, channels = pixels.shape
    scale = max(1, -(-min_width // (columns * width)))
    pixels = pixels.repeat(scale, axis=2).repeat(scale, axis=3)
    height, width = height * scale, width * scale
    pad_y, pad_x = (round(size * gap / (1.0 - gap) / 2.0) for size in (height, width))
    sheet = np.zeros(
        (rows, height + 2 * pad_y, columns, width + 2 * pad_x, channels + 1), dtype=np.uint8
    )
    inner = sheet[:, pad_y : pad_y + height, :, pad_x : pad_x + width]
    inner[..., :channels] = pixels.transpose(0, 2, 1, 3, 4)
    inner[..., channels] = 255
    return png_uri(sheet.reshape(rows * sheet.shape[1], columns * sheet.shape[3], channels + 1))


def shrunk(pixels: np.ndarray, max_side: int) -> np.ndarray:
    """(..., H, W, c) uint8 pixels, blocks averaged until neither side exceeds ``max_side``.

    Images that fit already are returned as they are.
    """
    height, width = pixels.shape[-3:-1]
    for block in range(1, max(height, width) + 1):
        if height % block or width % block or max(height, width) > max_side * block:
            continue
        if block == 1:
            return pixels
        parts = pixels.reshape(
            *pixels.shape[:-3], height // block, block, width // block, block, pixels.shape[-1]
        )
        return np.rint(parts.mean(axis=(-4, -2))).astype(np.uint8)
    raise InputError(
        f"Images of {height} x {width} pixels have no whole reduction to {max_side}: "
        "their sides share too small a divisor."
    )


def png_uri(pixels: np.ndarray) -> str:
    """(H, W, c) uint8, c = 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA, as a PNG's data URI."""
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(
        buffer, "PNG", optimize=False, compress_level=6
    )
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
