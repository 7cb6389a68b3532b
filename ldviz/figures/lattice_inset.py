"""A lattice too small to see on the common scale, shown again beside the others, enlarged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ldviz.figures.lattice_drawn import DrawnLattice

SMALL = 0.25
"""Below this share of the largest lattice a lattice is enlarged."""

ROUNDING = 1e-5
"""Below this share of the largest, a lattice decoded in float32 is rounding, and stays small."""

_SIZE = 0.45
_ROOM = 0.04
_STEPS = (1, 2, 3, 4, 5, 6, 8)


@dataclass(frozen=True, kw_only=True)
class Inset:
    """The enlarged copy.

    Attributes:
        lattice: moved into the frame, its edges' true distances unchanged.
        factor: how many times larger it is drawn.
        frame: (left, right, bottom, top) around it.
        limits: (low, high) of both axes, with room for the frame.
    """

    lattice: DrawnLattice
    factor: float
    frame: tuple[float, float, float, float]
    limits: list[tuple[float, float]]


def place_inset(
    lattices: Sequence[DrawnLattice], limits: Sequence[tuple[float, float]]
) -> Inset | None:
    """An enlarged copy of the smallest lattice, beside the others.

    Returns:
        None where no lattice is too small to see, or it is nothing but rounding.
    """
    smallest = min(lattices, key=_extent)
    largest = max(_extent(lattice) for lattice in lattices)
    if not ROUNDING * largest < _extent(smallest) < SMALL * largest:
        return None
    (left, right), (bottom, top) = ((float(low), float(high)) for low, high in limits)
    size = _SIZE * (top - bottom)
    frame = (right, right + size, bottom, bottom + size)
    factor = rounded_down(size * (1 - 2 * _ROOM) / _extent(smallest))
    middle = np.array([(frame[0] + frame[1]) / 2, (frame[2] + frame[3]) / 2])
    points = np.concatenate(smallest.lines)
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    enlarged = replace(
        smallest,
        rows=middle + factor * (smallest.rows - center),
        columns=middle + factor * (smallest.columns - center),
    )
    widened = [(left, right + size * (1 + _ROOM)), (bottom, top)]
    return Inset(lattice=enlarged, factor=factor, frame=frame, limits=widened)


def rounded_down(value: float) -> float:
    """The largest number of one digit (times a power of ten) that is not above ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in _STEPS if step * power <= value * (1 + 1e-9))


def _extent(lattice: DrawnLattice) -> float:
    """The longer side of the box around a lattice."""
    points = np.concatenate(lattice.lines)
    return float((points.max(axis=0) - points.min(axis=0)).max())
