"""A lattice too small to see on the common scale, shown again in a corner, enlarged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ldviz.figures.lattice_drawn import DrawnLattice

SMALL = 0.25
"""Below this share of the largest lattice a lattice is enlarged."""

_SIZES = (0.3, 0.24)
_ROOM = 0.04
_STEPS = (1, 2, 3, 4, 5, 6, 8)


@dataclass(frozen=True, kw_only=True)
class Inset:
    """The enlarged copy.

    Attributes:
        lattice: moved into the corner, its edges' true distances unchanged.
        factor: how many times larger it is drawn.
        frame: (left, right, bottom, top) of the corner.
        limits: (low, high) of both axes, with room for the corner.
    """

    lattice: DrawnLattice
    factor: float
    frame: tuple[float, float, float, float]
    limits: list[tuple[float, float]]


def place_inset(
    lattices: Sequence[DrawnLattice], limits: Sequence[tuple[float, float]]
) -> Inset | None:
    """An enlarged copy of the smallest lattice, in a free corner or, for want of one, beside them.

    Returns:
        None where no lattice is too small to see, or it has no extent at all.
    """
    smallest = min(lattices, key=_extent)
    largest = max(_extent(lattice) for lattice in lattices)
    if not 0.0 < _extent(smallest) < SMALL * largest:
        return None
    limits = [(float(low), float(high)) for low, high in limits]
    span = max(high - low for low, high in limits)
    corners = (_free_corner(lattices, limits, share * span) for share in _SIZES)
    frame = next((corner for corner in corners if corner is not None), None)
    if frame is None:
        low, high = limits[0]
        size = _SIZES[0] * span
        limits[0] = (low, high + size * (1 + _ROOM))
        frame = (high, high + size, limits[1][0], limits[1][0] + size)
    size = frame[1] - frame[0]
    factor = rounded_down(size * (1 - 2 * _ROOM) / _extent(smallest))
    middle = np.array([(frame[0] + frame[1]) / 2, (frame[2] + frame[3]) / 2])
    points = np.concatenate(smallest.lines)
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    enlarged = replace(
        smallest,
        rows=middle + factor * (smallest.rows - center),
        columns=middle + factor * (smallest.columns - center),
    )
    return Inset(lattice=enlarged, factor=factor, frame=frame, limits=limits)


def rounded_down(value: float) -> float:
    """The largest number of one digit (times a power of ten) that is not above ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in _STEPS if step * power <= value * (1 + 1e-9))


def _extent(lattice: DrawnLattice) -> float:
    """The longer side of the box around a lattice."""
    points = np.concatenate(lattice.lines)
    return float((points.max(axis=0) - points.min(axis=0)).max())


def _free_corner(
    lattices: Sequence[DrawnLattice], limits: Sequence[tuple[float, float]], size: float
) -> tuple[float, float, float, float] | None:
    """A free corner of that size, lower right first; None where all four are crossed."""
    points = np.concatenate([line for lattice in lattices for line in lattice.lines])
    (left, right), (bottom, top) = limits
    for x in (right - size, left):
        for y in (bottom, top - size * (1 + 2 * _ROOM)):
            inside = (
                (points[:, 0] > x - _ROOM * size)
                & (points[:, 0] < x + size * (1 + _ROOM))
                & (points[:, 1] > y - _ROOM * size)
                & (points[:, 1] < y + size * (1 + 2 * _ROOM))
            )
            if not inside.any():
                return (x, x + size, y, y + size)
    return None
