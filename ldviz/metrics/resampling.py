"""Stratified bootstrap resamples, and one score vector sorted to be weighed by them.

A resample is a column of counts: how often each sample was drawn.  Counts lie as
(sample, resample), so that putting samples in score order copies whole rows and a
cumulative sum adds whole rows: a curve costs a few passes over memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ldviz.randomness import keyed_generator

_CHUNK_CELLS = 1 << 21  # counts in flight; with their sums some 20 MB
_MIN_WIDTH = 256  # resamples per chunk, at least: rows long enough to add at full speed
_KEPT_CELLS = 1 << 23  # resamples small enough to keep for the next call
_NARROW = 256  # columns below which rows are too short to be added one by one


@dataclass(frozen=True)
class RankedScores:
    """One score vector, each class sorted from most to least suspicious.

    Attributes:
        positive_order, negative_order: (n_positive,), (n_negative,) positions within
            the class, highest score first.
        above: (n_negative,) positives strictly above each negative in that order.
        at_or_above: the same with equal scores included.
        before: negatives strictly above each negative (below its place where tied).
        positive_group_end: (n_positive,) positives at or above each positive.
    """

    positive_order: np.ndarray
    negative_order: np.ndarray
    above: np.ndarray
    at_or_above: np.ndarray
    before: np.ndarray
    positive_group_end: np.ndarray


def ranked_scores(positive_scores: np.ndarray, negative_scores: np.ndarray) -> RankedScores:
    """Sort the scores of both classes, higher = more likely positive."""
    positive_order = np.argsort(-positive_scores, kind="stable")
    negative_order = np.argsort(-negative_scores, kind="stable")
    positives = -positive_scores[positive_order]
    negatives = -negative_scores[negative_order]
    return RankedScores(
        positive_order=positive_order,
        negative_order=negative_order,
        above=np.searchsorted(positives, negatives, side="left"),
        at_or_above=np.searchsorted(positives, negatives, side="right"),
        before=np.searchsorted(negatives, negatives, side="left"),
        positive_group_end=np.searchsorted(positives, positives, side="right"),
    )


def resample_chunks(
    n_member: int, n_held_out: int, num_resamples: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Stratified resamples in chunks: members and held-out images drawn apart.

    Yields:
        Read-only uint8 counts (n_member, b) and (n_held_out, b); the b add up to
        ``num_resamples``.  They depend on the arguments alone.
    """
    if (n_member + n_held_out) * num_resamples <= _KEPT_CELLS:
        yield from _kept_chunks(n_member, n_held_out, num_resamples, seed)
    else:
        yield from _drawn_chunks(n_member, n_held_out, num_resamples, seed)


@lru_cache(maxsize=8)
def _kept_chunks(
    n_member: int, n_held_out: int, num_resamples: int, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """All attacks and timesteps ask for the same resamples, of the whole and its quarters."""
    return tuple(_drawn_chunks(n_member, n_held_out, num_resamples, seed))


def _drawn_chunks(
    n_member: int, n_held_out: int, num_resamples: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    width = max(_MIN_WIDTH, _CHUNK_CELLS // max(1, n_member + n_held_out))
    for start in range(0, num_resamples, width):
        size = min(width, num_resamples - start)
        generator = keyed_generator("bootstrap", seed, start)
        yield (
            resample_counts(generator, n_member, size),
            resample_counts(generator, n_held_out, size),
        )


def resample_counts(generator: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Multinomial counts (n, size): n draws with replacement for each column.

    A few resamples at a time, so that the cells being counted stay in cache.  A sample
    drawn more than 255 times in one resample does not occur (chance below 1e-500).
    """
    counts = np.empty((size, n), dtype=np.uint8)
    block = max(1, 16_384 // n)
    for start in range(0, size, block):
        rows = min(block, size - start)
        draws = generator.integers(0, n, (rows, n))
        draws += n * np.arange(rows)[:, None]
        drawn = np.bincount(draws.ravel(), minlength=rows * n)
        counts[start : start + rows] = drawn.reshape(rows, n)
    counts = np.ascontiguousarray(counts.T)
    counts.flags.writeable = False
    return counts


def spacings(n: int, size: int, *key: int) -> np.ndarray:
    """Unit exponentials (n + 1, size) float32, keyed: the gaps between n sorted uniforms.

    A column divided by its sum splits [0, 1] as n uniform draws do; each of n samples owns
    one gap, so that score vectors of the same samples share them.
    """
    generator = keyed_generator("spacings", *key)
    return generator.standard_exponential((n + 1, size), dtype=np.float32)


def cumulative(amounts: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Running totals of the rows of ``amounts`` taken in ``order``.

    Returns:
        (len(order) + 1, b), row i adding up the first i; int32 of counts, else as given.
    """
    dtype = np.int32 if amounts.dtype == np.uint8 else amounts.dtype
    total = np.zeros((order.size + 1, amounts.shape[1]), dtype=dtype)
    total[1:] = amounts[order]
    if amounts.shape[1] < _NARROW:
        return np.add.accumulate(total, axis=0, out=total)
    for row in range(1, order.size + 1):
        np.add(total[row], total[row - 1], out=total[row])
    return total
