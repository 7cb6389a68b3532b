"""Local distortion against something else that is known of every image."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import HELD_OUT, MEMBER, apply_layout

MAX_POINTS = 700


def thinned_rows(count: int, most: int = MAX_POINTS) -> np.ndarray:
    """At most ``most`` of ``count`` rows, evenly spaced: what a scatter draws of many."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def distortion_scatter(
    values: np.ndarray,
    distortion: np.ndarray,
    is_member: np.ndarray,
    sample_ids: np.ndarray,
    *,
    title: str,
    rank: int,
) -> go.Figure:
    """Points, thinned where there are many, members and held-out images in their colours.

    Args:
        values: (n,) on the horizontal axis.
        distortion, is_member, sample_ids: (n,).
        title: of the horizontal axis, with its unit.
        rank: of the distortion.

    Returns:
        Two traces, members first, with customdata [sample id].
    """
    figure = go.Figure()
    rows = thinned_rows(len(values))
    for kind, name, colour in ((True, "members", MEMBER), (False, "held-out", HELD_OUT)):
        inside = rows[is_member[rows] == kind]
        figure.add_trace(
            go.Scatter(
                x=values[inside],
                y=distortion[inside],
                mode="markers",
                marker={"size": 5, "color": colour, "opacity": 0.5},
                name=name,
                customdata=sample_ids[inside][:, None],
                hovertemplate=f"Image %{{customdata[0]}}, {name}: %{{x:.4g}}, %{{y:.2f}} nats"
                "<extra></extra>",
            )
        )
    figure.update_xaxes(title=title, zeroline=False)
    figure.update_yaxes(title=f"Local distortion, rank {rank} (nats)", zeroline=False)
    apply_layout(figure, height=320)
    return figure
