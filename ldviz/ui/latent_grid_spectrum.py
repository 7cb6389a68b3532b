"""The chosen image's singular spectrum against the study's: stored numbers, no decoder."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.spectrum import IMAGE_COLOUR, plot_spectrum, spectrum_quantiles
from ldviz.geometry.distortion import NUMERICAL_RANK_THRESHOLD, numerical_rank
from ldviz.study.store import Study
from ldviz.ui.latent_grid_lattices import amount
from ldviz.ui.latent_grid_stepper import place_by_distortion


def show_spectrum(study: Study, row: int) -> None:
    """The spectrum of the current image over the band of all images."""
    draw_spectrum(study, row, spectrum_figure(study, row))


def spectrum_figure(study: Study, row: int) -> go.Figure:
    """An image's singular values over the band of all images."""
    values = study.array("singular_values")
    own = values[row]
    return plot_spectrum(
        _quantiles(study.digest, _values=values),
        [(f"image {study.sample_ids[row]}", IMAGE_COLOUR, own)],
        rank=study.manifest.geometry.rank,
        floor=float(own[0]) * NUMERICAL_RANK_THRESHOLD,
    )


def draw_spectrum(study: Study, row: int, figure: go.Figure, *, key: str = "grid-spectrum") -> None:
    """Draw the figure and say what it shows."""
    own, rank = study.array("singular_values")[row], study.manifest.geometry.rank
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})
    distortions = study.local_distortion()
    place = int((distortions > distortions[row]).sum()) + 1
    st.caption(
        f"How much the decoder stretches each of the {len(own)} singular directions at this "
        f"image: {amount(own[0])} along the first, {amount(own[rank - 1])} along number {rank}, "
        f"{amount(own[-1])} along the last; {int(numerical_rank(own))} are above rounding noise. "
        f"Its local distortion, {distortions[row]:+.2f} nats, is the {place_by_distortion(place)} "
        f"of {study.num_samples:,}."
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _quantiles(digest: str, *, _values) -> np.ndarray:
    return spectrum_quantiles(_values)
