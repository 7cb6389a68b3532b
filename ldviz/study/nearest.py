"""Which images of a study are nearest to a picture, and how near is usual.  NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.randomness import keyed_generator

_BLOCK_NUMBERS = 2**23
_REFERENCE = 200


@dataclass(frozen=True)
class Neighbours:
    """The nearest rows of an array, nearest first.

    Attributes:
        rows: (k,) positions in the array.
        distances: (k,) root mean square difference per entry, ascending.
    """

    rows: np.ndarray
    distances: np.ndarray


def nearest_rows(
    array: np.ndarray, picture: np.ndarray, candidates: np.ndarray, count: int, *, unit: float = 1.0
) -> Neighbours:
    """The candidates that differ least from a picture.

    Args:
        array: (n, ...) pixels or latents of a study.
        picture: (...) the same of one picture.
        candidates: (k,) rows that may be found.
        count: how many to return, fewer where there are fewer candidates.
        unit: what a difference is measured in; 255 for uint8 pixels as shares of their range.

    Cost: one pass over the candidates, in blocks of 64 MiB.
    """
    flat, target = array.reshape(len(array), -1), picture.astype(np.float64).ravel() / unit
    step = max(1, _BLOCK_NUMBERS // flat.shape[1])
    squares = np.empty(len(candidates))
    for start in range(0, len(candidates), step):
        block = flat[candidates[start : start + step]].astype(np.float64) / unit
        squares[start : start + step] = ((block - target) ** 2).mean(axis=1)
    order = np.argsort(squares, kind="stable")[:count]
    return Neighbours(candidates[order], np.sqrt(squares[order]))


def usual_distances(
    array: np.ndarray, is_member: np.ndarray, *, unit: float = 1.0, seed: int = 0
) -> np.ndarray:
    """How far held-out images are from their nearest member: what "near" is measured by.

    Args:
        array, unit: as for ``nearest_rows``.
        is_member: (n,) bool.
        seed: of the choice where there are more than 200 held-out images.

    Returns:
        (k,) distances of at most 200 held-out images, ascending; empty where a side is.

    Cost: a product of 200 rows with all members.
    """
    flat = array.reshape(len(array), -1)
    members, held_out = np.flatnonzero(is_member), np.flatnonzero(~is_member)
    if not len(members) or not len(held_out):
        return np.empty(0)
    if len(held_out) > _REFERENCE:
        generator = keyed_generator("nearest-reference", seed)
        held_out = np.sort(generator.choice(held_out, _REFERENCE, replace=False))
    asked = flat[held_out].astype(np.float64) / unit
    least = np.full(len(held_out), np.inf)
    step = max(1, _BLOCK_NUMBERS // flat.shape[1])
    for start in range(0, len(members), step):
        block = flat[members[start : start + step]].astype(np.float64) / unit
        squares = (asked**2).sum(1)[:, None] + (block**2).sum(1) - 2.0 * asked @ block.T
        least = np.minimum(least, squares.min(axis=1))
    return np.sort(np.sqrt(np.maximum(least, 0.0) / flat.shape[1]))
