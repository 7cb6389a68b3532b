"""ROC staircases of every mask at every drop fraction: what moves while the slider is dragged.

The browser must not compute statistics, and Python must not be asked at 60
frames a second.  So all curves that one drag can show are computed at once:
masks are nested as the fraction grows, which makes a sweep one gather and one
sort per fraction.  NumPy only; :mod:`ldviz.ui.mask_lab` sends the result.

A whole sweep takes a few tenths of a second, longer than a toggle may wait.
:func:`sweep_steps` therefore computes it in pieces that a page can spread over
several short runs.
"""

from __future__ import annotations

import base64
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ldviz.attacks.masks import num_dropped
from ldviz.attacks.moving import MovingSums
from ldviz.attacks.ranked import drop_ranks, ranked_statistics
from ldviz.attacks.statistic import masked_statistic, sweep_statistics
from ldviz.errors import InputError
from ldviz.metrics.roc import (
    Positive,
    checked_scores,
    display_columns,
    metrics_of_counts,
    staircase,
)

LARGEST_FRACTION = 0.95
"""Right end of the slider; beyond it a mask rests on a handful of dimensions."""

_STEP = 0.01
_MAX_EXACT_NEGATIVES = 1000  # up to here every false-positive count is sent
_MAX_COLUMNS = 500
_MAX_BAND_COLUMNS = 96
_MAX_KEPT_DIM = 1024  # the table of kept shares is (d, d_on) while it is counted
_SCORES_PER_STEP = 2**18  # about 20 ms of sorting
_ENTRIES_PER_STEP = 2**21
_TARGET_FPR = 0.01
_KEPT_UNIT = 255  # kept shares travel as bytes


Band = tuple[np.ndarray, int, int]
"""Ranks (n, d), and the positions [start, stop) of them that are dropped."""

PerKind = Mapping[str, np.ndarray | Sequence[np.ndarray]]
"""Mask kind to one (n, d) array; a sequence of them is averaged, as a random mask's draws are."""


@dataclass(frozen=True)
class CurveRows:
    """One mask's staircases and numbers, one row per distinct number of dropped dimensions.

    Attributes:
        counts: (R, P) int64, true positives at each false-positive count, summed
            over ``draws``.
        draws: how many random masks the counts sum; 1 for a mask without chance.
        auc, asr, tpr: (R,) float64, means over the draws; ``tpr`` is at 1 % FPR.
            ``nan`` = not available.
        spread: (R, B) float64 or None: standard deviation over the draws (ddof 0) of
            the true positives **summed over draws**, so in the unit of ``counts``, at
            ``Sweep.band_columns``.
    """

    counts: np.ndarray
    draws: int
    auc: np.ndarray
    asr: np.ndarray
    tpr: np.ndarray
    spread: np.ndarray | None = None


@dataclass(frozen=True)
class Sweep:
    """All curves of one composition of channels and cells.

    Attributes:
        fractions: (F,) ascending drop fractions that can be shown.
        row: (F,) the row of each; neighbours that drop equally many share one.
        num_dropped: (R,) dimensions dropped in each row.
        num_on: dimensions that channels and cells leave on.
        num_positive, num_negative: sample counts.
        false_positives: (P,) ascending counts, from 0 to ``num_negative``.
        band_columns: (B,) indices into ``false_positives`` where spreads are known.
        curves: by kind, in drawing order; ``"none"`` and bands have a single row.
        kept: (R, d) float64 shares of samples that keep a dimension, or None.
        whole: whether this is the whole slider, or the present fraction alone.
    """

    fractions: np.ndarray
    row: np.ndarray
    num_dropped: np.ndarray
    num_on: int
    num_positive: int
    num_negative: int
    false_positives: np.ndarray
    band_columns: np.ndarray
    curves: dict[str, CurveRows]
    kept: np.ndarray | None
    whole: bool

    @cached_property
    def packed(self) -> dict:
        """:func:`packed_sweep` of this sweep, made once however often a page is drawn."""
        return packed_sweep(self)

    def holds(self, drop_fraction: float) -> bool:
        """Whether this sweep has a curve for ``drop_fraction``."""
        return bool(np.isclose(self.fractions, drop_fraction, rtol=0, atol=1e-9).any())


