"""Colours and layout that every figure shares.

The palette is Okabe and Ito's (2008), distinguishable with any colour vision and on light
and dark pages; what is from the paper is drawn hollow and dashed, never in these solid colours.
"""

from __future__ import annotations

import plotly.graph_objects as go

MEMBER = "#0072B2"
HELD_OUT = "#D55E00"
NEUTRAL = "#7f7f7f"

MASK_COLOURS = {
    "none": NEUTRAL,
    "influence": "#009E73",
    "random": "#CC79A7",
    "highest": "#E69F00",
    "band": "#56B4E9",
}
MASK_TITLES = {
    "none": "No mask",
    "influence": "Lowest influence dropped",
    "random": "Random dropped",
    "highest": "Highest influence dropped",
    "band": "Band of influence dropped",
}
HIGH_INFLUENCE = "#D55E00"
LOW_INFLUENCE = "#0072B2"
QUARTILE_COLOURS = ("#440154", "#31688e", "#35b779", "#b5a51f")
SEQUENTIAL = "Viridis"


def faded(colour: str, opacity: float) -> str:
    """A "#rrggbb" colour with an opacity, for fills."""
    red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def apply_layout(figure: go.Figure, *, height: int = 380, legend: bool = True) -> go.Figure:
    """The common frame: tight margins, a legend above, transparent background."""
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 16, "t": 40 if legend else 16, "b": 52},
        showlegend=legend,
        legend={"orientation": "h", "x": 0.0, "y": 1.02, "yanchor": "bottom", "title": None},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"namelength": -1},
    )
    return figure
