"""Small pictures of every kind, made on the spot, and folders of them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int = 0, size: tuple[int, int] = (8, 8), channels: int = 3) -> np.ndarray:
    """(H, W, c) uint8, or (H, W) for one channel."""
    shape = size if channels == 1 else (*size, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image: Image.Image | np.ndarray, form: str = "PNG", **options: object) -> bytes:
    """A picture as a file's bytes."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png(seed: int = 0, size: tuple[int, int] = (8, 8)) -> bytes:
    return encoded(noise(seed, size))


def raw_png(
    width: int, height: int, *, depth: int = 8, colour: int = 2, rows: bytes = b""
) -> bytes:
    """A PNG with any header over any rows."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def fill(folder: Path, count: int, *, start: int = 0, size: tuple[int, int] = (8, 8)) -> None:
    """Write ``count`` different PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(start, start + count):
        (folder / f"{index:04d}.png").write_bytes(png(index, size))


def tree(folder: Path) -> set[str]:
    """Every path below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