class SweepDesk:
    """What one session has computed, and the sweep it is computing, a piece per page run.

    A page run must stay short, or a toggle made meanwhile waits for it.  So the first
    answer for a mask is its present fraction alone, and the whole sweep follows over
    as many runs as it needs.
    """

    def __init__(self, capacity: int = 8) -> None:
        self._whole: OrderedDict[Hashable, Sweep] = OrderedDict()
        self._single: OrderedDict[Hashable, Sweep] = OrderedDict()
        self._capacity = capacity
        self._running: tuple[Hashable, Generator[float, None, Sweep]] | None = None

    def sweep(
        self,
        key: Hashable,
        drop_fraction: float,
        steps: Callable[[np.ndarray], Generator[float, None, Sweep]],
        *,
        whole: bool,
        budget_s: float = 0.08,
    ) -> tuple[Sweep, float]:
        """The best sweep there is for ``key`` within the budget.

        Args:
            key: everything but the drop fraction that the sweep depends on.
            drop_fraction: the present fraction, which the answer always holds.
            steps: starts :func:`sweep_steps` for an array of fractions.
            whole: whether to work on the whole slider.
            budget_s: seconds to work on it in this call; at least one piece is done.

        Returns:
            The sweep, and the share of the whole that is done, 1.0 when it is whole.
        """
        held = self._whole.get(key)
        if held is not None and held.holds(drop_fraction):
            self._whole.move_to_end(key)
            return held, 1.0
        progress = 0.0
        if whole:
            finished, progress = self._work((key, drop_fraction), steps, budget_s)
            if finished is not None:
                _remember(self._whole, key, finished, self._capacity)
                return finished, 1.0
        single_key = (key, drop_fraction)
        if single_key not in self._single:
            single = _run_to_end(steps(np.array([drop_fraction])))
            _remember(self._single, single_key, single, self._capacity)
        return self._single[single_key], progress

    def _work(
        self,
        key: tuple[Hashable, float],
        steps: Callable[[np.ndarray], Generator[float, None, Sweep]],
        budget_s: float,
    ) -> tuple[Sweep | None, float]:
        """Go on with the sweep of ``key``, dropping one of another key."""
        if self._running is None or self._running[0] != key:
            self._running = (key, steps(slider_fractions(key[1])))
        pieces = self._running[1]
        self._running = None  # an error in a piece ends the sweep
        stop = time.perf_counter() + budget_s
        progress = 0.0
        while True:
            try:
                progress = next(pieces)
            except StopIteration as finished:
                return finished.value, 1.0
            if time.perf_counter() >= stop:
                self._running = (key, pieces)
                return None, progress


def slider_fractions(drop_fraction: float) -> np.ndarray:
    """The slider's 96 steps, and the present fraction where a link put it between two."""
    steps = np.round(np.arange(0, LARGEST_FRACTION + _STEP / 2, _STEP), 2)
    if np.isclose(steps, drop_fraction, rtol=0, atol=1e-9).any():
        return steps
    return np.sort(np.append(steps, drop_fraction))


def build_sweep(
    values: np.ndarray,
    orders: PerKind,
    on: np.ndarray,
    is_member: np.ndarray,
    fractions: Sequence[float] | np.ndarray,
    *,
    sums: MovingSums | None = None,
    bands: Mapping[str, Band] | None = None,
    positive: Positive = "member",
) -> Sweep:
    """Every mask's ROC at every fraction, in one call.

    Args:
        values: (n, d) from :func:`ldviz.attacks.statistic.powered`.
        orders: mask kind to its drop order or orders.
        on: (d,) bool, the dimensions that channels and cells leave on.
        is_member: (n,) bool.
        fractions: drop fractions in [0, 1); one of them makes the quick first answer.
        sums: :func:`moving_sums` of the same values and orders, kept between calls: they make
            a single fraction many times faster; None to have them made here.
        bands: mask kind to the positions that it drops at every fraction.
        positive: the class that counts as found.

    Returns:
        The sweep, with a ``"none"`` curve (no mask at all: all d dimensions) besides
        the given kinds.

    Raises:
        InputError: where shapes do not fit, a statistic is not finite, or there are
            no members or no held-out images.

    Cost: for each order one gather of n·d and a sort of n per fraction.
    """
    return _run_to_end(
        sweep_steps(
            values, orders, on, is_member, fractions, sums=sums, bands=bands, positive=positive
        )
    )


