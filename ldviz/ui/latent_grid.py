"""The Latent grid page: planes of latent space, and what the decoder makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ldviz.errors import StudyError
from ldviz.figures.lattice import plot_lattices
from ldviz.geometry.lattice import Lattice, common_components
from ldviz.study.store import Study
from ldviz.ui.latent_grid_lattices import (
    decoded_lattice,
    drawn,
    image_dim,
    latent_plane_figure,
    stretch_sentence,
)
from ldviz.ui.latent_grid_planes import (
    BY_CELL,
    BY_INFLUENCE,
    PlaneChoice,
    cell_planes,
    influence_planes,
)
from ldviz.ui.latent_grid_stepper import show_stepper

REACHES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
RESOLUTIONS = (5, 7, 9, 11, 13)
_PLOT_CONFIG = {"displayModeBar": False, "scrollZoom": False}
_PANEL_HEIGHT = 300


def show_latent_grid(study: Study) -> None:
    """The whole page for one study.

    Raises:
        StudyError, ModelError: if the study has no geometry, or its model cannot be used.
    """
    if study.manifest.geometry is None:
        raise StudyError(f'Study "{study.name}" has no geometry. Run analyze on it.')
    row = show_stepper(study)
    planes, reach, resolution = _show_controls(study, row)
    _show_grid(study, row, planes, reach, resolution)


def _show_controls(study: Study, row: int) -> tuple[list[PlaneChoice], float, int]:
    """One line of controls: the planes, the reach, the resolution."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        mode = st.segmented_control(
            "Directions",
            (BY_INFLUENCE, BY_CELL),
            default=BY_INFLUENCE,
            required=True,
            key="grid-mode",
            persist_state="session",
        )
        with st.popover("Choose", icon=":material/tune:", key="grid-choose"):
            planes = (influence_planes if mode == BY_INFLUENCE else cell_planes)(study, row)
        reach = st.select_slider(
            "Reach, in latent units",
            REACHES,
            2.0,
            format_func=lambda value: f"± {value:g}",
            key="grid-reach",
            persist_state="session",
            width=180,
            help="Latents are scaled so that 1 is about their standard deviation in the data.",
        )
        resolution = st.select_slider(
            "Grid lines",
            RESOLUTIONS,
            7,
            key="grid-resolution",
            persist_state="session",
            width=130,
        )
    return planes, reach, resolution


def _show_grid(
    study: Study, row: int, planes: list[PlaneChoice], reach: float, resolution: int
) -> None:
    """Both planes with their images, and both lattices in data space."""
    lattices = [decoded_lattice(study, row, plane, reach, resolution) for plane in planes]
    columns = st.columns((1, 1, 1.25), gap="small")
    for column, lattice, plane in zip(columns, lattices, planes, strict=False):
        with column:
            st.markdown(f"**Latent space: {plane.name}**")
            st.plotly_chart(
                latent_plane_figure(study, lattice, plane, _PANEL_HEIGHT),
                key=f"grid-plane-{plane.colour}",
                config=_PLOT_CONFIG,
            )
            st.caption(f"→ {plane.axis_titles[0]}  \n↑ {plane.axis_titles[1]}")
    with columns[2]:
        _show_data_space(study, lattices, planes)
    st.caption(stretch_sentence(lattices, planes, image_dim(study)))


def _show_data_space(
    study: Study, lattices: Sequence[Lattice], planes: Sequence[PlaneChoice]
) -> None:
    """Both lattices as the decoder bends them, on one scale."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Data space: both, decoded**")
        with st.popover("", icon=":material/settings:", key="grid-display", type="tertiary"):
            by_distance = st.toggle(
                "Colour edges by pixel distance", key="grid-by-distance", persist_state="session"
            )
            in_3d = st.toggle("Three components", key="grid-3d", persist_state="session")
    components = common_components(lattices, 3 if in_3d else 2)
    figure = plot_lattices(
        [drawn(one, plane, components) for one, plane in zip(lattices, planes, strict=True)],
        explained=components.explained.tolist(),
        num_pixels=image_dim(study),
        colour_by_distance=by_distance,
        height=_PANEL_HEIGHT + 60,
    )
    st.plotly_chart(figure, key="grid-data-space", config=_PLOT_CONFIG)
