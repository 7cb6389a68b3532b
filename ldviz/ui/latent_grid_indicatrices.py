"""Tissot's indicatrices of the decoder on both planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ldviz.figures.lattice import plot_lattices
from ldviz.figures.lattice_indicatrix import add_shadows, drawing_scale, plot_indicatrices
from ldviz.geometry.indicatrix import (
    Indicatrices,
    data_ellipses,
    indicatrices,
    latent_ellipses,
)
from ldviz.geometry.lattice import Lattice, common_components, flat_ellipses, grid_points
from ldviz.study.store import Study
from ldviz.ui.decoder import live_model
from ldviz.ui.latent_grid_lattices import PLOT_CONFIG, amount, drawn, image_dim
from ldviz.ui.latent_grid_planes import PlaneChoice

_DENSE = 7
"""Up to this many grid lines every node carries an ellipse, beyond it every other."""

SPACES = {"data": "In data space: √λ", "latent": "In the latent plane: 1/√λ"}
ELLIPSE_TITLES = {"data": "Unit circles: {}", "latent": "Equal effect: {}"}
_HEIGHT = 280


@dataclass(frozen=True, kw_only=True)
class PlaneEllipses:
    """The metric on a plane, at some of its nodes.

    Attributes:
        every: which grid lines.
        offsets: (k,) their coordinates.
        pushed: (k², m, 2) J B at each node, rows of the grid one after the other.
        found: the ellipses there.
    """

    every: slice
    offsets: np.ndarray
    pushed: np.ndarray
    found: Indicatrices

    @property
    def spacing(self) -> float:
        """Latent units from one ellipse to the next."""
        return float(self.offsets[1] - self.offsets[0])

    def semi_axes(self, space: str) -> np.ndarray:
        """(k², 2) √λ or 1/√λ."""
        return self.found.data_semi_axes if space == "data" else self.found.latent_semi_axes

    def curves(self, space: str) -> np.ndarray:
        """(k², p, 2) closed curves around 0 in coordinates of the plane."""
        return flat_ellipses(self.found) if space == "data" else latent_ellipses(self.found)


def show_indicatrices(
    study: Study, row: int, planes: Sequence[PlaneChoice], lattices: Sequence[Lattice]
) -> None:
    """Both planes' ellipses in one of the two spaces, and their shadows on the bent lattice."""
    space, shared = show_ellipse_controls()
    ellipses = [
        plane_ellipses(study, row, plane, lattice.offsets)
        for plane, lattice in zip(planes, lattices, strict=True)
    ]
    scales = _scales(ellipses, space, shared)
    columns = st.columns((1, 1, 1.35), gap="small")
    for column, plane, one, scale in zip(columns, planes, ellipses, scales, strict=False):
        with column:
            draw_ellipses(one, plane, space, scale, _HEIGHT, key=f"grid-ellipses-{plane.colour}")
    with columns[2]:
        if space == "data":
            _show_shadows(study, planes, lattices, ellipses)
        else:
            st.markdown("**How to read them**")
            st.markdown(
                "Every ellipse holds the latent steps that move the picture by the **same pixel "
                "distance**. A step along its long axis is almost free: the decoder hardly "
                "notices. It is the inverse of the ellipse in data space, long where that one is "
                "short. Ellipses that leave their cell are cut off there."
            )
    st.caption(_caption(study, ellipses, space))


def draw_ellipses(
    found: PlaneEllipses, plane: PlaneChoice, space: str, scale: float, height: int, *, key: str
) -> None:
    """One plane's ellipses, and below them how long they are."""
    st.markdown(f"**{ELLIPSE_TITLES[space].format(plane.name)}**")
    figure = plot_indicatrices(
        found.offsets,
        found.curves(space),
        found.semi_axes(space),
        space=space,
        colour=plane.colour,
        scale=scale,
        height=height,
    )
    st.plotly_chart(figure, key=key, config=PLOT_CONFIG)
    st.caption(sizes_text(found, space, scale))


