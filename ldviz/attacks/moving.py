"""Statistics under a mask that is a few dimensions away from the last one: what a toggle changes.

Switching a cell of a small grid off takes a handful of dimensions out of every sample's sum, and
moves the place up to which the sample drops by a handful of positions.  Doing only that is many
times faster than adding up every row again; and because sums of
:func:`ldviz.attacks.statistic.powered` are exact, the result is the same to the last bit.
NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ldviz.attacks.ranked import ranked_kept_shares, sums_and_thresholds
from ldviz.attacks.statistic import PARALLEL_ENTRIES
from ldviz.threads import in_threads

_MAX_CHANGES = 96
"""Dimensions and positions up to which sums move.  At 50,000 x 256, of the time of adding up anew:
a cell of four channels, 6 of them, took 0.12; a channel of 8 x 8 cells, 90 of them, 0.39."""


@dataclass(frozen=True)
class _Sums:
    """Where the last mask stood.

    Attributes:
        on: (d,) bool, the dimensions left on.
        num_dropped: how many of them were dropped.
        thresholds: (D, n), the dimensions below which in rank were dropped.
        statistics: (D, n) float64.
    """

    on: np.ndarray
    num_dropped: int
    thresholds: np.ndarray
    statistics: np.ndarray


class MovingSums:
    """The statistics of a study's masks, each computed from the one before where that is near.

    Args:
        values: (n, d) from :func:`ldviz.attacks.statistic.powered`.
        orders: D arrays (n, d) from :func:`ldviz.attacks.masks.drop_order`.
        ranks: D arrays (n, d), their :func:`ldviz.attacks.ranked.drop_ranks`.
    """

    def __init__(
        self, values: np.ndarray, orders: Sequence[np.ndarray], ranks: Sequence[np.ndarray]
    ) -> None:
        self._values = values
        self._orders = list(orders)
        self._ranks = list(ranks)
        self._last: _Sums | None = None

    def statistics(self, on: np.ndarray, num_dropped: int) -> np.ndarray:
        """:func:`ldviz.attacks.ranked.ranked_statistics` of the values, to the last bit.

        Args:
            on: (d,) bool, the dimensions left on.
            num_dropped: how many of those are dropped, at least one stays.

        Returns:
            (D, n) float64, read-only.

        Raises:
            InputError: if shapes do not fit, or no dimension would be kept.
        """
        last = self._last
        if last is None or not _near(last, on, num_dropped):
            statistics, thresholds = sums_and_thresholds(self._values, self._ranks, on, num_dropped)
        else:
            statistics, thresholds = last.statistics.copy(), last.thresholds.copy()
            self._move(last, on, num_dropped, statistics, thresholds)
        statistics.setflags(write=False)
        self._last = _Sums(on.copy(), num_dropped, thresholds, statistics)
        return statistics

    def kept_shares(self, index: int) -> np.ndarray:
        """(d,) float64 share of samples whose last mask keeps each dimension.

        Args:
            index: of the order among those given.
        """
        return ranked_kept_shares(self._ranks[index], self._last.on, self._last.thresholds[index])

    def _move(
        self,
        last: _Sums,
        on: np.ndarray,
        num_dropped: int,
        statistics: np.ndarray,
        thresholds: np.ndarray,
    ) -> None:
        """From the last mask's sums to these, in place."""
        gone, come = np.flatnonzero(last.on & ~on), np.flatnonzero(on & ~last.on)
        parts = [(dims, self._values.take(dims, axis=1), s) for dims, s in ((gone, -1), (come, 1))]

        def move_mask(index: int) -> None:
            threshold, statistic = thresholds[index], statistics[index]
            below = np.full(len(threshold), last.num_dropped)
            for dims, part, sign in parts:
                kept = self._ranks[index].take(dims, axis=1) >= threshold[:, None]
                statistic += sign * np.vecdot(part, kept.astype(np.float64))
                below += sign * (len(dims) - np.count_nonzero(kept, axis=1))
            _settle(self._values, self._orders[index], on, num_dropped, below, threshold, statistic)

        pays = self._values.size >= PARALLEL_ENTRIES
        in_threads(move_mask, range(len(self._ranks)), pays=pays)


def _near(last: _Sums, on: np.ndarray, num_dropped: int) -> bool:
    """Whether moving from the last mask is worth it; a mask of another shape is not."""
    if on.shape != last.on.shape or not 0 <= num_dropped < np.count_nonzero(on):
        return False
    changes = np.count_nonzero(on != last.on) + abs(num_dropped - last.num_dropped)
    return bool(changes <= _MAX_CHANGES)


def _settle(
    values: np.ndarray,
    order: np.ndarray,
    on: np.ndarray,
    num_dropped: int,
    below: np.ndarray,
    threshold: np.ndarray,
    statistic: np.ndarray,
) -> None:
    """Move each sample's threshold until ``num_dropped`` of the dimensions on lie below it.

    Args:
        values, order: (rows, d).
        below: (rows,) how many of the dimensions on lie below it now; changed.
        threshold, statistic: (rows,), changed.
    """
    rows = np.flatnonzero(below < num_dropped)
    while rows.size:
        dims = order[rows, threshold[rows]]
        is_on = on[dims]
        statistic[rows] -= np.where(is_on, values[rows, dims], 0.0)
        threshold[rows] += 1
        below[rows] += is_on
        rows = rows[below[rows] < num_dropped]
    rows = np.flatnonzero(below > num_dropped)
    while rows.size:
        threshold[rows] -= 1
        dims = order[rows, threshold[rows]]
        is_on = on[dims]
        statistic[rows] += np.where(is_on, values[rows, dims], 0.0)
        below[rows] -= is_on
        rows = rows[below[rows] > num_dropped]
