"""The Latent grid page: planes of latent space, and what the decoder makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from ldviz.errors import StudyError
from ldviz.geometry.lattice import Lattice
from ldviz.study.store import Study
from ldviz.ui.failures import shown_failures
from ldviz.ui.latent_grid_cells import show_cells
from ldviz.ui.latent_grid_compare import show_two_images
from ldviz.ui.latent_grid_indicatrices import show_indicatrices
from ldviz.ui.latent_grid_lattices import decoded_lattice
from ldviz.ui.latent_grid_planes import (
    MODE_TITLES,
    PlaneChoice,
    PlaneSpec,
    choose_planes,
    planes_at,
)
from ldviz.ui.latent_grid_sheet import Display, choose_display, show_grid
from ldviz.ui.latent_grid_spectrum import show_spectrum
from ldviz.ui.latent_grid_stepper import show_stepper
from ldviz.ui.latent_grid_travel import show_travel
from ldviz.ui.state import sync_link

REACHES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
RESOLUTIONS = (5, 7, 9, 11, 13)


@dataclass(frozen=True)
class Settings:
    """What the line of controls says.

    Attributes:
        spec: which planes.
        reach: half a square's side, in latent units.
        resolution: grid lines each way.
        display: how lattices are drawn.
    """

    spec: PlaneSpec
    reach: float
    resolution: int
    display: Display


@st.fragment
def show_latent_grid(study: Study) -> None:
    """The whole page for one study; it reruns alone while only what is looked at changes."""
    with shown_failures():
        if study.manifest.geometry is None:
            raise StudyError(f'Study "{study.name}" has no geometry. Run analyze on it.')
        row = show_stepper(study)
        settings = show_controls(study, row)
        for tab, show in zip(
            st.tabs(list(_SECTIONS), key="grid-section", on_change="rerun"),
            _SECTIONS.values(),
            strict=True,
        ):
            if tab.open:
                with tab, shown_failures():
                    show(study, row, settings)
    sync_link()


def show_controls(study: Study, row: int) -> Settings:
    """One line of controls."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        mode = st.segmented_control(
            "Directions",
            list(MODE_TITLES),
            default="influence",
            required=True,
            format_func=MODE_TITLES.__getitem__,
            key="grid-mode",
            persist_state="session",
        )
        with st.popover("Choose", icon=":material/tune:", key="grid-choose"):
            spec = choose_planes(study, row, mode)
        reach = st.select_slider(
            "Reach, latent units",
            REACHES,
            3.0,
            format_func=lambda value: f"± {value:g}",
            key="grid-reach",
            persist_state="session",
            width=160,
            help="Latents are scaled so that 1 is about their standard deviation in the data.",
        )
        resolution = st.select_slider(
            "Grid lines",
            RESOLUTIONS,
            7,
            key="grid-resolution",
            persist_state="session",
            width=110,
        )
        with st.popover("Display", icon=":material/palette:", key="grid-display"):
            display = choose_display()
    return Settings(spec, reach, resolution, display)


def _decoded(study: Study, row: int, settings: Settings) -> tuple[list[PlaneChoice], list[Lattice]]:
    """The planes at the current image, and their lattices."""
    planes = planes_at(study, row, settings.spec)
    return planes, [
        decoded_lattice(study, row, plane, settings.reach, settings.resolution) for plane in planes
    ]


def _show_grid(study: Study, row: int, settings: Settings) -> None:
    planes = planes_at(study, row, settings.spec)
    show_grid(study, row, planes, settings.reach, settings.resolution, settings.display)


def _show_indicatrices(study: Study, row: int, settings: Settings) -> None:
    planes, lattices = _decoded(study, row, settings)
    show_indicatrices(study, row, planes, lattices)


def _show_travel(study: Study, row: int, settings: Settings) -> None:
    show_travel(study, row, planes_at(study, row, settings.spec), settings.reach)


def _show_two(study: Study, row: int, settings: Settings) -> None:
    show_two_images(study, row, settings.spec, settings.reach, settings.resolution)


_SECTIONS: dict[str, Callable[[Study, int, Settings], None]] = {
    "Grid": _show_grid,
    "Indicatrices": _show_indicatrices,
    "Travel": _show_travel,
    "Two images": _show_two,
    "Spectrum": lambda study, row, _: show_spectrum(study, row),
    "Where cells act": lambda study, row, _: show_cells(study, row),
}
