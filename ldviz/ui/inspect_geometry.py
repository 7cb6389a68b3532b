"""A picture's local distortion, spectrum and influence, among the study's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.distribution import plot_place
from ldviz.figures.influence_panels import plot_influence_panels
from ldviz.figures.spectrum import IMAGE_COLOUR, plot_spectrum, spectrum_quantiles
from ldviz.geometry.distortion import NUMERICAL_RANK_THRESHOLD
from ldviz.study.picture import MeasuredPicture
from ldviz.study.store import Study
from ldviz.ui.exports import show_chart
from ldviz.ui.inspect_choice import ChosenPicture

PAGE = "inspect"


def others(study: Study, chosen: ChosenPicture) -> np.ndarray:
    """(n,) bool, the images that a picture is compared with: all but itself."""
    kept = np.ones(study.num_samples, dtype=bool)
    if chosen.row is not None:
        kept[chosen.row] = False
    return kept


def show_distortion(
    study: Study, chosen: ChosenPicture, result: MeasuredPicture
) -> Mapping[str, go.Figure]:
    """Where the picture's distortion stands; the figure, for export."""
    figure = distortion_figure(study, chosen, result)
    draw_distortion(study, chosen, result, figure)
    return {"Distortion": figure}


def distortion_figure(study: Study, chosen: ChosenPicture, result: MeasuredPicture) -> go.Figure:
    """The picture's distortion among the study's."""
    kept = others(study, chosen)
    return plot_place(
        study.local_distortion()[kept],
        study.is_member[kept],
        result.distortion,
        title=f"local distortion, nats (rank {study.manifest.geometry.rank})",
        text="this picture",
    )


def draw_distortion(
    study: Study,
    chosen: ChosenPicture,
    result: MeasuredPicture,
    figure: go.Figure,
    *,
    key: str = "",
) -> None:
    """Draw the figure and say where the picture stands."""
    values = study.local_distortion()[others(study, chosen)]
    show_chart(
        study,
        PAGE,
        "Distortion",
        figure,
        key=f"inspect-distortion{key}",
        alt="Local distortion of members and held-out images, with this picture's place.",
    )
    below = int((values < result.distortion).sum())
    st.caption(
        f"**{signed(result.distortion)} nats**: above {below:,} of the study's {len(values):,} "
        f"{'other ' if chosen.row is not None else ''}images. Far outside both hills, a picture is "
        "of another kind than the study's, and its score below tells little."
    )


def show_spectrum(study: Study, result: MeasuredPicture) -> Mapping[str, go.Figure]:
    """The picture's singular values over the band of the study's."""
    figure = spectrum_figure(study, result)
    draw_spectrum(study, figure)
    return {"Spectrum": figure}


def spectrum_figure(study: Study, result: MeasuredPicture) -> go.Figure:
    """The picture's singular values over the band of the study's."""
    own = result.singular_values
    figure = plot_spectrum(
        _quantiles(study.digest, _values=study.array("singular_values")),
        [("this picture", IMAGE_COLOUR, own)],
        rank=study.manifest.geometry.rank,
        floor=float(own[0]) * NUMERICAL_RANK_THRESHOLD,
        height=330,
    )
    # Half a page gives the legend two lines, below the toolbar.
    figure.update_layout(margin={"t": 74})
    # Half a page is too narrow for the sentence; the caption beside it names the rank.
    figure.layout.annotations[0].text = f"k = {study.manifest.geometry.rank}"
    return figure


def draw_spectrum(study: Study, figure: go.Figure, *, key: str = "") -> None:
    """Draw the figure."""
    show_chart(
        study,
        PAGE,
        "Spectrum",
        figure,
        key=f"inspect-spectrum{key}",
        alt="Singular values of the decoder's Jacobian at this picture, over the study's band.",
    )


def show_influence(study: Study, result: MeasuredPicture) -> Mapping[str, go.Figure]:
    """The picture's influence map, channel by channel."""
    figure = plot_influence_panels(result.influence)
    draw_influence(study, result, figure)
    return {"Influence": figure}


def draw_influence(
    study: Study, result: MeasuredPicture, figure: go.Figure, *, key: str = ""
) -> None:
    """Draw the figure and say how far the strongest is from the weakest."""
    show_chart(
        study,
        PAGE,
        "Influence",
        figure,
        key=f"inspect-influence{key}",
        alt="Influence of each latent dimension, one map per channel.",
    )
    spread = float(result.influence.max() - result.influence.min())
    st.caption(
        f"How far the decoded picture moves with each latent dimension. The strongest moves it "
        f"{np.exp(spread):,.0f} times as far as the weakest; masks drop the **blue** ones first."
    )


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign: "+3.21", "−0.40"."""
    return f"{value:+.{digits}f}".replace("-", "−")


@st.cache_data(max_entries=4, show_spinner=False)
def _quantiles(digest: str, *, _values: np.ndarray) -> np.ndarray:
    return spectrum_quantiles(_values)
