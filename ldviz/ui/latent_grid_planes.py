"""Which planes of latent space are looked at: two directions each, one plane per colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st

from ldviz.figures.theme import HIGH_INFLUENCE, LOW_INFLUENCE
from ldviz.geometry.lattice import dimension_basis, orthonormal_rows
from ldviz.study.store import Study
from ldviz.ui.latent_grid_directions import image_directions, spectrum_parts

Mode = Literal["influence", "cell", "singular"]
MODE_TITLES: dict[Mode, str] = {
    "influence": "Influence",
    "cell": "Channel, cell",
    "singular": "Singular directions",
}
AXES = ("across", "up")
_COLOURS = (("Orange", HIGH_INFLUENCE), ("Blue", LOW_INFLUENCE))

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PlaneSpec:
    """What the widgets say; it means other planes at another image.

    Attributes:
        mode: how directions are named.
        pairs: orange and blue; ranks from 1 ("influence") or flat indices ("cell").
        parts: orange and blue; parts of the spectrum ("singular").
    """

    mode: Mode
    pairs: Pairs = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlaneChoice:
    """A plane through an image's latent.

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

    @classmethod
    def of(cls, study: Study, row: int) -> DimensionNames:
        """The names at one image of a study."""
        return cls(study.influence()[row].astype(np.float64), study.latent_shape)

    def title(self, dimension: int) -> str:
        """Channel, cell and rank: an axis title."""
        channel, row, column = np.unravel_index(dimension, self.latent_shape)
        return f"channel {channel}, cell {row},{column} · rank {self.rank[dimension]}"

    def label(self, dimension: int) -> str:
        """Everything about a dimension, for a list to choose from."""
        return f"{self.title(dimension)} · {self.influence[dimension]:+.2f} nats"


def choose_planes(study: Study, row: int, mode: Mode) -> PlaneSpec:
    """The widgets of one mode."""
    if mode == "influence":
        return PlaneSpec(mode, pairs=_choose_ranks(study))
    if mode == "cell":
        return PlaneSpec(mode, pairs=_choose_cells(study, row))
    return PlaneSpec(mode, parts=_choose_parts(study, row))


def planes_at(study: Study, row: int, spec: PlaneSpec) -> list[PlaneChoice]:
    """The two planes that a specification means at an image.

    Raises:
        InputError: if a pair names one direction twice, or singular directions would need
            too large a Jacobian.
    """
    if spec.mode == "singular":
        return _singular_planes(study, row, spec.parts)
    names = DimensionNames.of(study, row)
    dimensions = [
        [int(names.by_rank[index - 1]) if spec.mode == "influence" else index for index in pair]
        for pair in spec.pairs
    ]
    return [
        PlaneChoice(
            name=name,
            colour=colour,
            basis=dimension_basis(pair, study.latent_dim),
            axis_titles=(names.title(pair[0]), names.title(pair[1])),
        )
        for name, (_, colour), pair in zip(
            _plane_names(spec, study.latent_dim), _COLOURS, dimensions, strict=True
        )
    ]


def extreme_ranks(count: int) -> Pairs:
    """The two first and the two last of ``count``, the outermost across."""
    return (1, 2), (count, count - 1)


def _plane_names(spec: PlaneSpec, latent_dim: int) -> list[str]:
    """Highest and lowest where the pairs are just that, else first and second."""
    if spec.mode == "influence":
        extremes = zip(
            spec.pairs,
            extreme_ranks(latent_dim),
            ("highest influence", "lowest influence"),
            ("first pair", "second pair"),
            strict=True,
        )
        return [
            named if set(pair) == set(extreme) else other
            for pair, extreme, named, other in extremes
        ]
    return ["first pair", "second pair"]


def _singular_planes(study: Study, row: int, parts: tuple[str, ...]) -> list[PlaneChoice]:
    values, directions = image_directions(study, row)
    places = spectrum_parts(study, row)
    return [
        PlaneChoice(
            name=f"{part.lower()} directions",
            colour=colour,
            basis=orthonormal_rows(np.stack([directions[place] for place in places[part]])),
            axis_titles=tuple(
                f"singular direction {place} · σ = {values[place - 1]:.3g}"
                for place in places[part]
            ),
        )
        for (_, colour), part in zip(_COLOURS, parts, strict=True)
    ]


def _choose_ranks(study: Study) -> Pairs:
    last = study.latent_dim
    st.caption(
        f"Rank of influence ½ log G_ii at this image: 1 moves the picture most, {last} least."
    )

    def pick(label: str, key: str, rank: int) -> int:
        return st.number_input(
            label, 1, last, rank, key=f"grid-rank-{key}-{study.name}", persist_state="session"
        )

    return _four(pick, extreme_ranks(last))


def _choose_cells(study: Study, row: int) -> Pairs:
    names = DimensionNames.of(study, row)
    st.caption("Channel, then row and column of the cell; type to search.")

    def pick(label: str, key: str, rank: int) -> int:
        return st.selectbox(
            label,
            list(range(study.latent_dim)),
            index=int(names.by_rank[rank - 1]),
            format_func=names.label,
            key=f"grid-cell-{key}-{study.name}",
            persist_state="session",
        )

    return _four(pick, extreme_ranks(study.latent_dim))


def _choose_parts(study: Study, row: int) -> tuple[str, ...]:
    parts = spectrum_parts(study, row)
    last, count = parts["Bottom"][0], study.array("singular_values").shape[1]
    rest = f" (of {count}; the others are rounding noise)" if last < count else ""
    st.caption(
        "Right singular vectors of the decoder's Jacobian J at this image: whole directions of "
        f"latent space, from the most stretched, 1, to the least, {last}{rest}."
    )
    return tuple(
        st.segmented_control(
            f"{colour}: part of the spectrum",
            list(parts),
            default=start,
            required=True,
            format_func=lambda part: f"{part} ({parts[part][0]}, {parts[part][1]})",
            key=f"grid-part-{colour}",
            persist_state="session",
        )
        for (colour, _), start in zip(_COLOURS, ("Top", "Bottom"), strict=True)
    )


def _four(pick: Callable[[str, str, int], int], ranks: Pairs) -> Pairs:
    """Two rows of two widgets, orange above blue."""
    chosen = []
    for (colour, _), pair in zip(_COLOURS, ranks, strict=True):
        columns = st.columns(2)
        row = []
        for column, axis, rank in zip(columns, AXES, pair, strict=True):
            with column:
                row.append(int(pick(f"{colour}, {axis}", f"{colour}-{axis}", rank)))
        chosen.append(tuple(row))
    return tuple(chosen)