def sweep_steps(
    values: np.ndarray,
    orders: PerKind,
    on: np.ndarray,
    is_member: np.ndarray,
    fractions: Sequence[float] | np.ndarray,
    *,
    sums: MovingSums | None = None,
    bands: Mapping[str, Band] | None = None,
    positive: Positive = "member",
) -> Generator[float, None, Sweep]:
    """:func:`build_sweep` in pieces of some 20 ms: yields the share done, returns the sweep."""
    _check_both_classes(is_member)
    fractions = np.sort(np.asarray(fractions, dtype=np.float64))
    num_on = int(np.count_nonzero(on))
    dropped, row = np.unique(
        [num_dropped(fraction, num_on) for fraction in fractions], return_inverse=True
    )
    is_positive = is_member if positive == "member" else ~is_member
    num_negative = int(np.count_nonzero(~is_positive))
    columns = _false_positive_columns(num_negative)
    band_columns = np.unique(
        np.searchsorted(columns, _thinned(columns[-1], _MAX_BAND_COLUMNS), side="left")
    )
    lists = _lists(orders)
    bands = bands or {}
    # With no mask, and the kept shares.
    num_parts = 2 + len(bands) + sum(len(draws) for draws in lists.values())
    done = 0

    def advanced(pieces: Generator[float, None, Any], start: float) -> Generator[float, None, Any]:
        """Half a part's work; progress never stands still, since the browser waits for it."""
        while True:
            try:
                share = next(pieces)
            except StopIteration as finished:
                return finished.value
            yield (done + start + share / 2) / num_parts

    def curves_of(statistics: np.ndarray) -> Generator[float, None, tuple[np.ndarray, dict]]:
        """The curves of one mask."""
        nonlocal done
        pieces = _curves(statistics, is_member, is_positive, positive, columns)
        found = yield from advanced(pieces, 0.5)
        done += 1
        return found

    banded = {
        kind: ranked_statistics(values, [ranks], on, stop - start, start=start)
        for kind, (ranks, start, stop) in bands.items()
    }
    unmasked = masked_statistic(values)
    kept = None
    counts_kept = "influence" in lists and len(on) <= _MAX_KEPT_DIM
    if len(dropped) == 1:
        sums = sums or moving_sums(values, orders)
        moved = sums.statistics(on, int(dropped[0]))
        counts, metrics = yield from curves_of(
            np.concatenate([unmasked[None], moved, *banded.values()]).T
        )
        rows = iter(
            (one[None], {key: values[[row]] for key, values in metrics.items()})
            for row, one in enumerate(counts)
        )
        curves = {"none": _joined([next(rows)], band_columns)}
        for kind, draws in lists.items():
            curves[kind] = _joined([next(rows) for _ in draws], band_columns)
        for kind in bands:
            curves[kind] = _joined([next(rows)], band_columns)
        if counts_kept:
            kept = sums.kept_shares(list(lists).index("influence"))[None]
    else:
        found = yield from curves_of(unmasked[:, None])
        curves = {"none": _joined([found], band_columns)}
        for kind, draws in lists.items():
            per_draw = []
            for order in draws:
                statistics = yield from advanced(_swept(values, order, on, dropped), 0.0)
                found = yield from curves_of(statistics)
                per_draw.append(found)
            curves[kind] = _joined(per_draw, band_columns)
        for kind, statistics in banded.items():
            found = yield from curves_of(statistics.T)
            curves[kind] = _joined([found], band_columns)
        if counts_kept:
            pieces = _kept_steps(lists["influence"][0], on, dropped)
            kept = yield from advanced(pieces, 0.0)
    return Sweep(
        fractions=fractions,
        row=row,
        num_dropped=dropped,
        num_on=num_on,
        num_positive=len(is_member) - num_negative,
        num_negative=num_negative,
        false_positives=columns,
        band_columns=band_columns,
        curves=curves,
        kept=kept,
        whole=len(fractions) > 1,
    )


