"""Checkpoints that survive a kill: written aside, then renamed; nothing pickled is executed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint of tensors and plain values, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".partial")
    torch.save(state, aside)
    os.replace(aside, path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The checkpoint at a path, or None if there is none."""
    if not path.is_file():
        return None
    return torch.load(path, map_location="cpu", weights_only=True)


def epoch_generator(purpose: str, seed: int, epoch: int) -> torch.Generator:
    """Randomness of one epoch, so that a resumed run repeats an uninterrupted one.

    Also seeds torch's global generator, which dropout draws from.
    """
    from ldviz.randomness import keyed_generator

    key = int(keyed_generator(purpose, seed, epoch).integers(0, 2**62))
    torch.manual_seed(key)
    return torch.Generator().manual_seed(key)
