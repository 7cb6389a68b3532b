"""From attack vectors and masks to one number per sample; NumPy only.

Pages sum the same 12.8 million numbers under one mask after another, and two
sums of the same numbers in another order differ in their last digits, enough
to swap two samples in a ROC.  So there is one canonical value of |S|^p, from
:func:`powered`: rounded, per sample, to a grid on which **every** masked sum is
exact in float64.  Summing in any order, or subtracting the dropped part from
the whole, then gives the same bits, and the fast routines here are free to do
either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ldviz.attacks.registry import Attack
from ldviz.errors import InputError
from ldviz.threads import in_threads

_BLOCK_ENTRIES = 2**16
"""Entries worked on at a time, so that temporaries stay in a core's cache."""

PARALLEL_ENTRIES = 2**21
"""Below this many entries, threads cost more than they save."""


def powered(vectors: np.ndarray, power: Attack | float | None) -> np.ndarray:
    """|S|^p per entry, or S itself for a signed sum, on a grid of exact sums.

    With R = d · max|v| < 2^e, entries are rounded to multiples of q = 2^(e−52).
    Any sum of them is a multiple of q below 2^53 q, hence exact.  Rounding moves
    an entry by at most 2^−52 · d of the sample's largest; the grid depends on
    the sample's own entries alone, so neither on the batch nor on the mask.

    Args:
        vectors: (n, d) or (n, C, h, w), any float dtype; float16 as stored.
        power: an attack (its default p), p > 0, or None for the signed sum.  Where
            parameters choose p, give ``attack.power_for(parameters)``.

    Returns:
        (n, d) float64.  A sample with a non-finite entry is NaN throughout.

    Cost: two passes over n·d entries.
    """
    power = power.power if isinstance(power, Attack) else power
    flat = np.ascontiguousarray(vectors).reshape(len(vectors), math.prod(vectors.shape[1:]))
    values = np.empty(flat.shape, dtype=np.float64)

    def raise_block(rows: slice) -> None:
        values[rows] = _on_exact_grid(_raised(flat[rows].astype(np.float64), power))

    for_row_blocks(raise_block, flat)
    return values


