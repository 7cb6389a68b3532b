"""The area between two curves: a band, or 95 % intervals along a line."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import faded


def add_ribbon(
    figure: go.Figure,
    x_values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    colour: str,
    title: str,
    opacity: float,
) -> None:
    """The area between two curves; one point is drawn as a bar."""
    finite = np.isfinite(low) & np.isfinite(high)
    x, bottom, top = x_values[finite], np.asarray(low)[finite], np.asarray(high)[finite]
    if not x.size:
        return
    if x.size == 1:
        figure.add_trace(
            go.Scatter(
                x=[x[0], x[0]],
                y=[bottom[0], top[0]],
                mode="lines",
                line={"color": faded(colour, 3 * opacity), "width": 14},
                name=title,
                hoverinfo="skip",
            )
        )
        return
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([x, x[::-1]]),
            y=np.concatenate([top, bottom[::-1]]),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=faded(colour, opacity),
            name=title,
            hoverinfo="skip",
        )
    )
