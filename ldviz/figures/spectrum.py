"""The singular spectrum of one image against all images of a study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ldviz.errors import InputError
from ldviz.figures.theme import NEUTRAL, apply_layout, faded

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
IMAGE_COLOUR = "#009E73"


def spectrum_quantiles(singular_values: np.ndarray) -> np.ndarray:
    """(5, k): the 5, 25, 50, 75 and 95 % quantiles over samples of each singular value.

    Args:
        singular_values: (n, k) descending.
    """
    return np.quantile(singular_values.astype(np.float64), QUANTILES, axis=0)


def plot_spectrum(
    quantiles: np.ndarray,
    chosen: Sequence[tuple[str, str, np.ndarray]],
    *,
    rank: int,
    floor: float,
    height: int = 420,
) -> go.Figure:
    """Singular values of chosen images over the band that a study's images fill.

    Args:
        quantiles: (5, k) from ``spectrum_quantiles``.
        chosen: name, colour and (k,) singular values of each image drawn.
        rank: how many values the local distortion takes; marked.
        floor: values below are rounding noise; the axis ends there.
        height: in pixels.
    """
    if quantiles.ndim != 2 or len(quantiles) != len(QUANTILES):
        raise InputError(
            f"A band needs ({len(QUANTILES)}, k) quantiles, got {tuple(quantiles.shape)}."
        )
    index = np.arange(1, quantiles.shape[1] + 1)
    clipped = np.maximum(quantiles, floor)
    figure = go.Figure()
    for low, high, opacity, name in ((0, 4, 0.16, "90 % of images"), (1, 3, 0.26, "half of them")):
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([index, index[::-1]]),
                y=np.concatenate([clipped[high], clipped[low][::-1]]),
                fill="toself",
                fillcolor=faded(NEUTRAL, opacity),
                line={"width": 0},
                hoverinfo="skip",
                name=name,
            )
        )
    figure.add_trace(
        go.Scatter(
            x=index,
            y=clipped[2],
            mode="lines",
            line={"color": NEUTRAL, "width": 1.5, "dash": "dot"},
            name="median",
            hovertemplate="median %{y:.3g}<extra></extra>",
        )
    )
    for name, colour, values in chosen:
        figure.add_trace(
            go.Scatter(
                x=index,
                y=np.maximum(values, floor),
                mode="lines",
                line={"color": colour, "width": 2.5},
                name=name,
                hovertemplate=f"σ%{{x}} = %{{y:.3g}}<extra>{name}</extra>",
            )
        )
    figure.add_vline(
        x=rank + 0.5,
        line={"color": NEUTRAL, "width": 1, "dash": "dash"},
        annotation={
            "text": f"local distortion: sum of log σ up to here (k = {rank})",
            "yref": "paper",
            "y": 0.02,
            "xanchor": "left",
            "yanchor": "bottom",
            "font": {"size": 12},
        },
    )
    figure.update_xaxes(title="singular value number i", zeroline=False)
    figure.update_yaxes(
        title="σᵢ, pixel distance per latent unit",
        type="log",
        dtick=1,
        exponentformat="power",
        zeroline=False,
    )
    apply_layout(figure, height=height)
    return figure.update_layout(hovermode="x unified")
