"""Live results on disk: found again after a restart, never wrong after a study changes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from ldviz.errors import StudyError
from ldviz.study.blocks import read_block, read_key, write_block
from ldviz.study.places import cache_folder


def cache_key(**parts: Any) -> str:
    """Digest of everything that a live result depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def cache_path(key: str) -> Path:
    """Where the result of a key is kept."""
    return cache_folder() / key[:2] / f"{key}.safetensors"


def read_cached(key: str, *, rows: int, shape: tuple[int, ...]) -> np.ndarray | None:
    """The result of a key, or None; a damaged file counts as absent."""
    path = cache_path(key)
    if read_key(path) != key:
        return None
    try:
        return read_block(path, None, rows=rows, shape=shape)
    except StudyError:
        return None


def write_cached(key: str, array: np.ndarray) -> None:
    """Keep a result under its key."""
    write_block(cache_path(key), array, key=key)
