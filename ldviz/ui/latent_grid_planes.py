"""Which planes of latent space are looked at: two directions each, one plane per colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ldviz.figures.theme import HIGH_INFLUENCE, LOW_INFLUENCE
from ldviz.geometry.lattice import dimension_basis
from ldviz.study.store import Study

BY_INFLUENCE, BY_CELL = "By influence", "By channel and cell"

_AXES = ("across", "up")


@dataclass(frozen=True, kw_only=True)
class PlaneChoice:
    """A plane through the current image's latent.

    Attributes:
        name: as it stands in legends and headings.
        colour: of everything that belongs to it.
        basis: (2, d) orthonormal rows.
        axis_titles: of the two directions.
    """

    name: str
    colour: str
    basis: np.ndarray
    axis_titles: tuple[str, str]


class DimensionNames:
    """Latent dimensions by channel and cell, and by rank of influence at one image.

    Args:
        influence: (d,) in nats.
        latent_shape: (C, h, w).
    """

    def __init__(self, influence: np.ndarray, latent_shape: tuple[int, int, int]) -> None:
        self.latent_shape = latent_shape
        self.influence = influence
        self.by_rank = np.argsort(-influence, kind="stable")
        self.rank = np.empty(len(influence), dtype=np.int64)
        self.rank[self.by_rank] = np.arange(1, len(influence) + 1)

    def title(self, dimension: int) -> str:
        """Channel, cell and rank: an axis title."""
        channel, row, column = np.unravel_index(dimension, self.latent_shape)
        return f"channel {channel}, cell {row},{column} · rank {self.rank[dimension]}"

    def label(self, dimension: int) -> str:
        """Everything about a dimension, for a list to choose from."""
        return f"{self.title(dimension)} · {self.influence[dimension]:+.2f} nats"


def influence_planes(study: Study, row: int) -> list[PlaneChoice]:
    """Number fields for two pairs of influence ranks, highest and lowest at first."""
    names = _names(study, row)
    last = study.latent_dim
    st.caption(
        f"Rank of influence ½ log G_ii at this image: 1 moves the picture most, {last} least."
    )

    def pick(label: str, key: str, rank: int) -> int:
        chosen = st.number_input(
            label, 1, last, rank, key=f"{key}-{study.name}", persist_state="session"
        )
        return int(names.by_rank[chosen - 1])

    high, low = _pairs(pick, "grid-rank", ((1, 2), (last, last - 1)))
    is_high = {names.rank[dimension] for dimension in high} == {1, 2}
    is_low = {names.rank[dimension] for dimension in low} == {last, last - 1}
    return [
        _plane("highest influence" if is_high else "first pair", HIGH_INFLUENCE, high, names),
        _plane("lowest influence" if is_low else "second pair", LOW_INFLUENCE, low, names),
    ]


def cell_planes(study: Study, row: int) -> list[PlaneChoice]:
    """Lists to choose any two pairs of dimensions from, by channel and cell."""
    names = _names(study, row)
    last = study.latent_dim
    options = list(range(last))
    st.caption("Channel, then row and column of the cell; type to search.")

    def pick(label: str, key: str, rank: int) -> int:
        chosen = st.selectbox(
            label,
            options,
            index=int(names.by_rank[rank - 1]),
            format_func=names.label,
            key=f"{key}-{study.name}",
            persist_state="session",
        )
        return int(chosen)

    first, second = _pairs(pick, "grid-cell", ((1, 2), (last, last - 1)))
    return [
        _plane("first pair", HIGH_INFLUENCE, first, names),
        _plane("second pair", LOW_INFLUENCE, second, names),
    ]


def _names(study: Study, row: int) -> DimensionNames:
    return DimensionNames(study.influence()[row].astype(np.float64), study.latent_shape)


def _pairs(
    pick: Callable[[str, str, int], int], key: str, ranks: tuple[tuple[int, int], ...]
) -> list[list[int]]:
    """Two rows of two widgets, orange above blue."""
    chosen = []
    for colour, pair in zip(("Orange", "Blue"), ranks, strict=True):
        columns = st.columns(2)
        chosen.append([])
        for column, axis, rank in zip(columns, _AXES, pair, strict=True):
            with column:
                chosen[-1].append(pick(f"{colour}, {axis}", f"{key}-{colour}-{axis}", rank))
    return chosen


def _plane(name: str, colour: str, pair: list[int], names: DimensionNames) -> PlaneChoice:
    return PlaneChoice(
        name=name,
        colour=colour,
        basis=dimension_basis(pair, len(names.influence)),
        axis_titles=(names.title(pair[0]), names.title(pair[1])),
    )
