"""Blocks of samples on disk: written whole or not at all, verified when read."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ldviz.errors import StudyError
from ldviz.study.schema import Block

_SHEET_COLUMNS = 32
_LABEL = "ldviz-key"
_SUFFIXES = {"safetensors": ".safetensors", "png": ".png"}

BlockState = Literal["whole", "missing", "other", "damaged"]
"""Of a block on disk: computed from the same inputs and unchanged; not there; computed from
other inputs; or changed since it was written."""


def block_path(folder: Path, name: str, index: int, encoding: str = "safetensors") -> Path:
    """Where block ``index`` of an array lies in a study's folder."""
    return folder / "arrays" / name / f"{index:05d}{_SUFFIXES[encoding]}"


def write_block(path: Path, array: np.ndarray, *, key: str = "") -> None:
    """Write one block atomically: aside, flushed to disk, then renamed.

    Args:
        path: final place; its suffix chooses the encoding.
        array: (rows, ...); images (rows, H, W, c) uint8 for ".png".
        key: what the block was computed from; ``read_key`` returns it.  A digest of the
            content is kept beside it, so that a later change is noticed without a manifest.

    Raises:
        StudyError: if the disk is full or the folder has vanished.
    """
    write_atomically(path, _encode(path, np.ascontiguousarray(array), key))


def write_atomically(path: Path, content: bytes | memoryview) -> None:
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
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise StudyError(
            f'Cannot write "{path}": {error.strerror}. What is finished is kept; '
            "make room or restore the folder, then run the same command again."
        ) from error
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def remove_partials(folder: Path) -> None:
    """Remove what writers that were killed left beside the blocks of a study."""
    for aside in folder.glob("**/.*.partial"):
        aside.unlink(missing_ok=True)


def read_key(path: Path) -> str | None:
    """The key a safetensors block was written with; None if there is no readable block."""
    from safetensors import safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="np") as file:
            return (file.metadata() or {}).get("key", "").partition("/")[0]
    except (SafetensorError, OSError):
        return None


def block_state(path: Path, key: str) -> BlockState:
    """Whether a block is there, computed from the inputs of ``key``, and as it was written.

    Reads the whole block.  Of blocks written before they kept a digest of their own, only the
    key is checked.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "damaged"
    try:
        label, array = _labelled_sheet(content) if path.suffix == ".png" else _labelled(content)
    except (SafetensorError, KeyError, OSError, ValueError, SyntaxError):
        return "damaged"
    written, _, digest = label.partition("/")
    if written != key:
        return "other"
    return "whole" if digest in ("", _content_digest(array)) else "damaged"


def read_whole(path: Path, key: str) -> np.ndarray | None:
    """The array of a safetensors block, if it is whole and computed from these inputs."""
    return _labelled(path.read_bytes())[1] if block_state(path, key) == "whole" else None


def describe_block(path: Path, key: str | None = None) -> Block:
    """Size and digest of a written block, for the manifest.

    Raises:
        StudyError: if a key is given and the block is not as it was written.
    """
    state = "whole" if key is None else block_state(path, key)
    if state != "whole":
        raise StudyError(
            f'The block "{path}" was written, and is {state} now. Look after the disk that it is '
            "on, then run the same command again: only what is not whole is computed anew."
        )
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


def _content_digest(array: np.ndarray) -> str:
    """SHA-256 of an array's dtype and bytes."""
    digest = hashlib.sha256(array.dtype.str.encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _labelled(content: bytes) -> tuple[str, np.ndarray]:
    """Key and digest that a safetensors block carries, and its array."""
    array = load(content)["block"]
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get("__metadata__", {}).get("key", ""), array


def _labelled_sheet(content: bytes) -> tuple[str, np.ndarray]:
    """Key and digest that a sheet carries, and its (lines * H, 32 * W, c) pixels."""
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        image.load()
        sheet = np.asarray(image).reshape(image.height, image.width, -1)
        return str(image.info.get(_LABEL, "")), sheet


def _encode(path: Path, array: np.ndarray, key: str) -> bytes:
    """A block's file, with its key and the digest of its content."""
    if path.suffix == ".png":
        return _encode_sheet(array, key)
    # One entry: safetensors writes several in no fixed order.
    return save({"block": array}, metadata={"key": f"{key}/{_content_digest(array)}"})


def _encode_sheet(images: np.ndarray, key: str) -> bytes:
    """(rows, H, W, c) uint8 to one PNG, 32 images to a line, labelled in a text chunk."""
    rows, height, width, channels = images.shape
    lines = -(-rows // _SHEET_COLUMNS)
    padded = np.zeros((lines * _SHEET_COLUMNS, height, width, channels), dtype=np.uint8)
    padded[:rows] = images
    sheet = padded.reshape(lines, _SHEET_COLUMNS, height, width, channels)
    sheet = sheet.transpose(0, 2, 1, 3, 4).reshape(lines * height, _SHEET_COLUMNS * width, channels)
    label = PngInfo()
    label.add_text(_LABEL, f"{key}/{_content_digest(sheet)}")
    buffer = io.BytesIO()
    image = Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet)
    image.save(buffer, "PNG", pnginfo=label)
    return buffer.getvalue()


def _decode_sheet(content: bytes, rows: int, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of ``_encode_sheet``."""
    height, width, channels = shape
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        sheet = np.asarray(image).reshape(image.height, image.width, -1)
    lines = sheet.shape[0] // height
    sheet = sheet.reshape(lines, height, _SHEET_COLUMNS, width, channels).transpose(0, 2, 1, 3, 4)
    return sheet.reshape(-1, height, width, channels)[:rows]
