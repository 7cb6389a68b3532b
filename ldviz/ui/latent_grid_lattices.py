"""Decode what the page shows, and hand it to the figures; results are kept for a while."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from ldviz.data.images import to_pixels
from ldviz.figures.decoded_grid import sheet_uri, shrunk
from ldviz.figures.latent_plane import IMAGE_GAP, plot_latent_plane
from ldviz.figures.lattice_drawn import DrawnLattice
from ldviz.figures.lattice_inset import ROUNDING
from ldviz.geometry.lattice import Components, Lattice, decode_lattice
from ldviz.study.store import Study
from ldviz.ui.decoder import live_model
from ldviz.ui.latent_grid_planes import PlaneChoice

PLOT_CONFIG = {"displayModeBar": False, "scrollZoom": False}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
DECODING = "Decoding the grid with the real decoder"
_SUBSTEPS = 2
_SHEET_PIXELS = 640
_MAX_SIDE = 64


def image_dim(study: Study) -> int:
    """m, the number of pixel values of an image."""
    return int(np.prod(study.image_shape))


def decoded_lattice(
    study: Study, row: int, plane: PlaneChoice, reach: float, resolution: int
) -> Lattice:
    """The lattice of a plane through an image's latent, decoded live or kept from before."""
    with st.spinner(DECODING):
        return kept_lattice(study, row, plane, reach, resolution)


def kept_lattice(
    study: Study, row: int, plane: PlaneChoice, reach: float, resolution: int
) -> Lattice:
    """The same without a word on the page, for what is kept as a whole."""
    return _decoded(
        study.digest,
        row,
        plane.basis,
        reach,
        resolution,
        _study=study,
        _decode=live_model(study).decode,
    )


@st.cache_data(max_entries=24, show_spinner=False)
def _decoded(
    digest: str, row: int, basis: np.ndarray, reach: float, resolution: int, *, _study, _decode
) -> Lattice:
    origin = _study.array("latents")[row].reshape(-1)
    return decode_lattice(
        _decode, origin, basis, reach=reach, resolution=resolution, substeps=_SUBSTEPS
    )


def drawn(lattice: Lattice, plane: PlaneChoice, components: Components) -> DrawnLattice:
    """A lattice in its components, as the figure takes it."""
    return DrawnLattice(
        name=plane.name,
        colour=plane.colour,
        rows=components.project(lattice.rows),
        columns=components.project(lattice.columns),
        substeps=lattice.substeps,
        row_edges=lattice.row_edges,
        column_edges=lattice.column_edges,
        offsets=lattice.offsets,
    )


def latent_plane_figure(study: Study, lattice: Lattice, plane: PlaneChoice, height: int):
    """The plane's grid lines with the decoded images at its nodes."""
    resolution = len(lattice.offsets)
    pixels = shrunk(to_pixels(lattice.nodes.reshape(-1, *study.image_shape)), _MAX_SIDE)
    return plot_latent_plane(
        lattice.offsets,
        lattice.distances,
        sheet=sheet_uri(
            pixels.reshape(resolution, resolution, *pixels.shape[1:]),
            gap=IMAGE_GAP,
            min_width=_SHEET_PIXELS,
            upwards=True,
        ),
        colour=plane.colour,
        num_pixels=image_dim(study),
        height=height,
    )


def stretch_sentence(lattices: Sequence[Lattice], planes: Sequence[PlaneChoice], m: int) -> str:
    """What the two lattices differ by, in pixel distance."""
    means = [float(lattice.edges.mean()) for lattice in lattices]
    floor = ROUNDING * max(means)
    step = float(lattices[0].offsets[1] - lattices[0].offsets[0])
    shown = [f"**{amount(mean)}**" if mean > floor else "nothing above rounding" for mean in means]
    text = (
        f"One step of {step:.3g} latent {'unit' if step == 1 else 'units'} moves the image by "
        f"{shown[0]} on average along {planes[0].name} and by {shown[1]} along "
        f"{planes[1].name} (pixel distance: L2 over {m:,} pixels in [-1, 1])"
    )
    if min(means) > floor:
        text += f", a factor of **{amount(max(means) / min(means))}**"
    return text + "."


def amount(value: float) -> str:
    """A positive number to three digits, without an exponent where it can be read."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "∞"
    power = math.floor(math.log10(abs(value)))
    if power < -4 or power > 6:
        exponent = str(power).translate(_SUPERSCRIPTS)
        return f"{value / 10.0**power:.2g} × 10{exponent}"
    return f"{round(value, 2 - power):,.{max(0, 2 - power)}f}"
