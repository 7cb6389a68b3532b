"""Both planes with their decoded images, and both lattices as the decoder bends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from ldviz.figures.lattice import plot_lattices
from ldviz.geometry.lattice import Lattice, common_components
from ldviz.study.store import Study
from ldviz.ui.latent_grid_lattices import (
    PLOT_CONFIG,
    drawn,
    image_dim,
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


def show_grid(
    study: Study,
    planes: Sequence[PlaneChoice],
    lattices: Sequence[Lattice],
    display: Display,
) -> None:
    """Two squares of latent space and what becomes of them."""
    columns = st.columns((1, 1, 1.35), gap="small")
    for column, lattice, plane in zip(columns, lattices, planes, strict=False):
        with column:
            st.markdown(f"**Latent: {plane.name}**")
            st.plotly_chart(
                latent_plane_figure(study, lattice, plane, _PANEL_HEIGHT),
                key=f"grid-plane-{plane.colour}",
                config=PLOT_CONFIG,
            )
            st.caption(f"→ {plane.axis_titles[0]}  \n↑ {plane.axis_titles[1]}")
    with columns[2]:
        explained = _show_data_space(study, planes, lattices, display)
    st.caption(f"{stretch_sentence(lattices, planes, image_dim(study))} {explained}")


def _show_data_space(
    study: Study,
    planes: Sequence[PlaneChoice],
    lattices: Sequence[Lattice],
    display: Display,
) -> str:
    """Draw both lattices on one scale; returns what the components show of each."""
    st.markdown("**Data space: both, on one scale**")
    components = common_components(lattices, 3 if display.in_3d else 2)
    figure = plot_lattices(
        [drawn(one, plane, components) for one, plane in zip(lattices, planes, strict=True)],
        explained=components.explained.tolist(),
        num_pixels=image_dim(study),
        colour_by_distance=display.by_distance,
        height=_PANEL_HEIGHT + 84,
    )
    st.plotly_chart(figure, key="grid-data-space", config=PLOT_CONFIG)
    shares = components.explained_by_lattice.sum(axis=1)
    return (
        f"The {len(components.explained)} principal components of all nodes together hold "
        f"{shares[0]:.0%} of the variance along {planes[0].name} and {shares[1]:.0%} of that "
        f"along {planes[1].name}; the pixel distances on hover are true in all directions."
    )
