"""Some ROC curves on one square: of chosen samples beside all, or of masks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.ribbon import add_ribbon
from ldviz.figures.theme import NEUTRAL, apply_layout
from ldviz.metrics.roc import Positive

_TITLES = {
    "member": ("held-out accused", "members found"),
    "held_out": ("members called held-out", "held-out found"),
}


@dataclass(frozen=True)
class RocLine:
    """A curve: its title, colour, and points from (0, 0) to (1, 1).

    ``spread`` is the standard deviation of ``tpr`` over random draws, drawn as a band.
    """

    title: str
    colour: str
    fpr: np.ndarray
    tpr: np.ndarray
    dash: str = "solid"
    spread: np.ndarray | None = None


def roc_lines(
    lines: Sequence[RocLine], *, positive: Positive, lowest: float | None = None
) -> go.Figure:
    """ROC curves on one square; the axes name the positive class.

    Args:
        lines: in drawing order.
        positive: the class that counts as detected.
        lowest: left end of logarithmic axes, below one case of either class; None for
            linear axes.  Rates below it are drawn at the edge.
    """
    figure = go.Figure()
    edge = lowest or 0.0
    figure.add_trace(
        go.Scatter(
            x=[edge, 1],
            y=[edge, 1],
            mode="lines",
            line={"color": NEUTRAL, "width": 1, "dash": "dash"},
            name="guessing",
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for line in lines:
        fpr, tpr = np.maximum(line.fpr, edge), np.maximum(line.tpr, edge)
        if line.spread is not None:
            low = np.maximum(line.tpr - line.spread, edge)
            high = np.clip(line.tpr + line.spread, edge, 1.0)
            add_ribbon(figure, fpr, low, high, line.colour, f"{line.title}, ± 1 sd", 0.2)
            figure.data[-1].showlegend = False
        figure.add_trace(
            go.Scatter(
                x=fpr,
                y=tpr,
                mode="lines",
                line={"color": line.colour, "width": 2.5, "dash": line.dash},
                name=line.title,
                hovertemplate=f"{line.title}: %{{y:.3f}} at %{{x:.3f}}<extra></extra>",
            )
        )
    across, upwards = _TITLES[positive]
    axis = (
        {"range": [-0.01, 1.01], "zeroline": False}
        if lowest is None
        else {"type": "log", "range": [float(np.log10(lowest)), 0.01], "dtick": 1}
    )
    figure.update_xaxes(title=f"False-positive rate ({across})", **axis)
    figure.update_yaxes(title=f"True-positive rate ({upwards})", **axis)
    apply_layout(figure, height=460)
    figure.update_layout(margin={"t": 36, "b": 96}, legend={"y": -0.22, "yanchor": "top"})
    return figure
