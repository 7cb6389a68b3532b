"""A journey along a direction: frames decoded ahead, played in the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ldviz.data.images import to_pixels
from ldviz.figures.decoded_grid import sheet_uri, shrunk
from ldviz.geometry.lattice import decode_line
from ldviz.study.store import Study
from ldviz.ui.decoder import live_model
from ldviz.ui.latent_grid_lattices import image_dim
from ldviz.ui.latent_grid_planes import AXES, PlaneChoice

NUM_FRAMES = 49
_MAX_SIDE = 96


def show_travel(study: Study, row: int, planes: Sequence[PlaneChoice], reach: float) -> None:
    """Two journeys through the image, one along a direction of each plane, on one slider."""
    data = journeys_data(study, row, planes, reach, show_travel_axis())
    _component()(key="grid-travel", data=data)
    st.caption(travel_text(study, reach))


def show_two_travels(
    columns: Sequence[DeltaGenerator],
    both: Sequence[tuple[Study, int, Sequence[PlaneChoice]]],
    reach: float,
    index: int,
) -> None:
    """The journeys of two studies, their curves on one scale.

    Args:
        columns: where each study's stands.
        both: study, row of the image, and planes through its latent.
        reach: latent units to either side.
        index: 0 across, 1 up.
    """
    data = [journeys_data(study, row, planes, reach, index) for study, row, planes in both]
    highest = max(
        distance for one in data for track in one["tracks"] for distance in track["distances"]
    )
    largest = max(one["largest_change"] for one in data)
    for number, (column, (study, _, _), one) in enumerate(zip(columns, both, data, strict=True)):
        one["key"] += f"/{highest}"
        with column:
            _component()(
                key=f"grid-travel-{number}",
                data=one | {"highest": highest, "largest_change": largest},
            )
            st.caption(travel_text(study, reach))


def show_travel_axis() -> int:
    """Along which of a plane's directions: 0 across, 1 up."""
    axis = st.segmented_control(
        "Travel along each plane's direction",
        AXES,
        default=AXES[0],
        required=True,
        format_func=lambda name: {"across": "→ across", "up": "↑ up"}[name],
        key="grid-travel-axis",
        persist_state="session",
    )
    return AXES.index(axis)


def journeys_data(
    study: Study, row: int, planes: Sequence[PlaneChoice], reach: float, index: int
) -> dict[str, Any]:
    """What the component draws of an image."""
    journeys = [journey(study, row, plane.basis[index], reach) for plane in planes]
    titles = [plane.axis_titles[index] for plane in planes]
    return travel_data(
        planes,
        titles,
        journeys,
        image_shape=study.image_shape,
        key=f"{study.digest[:12]}/{row}/{titles}/{reach}",
    )


def travel_text(study: Study, reach: float) -> str:
    """How to travel, and what to look for."""
    return (
        "Drag the slider, or press play: both pictures travel the same way through latent space, "
        f"{reach:g} latent units to either side. The curves say how far they have come in data "
        f"space (pixel distance: L2 over {image_dim(study):,} pixels in [-1, 1]). A curve that "
        "stays down is a direction that the decoder ignores; one that bends is curvature."
    )


def journey(
    study: Study, row: int, direction: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (n,) and images (n, m) along a direction, decoded live or kept from before."""
    model = live_model(study)
    with st.spinner("Decoding the journey with the real decoder"):
        return _journey(study.digest, row, direction, reach, _study=study, _decode=model.decode)


@st.cache_data(max_entries=24, show_spinner=False)
def _journey(
    digest: str, row: int, direction: np.ndarray, reach: float, *, _study, _decode
) -> tuple[np.ndarray, np.ndarray]:
    origin = _study.array("latents")[row].reshape(-1)
    return decode_line(_decode, origin, direction, reach=reach, num_frames=NUM_FRAMES)


def travel_data(
    planes: Sequence[PlaneChoice],
    titles: Sequence[str],
    journeys: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    image_shape: tuple[int, int, int],
    key: str,
) -> dict[str, Any]:
    """What the component draws.

    Args:
        planes: name and colour of each journey.
        titles: of the directions travelled.
        journeys: offsets (n,) and images (n, m) of each; the offsets are the same.
        image_shape: (c, H, W).
        key: changes whenever any of it does.
    """
    offsets = journeys[0][0]
    start = len(offsets) // 2
    frames = [
        shrunk(to_pixels(images.reshape(-1, *image_shape)), _MAX_SIDE) for _, images in journeys
    ]
    changes = [
        np.abs(one.astype(np.int16) - one[start].astype(np.int16)).mean(axis=-1).max()
        for one in frames
    ]
    return {
        "key": key,
        "offsets": offsets.tolist(),
        "start": start,
        "height": frames[0].shape[1],
        "width": frames[0].shape[2],
        "largest_change": float(max(changes)),
        "tracks": [
            {
                "name": plane.name,
                "title": title,
                "colour": plane.colour,
                "sheet": sheet_uri(one[:, None]),
                "distances": np.linalg.norm(images - images[start], axis=-1).tolist(),
            }
            for plane, title, one, (_, images) in zip(planes, titles, frames, journeys, strict=True)
        ],
    }


@cache
def _component() -> Callable[..., Any]:
    """The registered component, its files read once per process."""
    folder = resources.files("ldviz.ui") / "components" / "travel"
    return st.components.v2.component(
        "ldviz.travel",
        html=(folder / "travel.html").read_text("utf-8"),
        css=(folder / "travel.css").read_text("utf-8"),
        js=(folder / "travel.js").read_text("utf-8"),
    )
