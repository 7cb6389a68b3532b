"""The statistic of one mask from ranks: what a page needs between a click and its answer.

A drop order says which dimension goes first; its inverse, the rank of every dimension,
turns a mask into a comparison: dropped are the ranks below a threshold of each sample.
Comparing and adding up whole rows is several times faster than sorting and gathering the
dropped entries, and because sums of :func:`ldviz.attacks.statistic.powered` are exact,
the result is the same to the last bit.  NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ldviz.attacks.statistic import for_row_blocks
from ldviz.errors import InputError


def drop_ranks(drop_order: np.ndarray) -> np.ndarray:
    """The inverse of a drop order: when each dimension is dropped.

    Args:
        drop_order: (n, d) from :func:`ldviz.attacks.masks.drop_order`.

    Returns:
        (n, d) in the smallest unsigned type; read-only and without memory of its own
        where all rows of the order are the same.
    """
    num_samples, latent_dim = drop_order.shape
    kind = np.min_scalar_type(latent_dim - 1)
    one = num_samples > 1 and drop_order.strides[0] == 0
    rows = drop_order[:1] if one else drop_order
    ranks = np.empty(rows.shape, dtype=kind)
    np.put_along_axis(ranks, rows.astype(np.intp), np.arange(latent_dim, dtype=kind)[None], axis=1)
    return np.broadcast_to(ranks, drop_order.shape) if one else ranks


def ranked_statistics(
    values: np.ndarray,
    ranks: Sequence[np.ndarray],
    on: np.ndarray,
    num_dropped: int,
    *,
    start: int = 0,
) -> np.ndarray:
    """:func:`ldviz.attacks.statistic.draw_statistics`, from ranks in place of orders.

    Args:
        values: (n, d) from :func:`ldviz.attacks.statistic.powered`.
        ranks: D arrays (n, d) from :func:`drop_ranks`.
        on: (d,) bool, the dimensions left on.
        num_dropped: how many of those are dropped, at least one stays.
        start: the first position that is dropped; 0 but for a band.

    Returns:
        (D, n) float64.

    Raises:
        InputError: if shapes do not fit, or no dimension would be kept.

    Cost: D passes over n·d entries, none of them a gather.
    """
    return sums_and_thresholds(values, ranks, on, num_dropped, start=start)[0]


def sums_and_thresholds(
    values: np.ndarray,
    ranks: Sequence[np.ndarray],
    on: np.ndarray,
    num_dropped: int,
    *,
    start: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """:func:`ranked_statistics`, and where each sample's mask stops dropping.

    Returns:
        (D, n) float64 statistics, and (D, n) int32 thresholds: of the dimensions on,
        exactly ``start + num_dropped`` have a smaller rank.
    """
    stop = start + num_dropped
    _check(values.shape, ranks, on, start, stop)
    statistics = np.empty((len(ranks), len(values)))
    thresholds = np.empty(statistics.shape, dtype=np.int32)

    def sum_block(rows: slice) -> None:
        for index, one in enumerate(ranks):
            threshold = _threshold(one[rows], on, stop)
            kept = one[rows] >= threshold
            if start:
                kept |= one[rows] < _threshold(one[rows], on, start)
            kept &= on
            statistics[index, rows] = np.vecdot(values[rows], kept.astype(np.float64))
            thresholds[index, rows] = threshold[:, 0]

    for_row_blocks(sum_block, values)
    return statistics, thresholds


def ranked_kept_shares(ranks: np.ndarray, on: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Share of samples whose mask keeps each dimension: (d,) float64 in [0, 1].

    Args:
        ranks: (n, d) from :func:`drop_ranks`.
        on: (d,) bool, the dimensions left on.
        thresholds: (n,) of the mask, a row of what :func:`sums_and_thresholds` finds.
    """
    blocks: list[np.ndarray] = []

    def count_block(rows: slice) -> None:
        kept = ranks[rows] >= thresholds[rows, None].astype(ranks.dtype)
        # Bytes add up many at a time; 255 of them stay within a byte.
        parts = [kept[first : first + 255].view(np.uint8) for first in range(0, len(kept), 255)]
        sums = [np.add.reduce(part, axis=0, dtype=np.uint8) for part in parts]
        blocks.append(np.sum(sums, axis=0, dtype=np.int64))

    for_row_blocks(count_block, ranks)
    return np.where(on, np.sum(blocks, axis=0), 0) / len(ranks)


def _threshold(ranks: np.ndarray, on: np.ndarray, count: int) -> np.ndarray:
    """(rows, 1): ranks below it hold exactly ``count`` of the dimensions left on.

    Found from the sorted ranks of whichever are fewer: of those off, each that has fewer
    than ``count`` dimensions on before it moves the threshold up by one; of those on, the
    one at that position is the threshold.
    """
    off = np.flatnonzero(~on)
    if count == len(on) - len(off):
        return np.full((len(ranks), 1), len(on), dtype=np.uint32)  # beyond every rank
    if not len(off) or count == 0:
        return np.full((len(ranks), 1), count, dtype=ranks.dtype)
    # Sorted as 32-bit integers: NumPy's vectorised sort beats that of bytes.
    if 2 * len(off) <= len(on):
        before = ranks.take(off, axis=1).astype(np.uint32)
        before.sort(axis=1)
        before -= np.arange(len(off), dtype=np.uint32)
        passed = np.count_nonzero(before < count, axis=1, keepdims=True)
        return (count + passed).astype(ranks.dtype)
    left_on = ranks.take(np.flatnonzero(on), axis=1).astype(np.uint32)
    left_on.sort(axis=1)
    return left_on[:, [count]].astype(ranks.dtype)


def _check(
    shape: tuple[int, ...], ranks: Sequence[np.ndarray], on: np.ndarray, start: int, stop: int
) -> None:
    """Raise InputError for arguments that do not fit."""
    wrong = [one.shape for one in ranks if one.shape != shape]
    if wrong or on.shape != shape[1:]:
        raise InputError(
            f"Values {shape}, ranks {wrong[0] if wrong else shape} and dimensions left on "
            f"{on.shape} do not fit: they must be (n, d), (n, d) and (d,)."
        )
    num_on = int(np.count_nonzero(on))
    if not 0 <= start <= stop <= num_on or stop - start >= num_on:
        raise InputError(f"Cannot drop positions {start}..{stop - 1} of {num_on} dimensions.")
