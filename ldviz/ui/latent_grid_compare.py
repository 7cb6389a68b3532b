"""The same view for two images, side by side and on one scale."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ldviz.figures.lattice import plot_lattices
from ldviz.figures.lattice_drawn import common_limits
from ldviz.geometry.lattice import common_components
from ldviz.study.store import Study
from ldviz.ui.latent_grid_lattices import (
    PLOT_CONFIG,
    amount,
    decoded_lattice,
    drawn,
    image_dim,
    latent_plane_figure,
)
from ldviz.ui.latent_grid_planes import PlaneSpec, planes_at
from ldviz.ui.latent_grid_stepper import describe_image

_SHEET_HEIGHT = 240
_DATA_HEIGHT = 380


def show_two_images(study: Study, row: int, spec: PlaneSpec, reach: float, resolution: int) -> None:
    """The current image beside another one, chosen by its place by distortion."""
    by_rank = np.argsort(-study.local_distortion(), kind="stable")
    other = st.number_input(
        "Compare with the image at place (1 = highest distortion)",
        1,
        study.num_samples,
        study.num_samples,
        key=f"grid-other-{study.name}",
        persist_state="session",
        width=380,
    )
    rows = (row, int(by_rank[int(other) - 1]))
    planes = [planes_at(study, one, spec) for one in rows]
    lattices = [
        [decoded_lattice(study, one, plane, reach, resolution) for plane in pair]
        for one, pair in zip(rows, planes, strict=True)
    ]
    components = [common_components(pair) for pair in lattices]
    drawings = [
        [drawn(*each, shared) for each in zip(pair, chosen, strict=True)]
        for pair, chosen, shared in zip(lattices, planes, components, strict=True)
    ]
    span = max(high - low for pair in drawings for low, high in common_limits(pair))
    for index, column in enumerate(st.columns(2, gap="large")):
        with column:
            st.markdown(describe_image(study, rows[index]))
            sheets = st.columns(2, gap="small")
            for sheet, lattice, plane in zip(sheets, lattices[index], planes[index], strict=True):
                with sheet:
                    st.plotly_chart(
                        latent_plane_figure(study, lattice, plane, _SHEET_HEIGHT),
                        key=f"grid-two-{index}-{plane.colour}",
                        config=PLOT_CONFIG,
                    )
            figure = plot_lattices(
                drawings[index],
                explained=components[index].explained.tolist(),
                num_pixels=image_dim(study),
                height=_DATA_HEIGHT,
                limits=widened(common_limits(drawings[index]), span),
            )
            st.plotly_chart(figure, key=f"grid-two-{index}", config=PLOT_CONFIG)
    means = [float(pair[0].edges.mean()) for pair in lattices]
    st.caption(
        "Two images, one scale: where distortion is higher, the same square of latent space "
        f"becomes a larger sheet. One step along {planes[0][0].name} moves the left image by "
        f"**{amount(means[0])}** on average, the right one by **{amount(means[1])}** (pixel "
        f"distance: L2 over {image_dim(study):,} pixels in [-1, 1]). Each image has its own "
        "components."
    )


def widened(limits: list[tuple[float, float]], span: float) -> list[tuple[float, float]]:
    """Limits of one length around the same middles, so that two figures share a scale."""
    return [((low + high - span) / 2, (low + high + span) / 2) for low, high in limits]