def moving_sums(values: np.ndarray, orders: PerKind, ranks: PerKind | None = None) -> MovingSums:
    """What makes one mask after another quick: see :class:`ldviz.attacks.moving.MovingSums`.

    Args:
        values: (n, d) from :func:`ldviz.attacks.statistic.powered`.
        orders: mask kind to its drop order or orders.
        ranks: the same kinds' :func:`ldviz.attacks.ranked.drop_ranks`; None to make them here.
    """
    joined = [order for draws in _lists(orders).values() for order in draws]
    if ranks is None:
        return MovingSums(values, joined, [drop_ranks(order) for order in joined])
    lists = _lists(ranks)
    return MovingSums(values, joined, [one for kind in orders for one in lists[kind]])


def kept_shares(drop_order: np.ndarray, on: np.ndarray, num_dropped: np.ndarray) -> np.ndarray:
    """Share of samples whose mask keeps each dimension.

    Args:
        drop_order: (n, d) dimensions in the order they are dropped.
        on: (d,) bool; dimensions off are kept by nobody.
        num_dropped: (R,) counts below the number of dimensions on.

    Returns:
        (R, d) float64 in [0, 1].
    """
    return _run_to_end(_kept_steps(drop_order, on, num_dropped))


def _kept_steps(
    drop_order: np.ndarray, on: np.ndarray, num_dropped: np.ndarray
) -> Generator[float, None, np.ndarray]:
    """:func:`kept_shares`, some rows at a time."""
    num_on = int(np.count_nonzero(on))
    table = np.zeros(len(on) * num_on, dtype=np.int64)
    for rows, share in _row_steps(*drop_order.shape):
        part = drop_order[rows]
        ranked = part[on[part]].reshape(len(part), num_on)
        places = ranked.astype(np.int64) * num_on + np.arange(num_on)
        table += np.bincount(places.ravel(), minlength=table.size)
        yield share
    at_or_after = table.reshape(len(on), num_on)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return at_or_after[:, num_dropped].T / len(drop_order)


def packed_sweep(sweep: Sweep) -> dict:
    """The sweep as JSON, as ``2_decode.js`` reads it; ``nan`` becomes null.

    Staircases are sent as zlib-compressed differences along the false-positive axis,
    in the smallest unsigned type that holds them; they decode to the same integers.
    """
    kinds = {}
    for kind, curve in sweep.curves.items():
        kinds[kind] = {
            "counts": packed(np.diff(curve.counts, axis=1, prepend=0)),
            "draws": curve.draws,
            "auc": _numbers(curve.auc),
            "asr": _numbers(curve.asr),
            "tpr": _numbers(curve.tpr),
        }
        if curve.spread is not None:
            kinds[kind]["band"] = {
                "at": sweep.band_columns.tolist(),
                "sd": packed(curve.spread.astype(np.float32)),
            }
    return {
        "whole": sweep.whole,
        "fractions": sweep.fractions.tolist(),
        "row": sweep.row.tolist(),
        "num_dropped": sweep.num_dropped.tolist(),
        "num_on": sweep.num_on,
        "false_positives": sweep.false_positives.tolist(),
        "kinds": kinds,
        "kept": None
        if sweep.kept is None
        else packed(np.rint(sweep.kept * _KEPT_UNIT).astype(np.uint8)),
    }


def packed(array: np.ndarray) -> dict:
    """An array as {dtype, shape, data}: zlib, then base64; integers in the smallest type."""
    if array.dtype.kind == "i":
        array = array.astype(np.min_scalar_type(int(array.max(initial=0))))
    data = zlib.compress(np.ascontiguousarray(array).tobytes(), level=1)
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": base64.b64encode(data).decode("ascii"),
    }


def _run_to_end(steps: Generator[float, None, Any]) -> Any:
    """What the steps return."""
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def _remember(held: OrderedDict, key: Hashable, value: Sweep, capacity: int) -> None:
    """Keep ``value`` and forget the least recently used beyond ``capacity``."""
    held[key] = value
    held.move_to_end(key)
    while len(held) > capacity:
        held.popitem(last=False)


