"""The ROC of some samples beside that of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import NEUTRAL, apply_layout
from ldviz.metrics.roc import Positive

_TITLES = {
    "member": ("held-out accused", "members found"),
    "held_out": ("members called held-out", "held-out found"),
}


@dataclass(frozen=True)
class RocLine:
    """A curve: its title, colour, and points from (0, 0) to (1, 1)."""

    title: str
    colour: str
    fpr: np.ndarray
    tpr: np.ndarray


def roc_lines(lines: Sequence[RocLine], *, positive: Positive) -> go.Figure:
    """ROC curves on one square; the axes name the positive class."""
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": NEUTRAL, "width": 1, "dash": "dash"},
            name="guessing",
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for line in lines:
        figure.add_trace(
            go.Scatter(
                x=line.fpr,
                y=line.tpr,
                mode="lines",
                line={"color": line.colour, "width": 2.5},
                name=line.title,
                hovertemplate=f"{line.title}: %{{y:.3f}} at %{{x:.3f}}<extra></extra>",
            )
        )
    across, upwards = _TITLES[positive]
    figure.update_xaxes(
        title=f"False-positive rate ({across})", range=[-0.01, 1.01], zeroline=False
    )
    figure.update_yaxes(
        title=f"True-positive rate ({upwards})", range=[-0.01, 1.01], zeroline=False
    )
    apply_layout(figure, height=460)
    figure.update_layout(margin={"t": 36, "b": 96}, legend={"y": -0.22, "yanchor": "top"})
    return figure
