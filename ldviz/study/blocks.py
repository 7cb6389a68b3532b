"""Blocks of samples on disk: written whole or not at all, verified when read."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ldviz.errors import StudyError
from ldviz.study.schema import Block

_SHEET_COLUMNS = 32
_SUFFIXES = {"safetensors": ".safetensors", "png": ".png"}


def block_path(folder: Path, name: str, index: int, encoding: str = "safetensors") -> Path:
    """Where block ``index`` of an array lies in a study's folder."""
    return folder / "arrays" / name / f"{index:05d}{_SUFFIXES[encoding]}"


def write_block(path: Path, array: np.ndarray, *, key: str = "") -> None:
    """Write one block atomically: aside, flushed to disk, then renamed.

    Args:
        path: final place; its suffix chooses the encoding.
        array: (rows, ...); images (rows, H, W, c) uint8 for ".png".
        key: what the block was computed from; ``read_key`` returns it.

    Raises:
        StudyError: if the disk is full or the folder has vanished.
    """
    content = (
        _encode_sheet(array)
        if path.suffix == ".png"
        else save({"block": np.ascontiguousarray(array)}, metadata={"key": key})
    )
    write_atomically(path, content)


def write_atomically(path: Path, content: bytes) -> None:
    """Put bytes at a path, whole or not at all.

    Raises:
        StudyError: if the disk refuses, with the reason that it gives.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(aside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise StudyError(
            f'Cannot write "{path}": {error.strerror}. Blocks already finished are kept; '
            "make room or restore the folder, then run the same command again."
        ) from error


def read_key(path: Path) -> str | None:
    """The key a safetensors block was written with; None if there is no readable block."""
    from safetensors import safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="np") as file:
            return (file.metadata() or {}).get("key", "")
    except (SafetensorError, OSError):
        return None


def describe_block(path: Path) -> Block:
    """Size and digest of a written block, for the manifest."""
    content = path.read_bytes()
    return Block(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def read_block(
    path: Path, expected: Block | None, *, rows: int, shape: tuple[int, ...]
) -> np.ndarray:
    """Read one block.

    Args:
        path: the file.
        expected: its manifest entry, or None to skip the digest.
        rows, shape: what it must hold: (rows, *shape).

    Returns:
        (rows, *shape), in the stored dtype.

    Raises:
        StudyError: if the file is missing, changed, truncated or of another shape.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(
            f'The study\'s file "{path.name}" in "{path.parent}" cannot be read: {error.strerror}. '
            "Restore it, or run analyze again."
        ) from error
    if expected is not None and hashlib.sha256(content).hexdigest() != expected.sha256:
        raise StudyError(
            f'The study\'s file "{path.parent.name}/{path.name}" has changed since it was written '
            f"({len(content):,} of {expected.bytes:,} bytes, wrong SHA-256). "
            "Restore it, or run analyze again."
        )
    try:
        if path.suffix == ".png":
            array = _decode_sheet(content, rows, shape)
        else:
            array = load(content)["block"]
    except (SafetensorError, KeyError, OSError, ValueError) as error:
        raise StudyError(
            f'The study\'s file "{path.parent.name}/{path.name}" is not a block: {error}. '
            "Restore it, or run analyze again."
        ) from error
    if array.shape != (rows, *shape):
        raise StudyError(
            f'The study\'s file "{path.parent.name}/{path.name}" has shape {array.shape}, '
            f"expected {(rows, *shape)}. Restore it, or run analyze again."
        )
    return array


def _encode_sheet(images: np.ndarray) -> bytes:
    """(rows, H, W, c) uint8 to one PNG, 32 images to a line."""
    rows, height, width, channels = images.shape
    lines = -(-rows // _SHEET_COLUMNS)
    padded = np.zeros((lines * _SHEET_COLUMNS, height, width, channels), dtype=np.uint8)
    padded[:rows] = images
    sheet = padded.reshape(lines, _SHEET_COLUMNS, height, width, channels)
    sheet = sheet.transpose(0, 2, 1, 3, 4).reshape(lines * height, _SHEET_COLUMNS * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet).save(buffer, "PNG")
    return buffer.getvalue()


def _decode_sheet(content: bytes, rows: int, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of ``_encode_sheet``."""
    height, width, channels = shape
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        sheet = np.asarray(image).reshape(image.height, image.width, -1)
    lines = sheet.shape[0] // height
    sheet = sheet.reshape(lines, height, _SHEET_COLUMNS, width, channels).transpose(0, 2, 1, 3, 4)
    return sheet.reshape(-1, height, width, channels)[:rows]
