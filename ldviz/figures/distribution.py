"""Where one image stands among a study's members and held-out images."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.histogram import score_bins
from ldviz.figures.score_axis import ScoreAxis
from ldviz.figures.spectrum import IMAGE_COLOUR
from ldviz.figures.theme import HELD_OUT, MEMBER, apply_layout, faded

_HEADROOM = 1.25
"""Of the axis above the highest bin, where the line's name stands."""


def plot_place(
    places: np.ndarray,
    is_member: np.ndarray,
    here: float,
    *,
    title: str,
    text: str,
    axis: ScoreAxis | None = None,
    height: int = 300,
) -> go.Figure:
    """Both classes as shares per bin, and a line where the image stands.

    Args:
        places: (n,) finite, where the study's images stand.
        is_member: (n,) bool.
        here: where the image stands; the axis reaches to it.
        title: of the axis.
        text: beside the line.
        axis: ticks, where places are not values themselves.
        height: in pixels.
    """
    bins = score_bins(places, is_member)
    figure = go.Figure()
    highest = 0.0
    for name, colour, dash, counts in (
        ("Members", MEMBER, "solid", bins.member),
        ("Held-out", HELD_OUT, "dot", bins.held_out),
    ):
        shares = counts / max(1, counts.sum())
        highest = max(highest, float(shares.max()))
        figure.add_trace(
            go.Scatter(
                x=np.repeat(bins.edges, 2),
                y=np.concatenate([[0.0], np.repeat(shares, 2), [0.0]]),
                mode="lines",
                line={"color": colour, "width": 1.8, "dash": dash},
                fill="tozeroy",
                fillcolor=faded(colour, 0.16),
                name=name,
                hoverinfo="skip",
            )
        )
    low, high = float(bins.edges[0]), float(bins.edges[-1])
    right = here > (low + high) / 2
    figure.add_vline(
        x=here,
        line={"color": IMAGE_COLOUR, "width": 3},
        annotation={
            "text": f"<b>{text}</b>",
            "yref": "paper",
            "y": 0.98,
            "yanchor": "top",
            "xanchor": "right" if right else "left",
            "xshift": -6 if right else 6,
            "font": {"color": IMAGE_COLOUR, "size": 13},
        },
    )
    room = 0.04 * (max(high, here) - min(low, here))
    ticks = {}
    if axis is not None:
        ticks = {"tickvals": axis.ticks, "ticktext": axis.tick_texts}
    figure.update_xaxes(
        title=title,
        range=[min(low, here) - room, max(high, here) + room],
        zeroline=False,
        showgrid=False,
        **ticks,
    )
    figure.update_yaxes(
        title="share of the class", tickformat=".0%", range=[0.0, _HEADROOM * highest]
    )
    return apply_layout(figure, height=height)
