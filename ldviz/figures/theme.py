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
COMPARED_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
COMPARED_DASHES = ("solid", "dash", "dot", "dashdot")
# Of two studies side by side; told apart with any colour vision, from classes and masks too, and
# at a contrast of at least 3 to 1 on light and on dark pages (tests/figures/test_theme.py).
STUDY_COLOURS = ("#9b51e0", "#00898a")
STUDY_DASHES = ("solid", "dash")
HIGH_INFLUENCE = "#D55E00"
LOW_INFLUENCE = "#0072B2"
# Rising in lightness and from cold to warm; told apart with any colour vision, and at a contrast
# of at least 3 to 1 on light and on dark pages (tests/figures/test_theme.py).
QUARTILE_COLOURS = ("#3259f4", "#9759b6", "#ec3b6f", "#ce7c10")
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
