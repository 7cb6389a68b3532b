"""A violin itself: its outline, a bar from the lower to the upper quartile, the median."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import faded
from ldviz.figures.violin_density import DensitySummary


class Outlined(Protocol):
    """What has a violin: a summary, a title and a colour."""

    summary: DensitySummary
    title: str
    colour: str


def add_outline(
    figure: go.Figure, row: Outlined, level: float, scale: float, *, hover: str
) -> None:
    """Draw a violin, its quartile bar and its median.

    Args:
        row: what to draw.
        level: where it lies across the axis of values.
        scale: half height per density.
        hover: Plotly's template of a value.
    """
    summary = row.summary
    half = summary.density * scale
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([summary.grid, summary.grid[::-1]]),
            y=np.concatenate([level + half, (level - half)[::-1]]),
            mode="lines",
            fill="toself",
            fillcolor=faded(row.colour, 0.32),
            line={"color": row.colour, "width": 1.5},
            name=row.title,
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[summary.lower, summary.median, summary.upper],
            y=[level] * 3,
            mode="lines+markers",
            line={"color": row.colour, "width": 7},
            marker={
                "size": [0.1, 11, 0.1],
                "color": "white",
                "opacity": 1,
                "line": {"color": row.colour, "width": [0, 2, 0]},
            },
            name=f"{row.title}: quartiles",
            customdata=[["lower quartile"], ["median"], ["upper quartile"]],
            hovertemplate=f"{row.title}, %{{customdata[0]}}: {hover}<extra></extra>",
        )
    )
