"""Checkpoints that survive a kill: written aside, then renamed; nothing pickled is executed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from ldviz.study.blocks import write_atomically


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint of tensors and plain values, whole or not at all.

    Raises:
        StudyError: if the disk is full or the folder has vanished.
    """
    content = io.BytesIO()
    torch.save(state, content)
    write_atomically(path, content.getbuffer())


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The checkpoint at a path, or None if there is none."""
    if not path.is_file():
        return None
    return torch.load(path, map_location="cpu", weights_only=True)


def seeded_generator(purpose: str, *key: int) -> torch.Generator:
    """Randomness of an epoch, or of a piece of it, so that a resumed run repeats another.

    Also seeds torch's global generator, which dropout draws from.

    Args:
        purpose: what the numbers are for.
        key: the seed and the epoch; of a piece, also the batch and its place in it.
    """
    from ldviz.randomness import keyed_generator

    seed = int(keyed_generator(purpose, *key).integers(0, 2**62))
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)