def masked_statistic(values: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Σ_i mask_i · values_i per sample: small means member.

    Args:
        values: (n, d) from :func:`powered`.
        mask: (n, d) or (d,) bool, True = kept; None keeps all.

    Returns:
        (n,) float64.  The ``membership_score`` is its negative.

    Raises:
        InputError: if the mask's shape fits neither.
    """
    if mask is None:
        return values.sum(axis=1)
    if mask.shape not in (values.shape, values.shape[1:]):
        raise InputError(
            f"The mask has shape {mask.shape}; for {values.shape[0]} samples of "
            f"{values.shape[1]} dimensions it must be {values.shape} or {values.shape[1:]}."
        )
    if mask.ndim == 1:
        return values @ mask.astype(np.float64)
    return np.einsum("ij,ij->i", values, mask)


def masked_statistics(
    values: np.ndarray, drop_order: np.ndarray, on: np.ndarray, num_dropped: int, *, start: int = 0
) -> np.ndarray:
    """The statistic with ``num_dropped`` of the dimensions left on dropped.

    The fast twin of ``masked_statistic(values, mask)`` for one drop_fraction:
    it gathers the dropped entries, or the kept ones if they are fewer.

    Args:
        values: (n, d) from :func:`powered`.
        drop_order: (n, d) from :func:`ldviz.attacks.masks.drop_order`.
        on: (d,) bool, the dimensions left on.
        num_dropped: in 0..d_on−1.
        start: the first position in the order that is dropped; 0 but for a band.

    Returns:
        (n,) float64, equal to the last bit to the slow twin's.

    Raises:
        InputError: if the shapes do not fit, or no dimension would be kept.
    """
    return draw_statistics(values, [drop_order], on, num_dropped, start=start)[0]


def draw_statistics(
    values: np.ndarray,
    drop_orders: Sequence[np.ndarray],
    on: np.ndarray,
    num_dropped: int,
    *,
    start: int = 0,
) -> np.ndarray:
    """:func:`masked_statistics` under several drop orders, such as the draws of a random mask.

    Values pass through the cache once for all orders, which makes ten draws cost
    less than ten calls.

    Args: as for :func:`masked_statistics`; ``drop_orders`` holds D of them.

    Returns:
        (D, n) float64.

    Raises:
        InputError: as for :func:`masked_statistics`.
    """
    for order in drop_orders:
        num_on = _check_sweep(values, order, on, np.array([num_dropped]))
    stop = start + num_dropped
    if not 0 <= start <= stop <= num_on:
        raise InputError(f"Cannot drop positions {start}..{stop - 1} of {num_on} dimensions.")
    statistics = np.empty((len(drop_orders), len(values)))
    statistics[:] = values @ on.astype(np.float64)
    if num_dropped == 0:
        return statistics
    gather_kept = start == 0 and 2 * num_dropped > num_on
    columns = slice(stop, num_on) if gather_kept else slice(start, stop)
    table = _order_table(on)

    def sum_block(rows: slice) -> None:
        for row, order in zip(statistics, drop_orders, strict=True):
            gathered = _gathered(values[rows], _order_among(order[rows], table, columns))
            if gather_kept:
                row[rows] = gathered.sum(axis=1)
            else:
                row[rows] -= gathered.sum(axis=1)

    for_row_blocks(sum_block, values)
    return statistics


def sweep_statistics(
    values: np.ndarray, drop_order: np.ndarray, on: np.ndarray, num_dropped: np.ndarray
) -> np.ndarray:
    """The statistic at many drop counts in one pass: the masks are nested.

    Entries are put in the order they are dropped, summed between consecutive
    counts, and the segments added up from the end.

    Args:
        values: (n, d) from :func:`powered`.
        drop_order: (n, d) from :func:`ldviz.attacks.masks.drop_order`.
        on: (d,) bool, the dimensions left on.
        num_dropped: (K,) integers in 0..d_on−1, in any order.

    Returns:
        (n, K) float64; column j drops the first ``num_dropped[j]`` of the
        dimensions left on, and equals the slow twin to the last bit.

    Raises:
        InputError: if the shapes do not fit, or a count would keep no dimension.

    Cost: one gather of n·d entries, whatever K.
    """
    num_dropped = np.asarray(num_dropped)
    num_on = _check_sweep(values, drop_order, on, num_dropped)
    if num_dropped.size == 0:
        return np.empty((len(values), 0))
    starts, column = np.unique(num_dropped, return_inverse=True)
    kept = np.empty((len(values), len(starts)))
    columns, table = slice(starts[0], num_on), _order_table(on)

    def sum_block(rows: slice) -> None:
        gathered = _gathered(values[rows], _order_among(drop_order[rows], table, columns))
        segments = np.add.reduceat(gathered, starts - starts[0], axis=1)
        kept[rows] = segments[:, ::-1].cumsum(axis=1)[:, ::-1]

    for_row_blocks(sum_block, values)
    return kept if np.array_equal(starts, num_dropped) else kept[:, column]


def _raised(values: np.ndarray, power: float | None) -> np.ndarray:
    """|values|^power in place; squares for 2 and 4, unchanged for None."""
    if power is None:
        return values
    with np.errstate(over="ignore"):
        if power in (2, 4):
            np.square(values, out=values)
            return values if power == 2 else np.square(values, out=values)
        np.abs(values, out=values)
        return np.power(values, power, out=values)


def _on_exact_grid(values: np.ndarray) -> np.ndarray:
    """Each row rounded in place to multiples of 2^(e−52), where d · max|row| < 2^e."""
    peak = np.maximum(values.max(axis=1), -values.min(axis=1))
    exponent = np.frexp(peak * values.shape[1])[1]
    # Adding 1.5 · 2^e leaves no bits below 2^(e−52); subtracting it restores the rest.
    anchor = np.where(np.isfinite(peak), np.ldexp(1.5, exponent), np.nan)[:, None]
    values += anchor
    values -= anchor
    return values


def _order_table(on: np.ndarray) -> np.ndarray | None:
    """(d,) lower halves of sorting keys: the dimension, or all ones where it is off.

    None where every dimension is on.
    """
    if on.all():
        return None
    word = np.uint32 if len(on) < 2**16 else np.int64
    return np.where(on, np.arange(len(on)), np.iinfo(word).max).astype(word)


def _order_among(drop_order: np.ndarray, table: np.ndarray | None, columns: slice) -> np.ndarray:
    """(rows, columns) of the drop order struck of what is off, by sorting packed keys.

    A key holds position and dimension; those switched off sort to the end.
    Sorting integers is several times faster than picking by a boolean mask.
    """
    if table is None:
        return drop_order[:, columns]
    word, bits = table.dtype.type, 16 if table.dtype == np.uint32 else 32
    keys = table.take(drop_order, mode="clip")
    keys |= np.arange(len(table), dtype=word) << word(bits)
    keys.sort(axis=1)
    return keys[:, columns] & word(2**bits - 1)


def _gathered(values: np.ndarray, dimensions: np.ndarray) -> np.ndarray:
    """values[i, dimensions[i, j]], through flat indices."""
    offsets = np.arange(len(values), dtype=np.intp)[:, None] * values.shape[1]
    return values.reshape(-1).take(dimensions + offsets, mode="clip")


def for_row_blocks(work: Callable[[slice], None], array: np.ndarray) -> None:
    """``work`` on slices of rows that fit a core's cache, on several cores where it pays.

    NumPy lets go of the interpreter in every step of ``work``, and exact sums do
    not depend on who adds them.
    """
    rows = max(1, _BLOCK_ENTRIES // max(1, array.shape[1]))
    blocks = [slice(first, first + rows) for first in range(0, len(array), rows)]
    in_threads(work, blocks, pays=array.size >= PARALLEL_ENTRIES)


def _check_sweep(
    values: np.ndarray, drop_order: np.ndarray, on: np.ndarray, num_dropped: np.ndarray
) -> int:
    """The number of dimensions left on; raises InputError for arguments that do not fit."""
    if drop_order.shape != values.shape or on.shape != values.shape[1:]:
        raise InputError(
            f"Values {values.shape}, drop order {drop_order.shape} and dimensions left on "
            f"{on.shape} do not fit: they must be (n, d), (n, d) and (d,)."
        )
    num_on = int(np.count_nonzero(on))
    if num_dropped.size and not (num_dropped.min() >= 0 and num_dropped.max() < num_on):
        raise InputError(
            f"`num_dropped` must be in 0..{num_on - 1} where {num_on} dimensions are left on, got "
            f"{num_dropped.min()}..{num_dropped.max()}."
        )
    return num_on