def show_ellipse_controls() -> tuple[str, bool]:
    """Which of the two spaces, and whether all ellipses share a scale."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        space = st.segmented_control(
            "Which ellipses",
            list(SPACES),
            default="data",
            required=True,
            format_func=SPACES.__getitem__,
            key="grid-space",
            persist_state="session",
            label_visibility="collapsed",
        )
        shared = st.toggle(
            "One scale for both", True, key="grid-one-scale", persist_state="session"
        )
    return space, shared


def plane_ellipses(
    study: Study, row: int, plane: PlaneChoice, offsets: np.ndarray
) -> PlaneEllipses:
    """The metric at nodes of a plane, computed live or kept from before."""
    model = live_model(study)
    with st.spinner("Pushing circles through the decoder"):
        return _ellipses(study.digest, row, plane.basis, offsets, _study=study, _model=model)


@st.cache_data(max_entries=16, show_spinner=False)
def _ellipses(
    digest: str, row: int, basis: np.ndarray, offsets: np.ndarray, *, _study, _model
) -> PlaneEllipses:
    from ldviz.geometry.directions import plane_products

    step = 1 if len(offsets) <= _DENSE else 2
    every = slice(len(offsets) // 2 % step, None, step)
    places = offsets[every]
    origin = _study.array("latents")[row].reshape(-1)
    pushed = _model.at(
        grid_points(origin, basis, places, places).reshape(-1, basis.shape[1]),
        lambda decoder, latents: plane_products(decoder, latents, basis.T),
    )
    return PlaneEllipses(
        every=every,
        offsets=places,
        pushed=pushed.astype(np.float32),
        found=indicatrices(pushed),
    )


def _scales(ellipses: Sequence[PlaneEllipses], space: str, shared: bool) -> list[float]:
    """One scale that holds the largest of both, or each plane's own."""
    own = [drawing_scale(one.semi_axes(space), one.spacing, space) for one in ellipses]
    return [min(own)] * len(own) if shared else own


def _show_shadows(
    study: Study,
    planes: Sequence[PlaneChoice],
    lattices: Sequence[Lattice],
    ellipses: Sequence[PlaneEllipses],
) -> None:
    """The bent lattices with the images of circles on them."""
    st.markdown("**On the bent lattices**")
    components = common_components(lattices)
    figure = plot_lattices(
        [drawn(one, plane, components) for one, plane in zip(lattices, planes, strict=True)],
        explained=components.explained.tolist(),
        num_pixels=image_dim(study),
        height=_HEIGHT + 60,
        magnify=False,
    )
    for plane, lattice, one in zip(planes, lattices, ellipses, strict=True):
        projected = components.project_directions(one.pushed.swapaxes(1, 2)).swapaxes(1, 2)
        add_shadows(
            figure,
            components.project(lattice.nodes[one.every, one.every]).reshape(-1, 2),
            _radius(one) * data_ellipses(projected),
            one.found.data_semi_axes,
            colour=plane.colour,
            name=plane.name,
        )
    st.plotly_chart(figure, key="grid-shadows", config=PLOT_CONFIG)


def sizes_text(one: PlaneEllipses, space: str, scale: float) -> str:
    """Median semi-axes, and what half a cell stands for."""
    first, second = np.median(one.semi_axes(space), axis=0)
    formula = "√λ" if space == "data" else "1/√λ"
    unit = "per unit" if space == "data" else "latent units"
    return (
        f"median {formula}: **{amount(first)}** and **{amount(second)}** {unit}  \n"
        f"half a cell: {amount(one.spacing / 2 / scale)}"
    )


def _caption(study: Study, ellipses: Sequence[PlaneEllipses], space: str) -> str:
    """What is drawn, and in which unit."""
    unit = f"pixel distance: L2 over {image_dim(study):,} pixels in [-1, 1]"
    if space == "data":
        return (
            "What the decoder makes of a unit circle at each grid point, in its true shape: "
            "long where it stretches, round where it stretches alike in all directions. On the "
            f"bent lattices the circles have radius {_radius(ellipses[0]):.3g} and are seen as "
            f"shadows, which projection can only shorten ({unit})."
        )
    return f"How far one has to go in latent space for a pixel distance of 1 ({unit})."


def _radius(one: PlaneEllipses) -> float:
    """Circles that nearly touch in the latent plane."""
    return 0.4 * one.spacing
