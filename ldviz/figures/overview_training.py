"""How a study's model came about: losses by epoch, and which epoch was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from ldviz.figures.theme import NEUTRAL, apply_layout

_LINE = "#0072B2"
_SECOND = "#E69F00"
_KEPT = "#D55E00"


def autoencoder_losses(log: Sequence[Mapping[str, float]]) -> go.Figure:
    """Reconstruction error (left axis) and KL (right axis) of the autoencoder by epoch."""
    epochs = [entry["epoch"] for entry in log]
    figure = go.Figure(
        [
            _loss(epochs, [entry["reconstruction"] for entry in log], "L1 error", _LINE),
            _loss(epochs, [entry["kl"] for entry in log], "KL", _SECOND, axis="y2", dash="dash"),
        ]
    )
    apply_layout(figure, height=300)
    figure.update_layout(
        xaxis={"title": "Epoch of the autoencoder"},
        yaxis={"title": "L1 error", "rangemode": "tozero", "zeroline": False},
        yaxis2={
            "title": "KL (nats per latent entry)",
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "showgrid": False,
            "zeroline": False,
        },
    )
    figure.update_layout(margin={"r": 60})
    return figure


def denoiser_loss(log: Sequence[Mapping[str, float]]) -> go.Figure:
    """The denoiser's mean squared error of the noise by epoch, on a logarithmic axis."""
    figure = go.Figure(
        _loss([entry["epoch"] for entry in log], [entry["loss"] for entry in log], "loss", _LINE)
    )
    apply_layout(figure, height=300, legend=False)
    figure.update_layout(
        xaxis={"title": "Epoch of the denoiser"},
        yaxis={
            "title": "Mean squared error of the noise",
            "type": "log",
            "tickformat": ".2g",
            "dtick": "D2",
        },
    )
    return figure


def selection_curve(evaluations: Sequence[Mapping[str, Any]], target: float) -> go.Figure:
    """SimA's AUC on the way: one thin line per timestep, the best of them in bold.

    Args:
        evaluations: of training: "epoch", "timesteps", "auc", "best_auc", "kept".
        target: the AUC that the kept epoch was to come nearest to.

    Returns:
        The thin lines as one trace, the best, and the kept epoch as a star.
    """
    epochs = [entry["epoch"] for entry in evaluations]
    xs: list[float | None] = []
    ys: list[float | None] = []
    texts: list[str | None] = []
    for index, timestep in enumerate(evaluations[0]["timesteps"] if evaluations else ()):
        xs += [*epochs, None]
        ys += [*(entry["auc"][index] for entry in evaluations), None]
        texts += [*(f"t = {timestep}" for _ in epochs), None]
    figure = go.Figure(
        [
            go.Scatter(
                x=xs,
                y=ys,
                mode="lines",
                line={"color": NEUTRAL, "width": 1},
                opacity=0.55,
                name="each timestep",
                text=texts,
                hovertemplate="%{text}, epoch %{x}: %{y:.3f}<extra></extra>",
            ),
            go.Scatter(
                x=epochs,
                y=[entry["best_auc"] for entry in evaluations],
                mode="lines+markers",
                line={"color": _LINE, "width": 2.5},
                name="best timestep",
                hovertemplate="best, epoch %{x}: %{y:.3f}<extra></extra>",
            ),
        ]
    )
    kept = [entry for entry in evaluations if entry["kept"]]
    figure.add_trace(
        go.Scatter(
            x=[entry["epoch"] for entry in kept],
            y=[entry["best_auc"] for entry in kept],
            mode="markers",
            marker={
                "symbol": "star",
                "size": 17,
                "color": _KEPT,
                "line": {"color": "white", "width": 1},
            },
            name="kept",
            hovertemplate="kept: epoch %{x}, %{y:.3f}<extra></extra>",
        )
    )
    for level, text in ((target, f"target {target:g}"), (0.5, "guessing")):
        figure.add_hline(
            y=level,
            line={"color": NEUTRAL, "width": 1, "dash": "dash"},
            annotation={"text": text, "font": {"size": 12}},
            annotation_position="top left",
        )
    apply_layout(figure, height=300)
    figure.update_layout(
        xaxis={"title": "Epoch of the denoiser"}, yaxis={"title": "SimA AUC", "zeroline": False}
    )
    return figure


def _loss(
    epochs: Sequence[float],
    values: Sequence[float],
    name: str,
    colour: str,
    *,
    axis: str = "y",
    dash: str = "solid",
) -> go.Scatter:
    return go.Scatter(
        x=epochs,
        y=values,
        mode="lines",
        line={"color": colour, "width": 2, "dash": dash},
        name=name,
        yaxis=axis,
        hovertemplate=f"epoch %{{x}}: {name} %{{y:.4f}}<extra></extra>",
    )
