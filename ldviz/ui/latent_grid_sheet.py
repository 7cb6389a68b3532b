"""Both planes with their decoded images, and both lattices as the decoder bends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.lattice import plot_lattices
from ldviz.geometry.lattice import common_components
from ldviz.study.store import Study
from ldviz.ui.decoder import live_model
from ldviz.ui.latent_grid_lattices import (
    DECODING,
    PLOT_CONFIG,
    drawn,
    image_dim,
    kept_lattice,
    latent_plane_figure,
    stretch_sentence,
)
from ldviz.ui.latent_grid_planes import PlaneChoice

_PANEL_HEIGHT = 276


@dataclass(frozen=True)
class Display:
    """How lattices are drawn in data space.

    Attributes:
        by_distance: edges by their pixel distance in place of their plane's colour.
        in_3d: three components in place of two.
    """

    by_distance: bool = False
    in_3d: bool = False


def choose_display() -> Display:
    """The toggles."""
    return Display(
        st.toggle(
            "Colour edges by pixel distance", key="grid-by-distance", persist_state="session"
        ),
        st.toggle("Three components", key="grid-3d", persist_state="session"),
    )


@dataclass(frozen=True)
class Sheet:
    """What one image's grid shows.

    Attributes:
        planes: a figure per plane.
        data_space: both lattices in data space.
        caption: what they differ by, and what the components hold.
    """

    planes: tuple[go.Figure, ...]
    data_space: go.Figure
    caption: str


def show_grid(
    study: Study,
    row: int,
    planes: Sequence[PlaneChoice],
    reach: float,
    resolution: int,
    display: Display,
) -> None:
    """Two squares of latent space and what becomes of them.

    Args:
        study, row: the image.
        planes: through its latent.
        reach, resolution: of the squares.
        display: how they are drawn.

    Raises:
        StudyError: for weights of another model, even where all was drawn before.
    """
    live_model(study)
    with st.spinner(DECODING):
        sheet = _sheet(
            study.digest,
            row,
            [(plane.name, plane.colour, plane.basis) for plane in planes],
            reach,
            resolution,
            (display.by_distance, display.in_3d),
            study,
            planes,
        )
    columns = st.columns((1, 1, 1.35), gap="small")
    for column, figure, plane in zip(columns, sheet.planes, planes, strict=False):
        with column:
            st.markdown(f"**Latent: {plane.name}**")
            st.plotly_chart(figure, key=f"grid-plane-{plane.colour}", config=PLOT_CONFIG)
            st.caption(f"→ {plane.axis_titles[0]}  \n↑ {plane.axis_titles[1]}")
    with columns[2]:
        st.markdown("**Data space: both, on one scale**")
        st.plotly_chart(sheet.data_space, key="grid-data-space", config=PLOT_CONFIG)
    st.caption(sheet.caption)


# Building three figures takes longer than sending them, so finished ones are kept; nobody
# changes them.
@st.cache_resource(max_entries=64, show_spinner=False)
def _sheet(
    digest: str,
    row: int,
    drawn_planes: list[tuple],
    reach: float,
    resolution: int,
    shown: tuple[bool, bool],
    _study: Study,
    _planes: Sequence[PlaneChoice],
) -> Sheet:
    display = Display(*shown)
    lattices = [kept_lattice(_study, row, plane, reach, resolution) for plane in _planes]
    num_pixels = image_dim(_study)
    components = common_components(lattices, 3 if display.in_3d else 2)
    data_space = plot_lattices(
        [drawn(one, plane, components) for one, plane in zip(lattices, _planes, strict=True)],
        explained=components.explained.tolist(),
        num_pixels=num_pixels,
        colour_by_distance=display.by_distance,
        height=_PANEL_HEIGHT + 84,
    )
    shares = components.explained_by_lattice.sum(axis=1)
    explained = (
        f"The {len(components.explained)} principal components of all nodes together hold "
        f"{shares[0]:.0%} of the variance along {_planes[0].name} and {shares[1]:.0%} of that "
        f"along {_planes[1].name}; the pixel distances on hover are true in all directions."
    )
    return Sheet(
        planes=tuple(
            latent_plane_figure(_study, lattice, plane, _PANEL_HEIGHT)
            for lattice, plane in zip(lattices, _planes, strict=True)
        ),
        data_space=data_space,
        caption=f"{stretch_sentence(lattices, _planes, num_pixels)} {explained}",
    )