def _check_both_classes(is_member: np.ndarray) -> None:
    """Raise InputError where there is no ROC."""
    num_member = int(np.count_nonzero(is_member))
    if not 0 < num_member < len(is_member):
        raise InputError(
            f"A ROC needs members and held-out images; this selection has {num_member} members "
            f"and {len(is_member) - num_member} held-out images, so it is undefined."
        )


def _lists(arrays: PerKind) -> dict[str, Sequence[np.ndarray]]:
    """Every kind with a list of arrays, be it of one."""
    return {kind: [one] if isinstance(one, np.ndarray) else one for kind, one in arrays.items()}


def _joined(per_draw: list[tuple[np.ndarray, dict]], band_columns: np.ndarray) -> CurveRows:
    """The curves of a mask from those of its draws: counts summed, numbers averaged."""
    num_draws = len(per_draw)
    counts = sum(counts for counts, _ in per_draw)
    metrics = {
        key: sum(metrics[key] for _, metrics in per_draw) / num_draws for key in per_draw[0][1]
    }
    spread = None
    if num_draws > 1:
        at = [counts[:, band_columns].astype(np.float64) for counts, _ in per_draw]
        variance = sum(one**2 for one in at) / num_draws - (sum(at) / num_draws) ** 2
        spread = num_draws * np.sqrt(np.maximum(variance, 0))
    return CurveRows(counts, num_draws, spread=spread, **metrics)


def _row_steps(num_rows: int, row_length: int) -> list[tuple[slice, float]]:
    """Slices of rows of some 80 ms of gathering each, and the share done after each."""
    rows = max(1, _ENTRIES_PER_STEP // row_length)
    return [
        (slice(start, start + rows), min(1.0, (start + rows) / num_rows))
        for start in range(0, num_rows, rows)
    ]


def _swept(
    values: np.ndarray, order: np.ndarray, on: np.ndarray, dropped: np.ndarray
) -> Generator[float, None, np.ndarray]:
    """(n, R) statistics, some rows at a time."""
    parts = []
    for rows, share in _row_steps(*values.shape):
        parts.append(sweep_statistics(values[rows], order[rows], on, dropped))
        yield share
    return np.concatenate(parts)


def _curves(
    statistics: np.ndarray,
    is_member: np.ndarray,
    is_positive: np.ndarray,
    positive: Positive,
    columns: np.ndarray,
) -> Generator[float, None, tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Staircases at ``columns`` and the three numbers, a slice of rows at a time.

    Yields the share done after each slice, growing up to 1.
    """
    sign = -1.0 if positive == "member" else 1.0  # small statistic = member
    num_positive = int(np.count_nonzero(is_positive))
    num_negative = len(is_positive) - num_positive
    rows_per_step = max(1, _SCORES_PER_STEP // max(1, len(is_member)))
    counts, metrics = [], []
    for start in range(0, statistics.shape[1], rows_per_step):
        part = np.ascontiguousarray(statistics[:, start : start + rows_per_step].T)
        _, scores = checked_scores(is_member, sign * part)
        above, at_or_above = staircase(is_positive, scores)
        metrics.append(
            metrics_of_counts(above, at_or_above, num_positive, num_negative, fprs=(_TARGET_FPR,))
        )
        reached = np.pad(above, ((0, 0), (0, 1)), constant_values=num_positive)
        counts.append(reached[:, columns])
        yield min(1.0, (start + rows_per_step) / statistics.shape[1])
    joined = [np.concatenate(arrays) for arrays in zip(*(m.values() for m in metrics), strict=True)]
    return np.concatenate(counts), dict(zip(("auc", "asr", "tpr"), joined, strict=True))


def _false_positive_columns(num_negative: int) -> np.ndarray:
    """The false-positive counts to send: all of them, or what a screen can resolve."""
    if num_negative <= _MAX_EXACT_NEGATIVES:
        return np.arange(num_negative + 1)
    return _thinned(num_negative, _MAX_COLUMNS)


def _thinned(num_negative: int, max_columns: int) -> np.ndarray:
    """At most ``max_columns`` + 1 false-positive counts, 0 and ``num_negative`` among them."""
    return np.append(display_columns(num_negative, max_columns), num_negative)


def _numbers(array: np.ndarray) -> list[float | None]:
    """JSON has no nan: null stands for "not available"."""
    return [float(value) if np.isfinite(value) else None for value in array]
