"""Latents as points in a plane, coloured by what is known of them (the paper's Fig. 1, left)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import MEMBER, NEUTRAL, SEQUENTIAL, apply_layout

CLASS_PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#56B4E9",
    "#CC79A7",
    "#999933",
    "#AA4499",
    "#44AA99",
    "#8C6D5A",
)
"""Okabe and Ito's colours, then Tol's: with ten classes, the labels on the map decide."""

_CLIP = (0.02, 0.98)
_WEBGL_ABOVE = 3000


@dataclass(frozen=True)
class Continuous:
    """A colour scale: (n,) values, the title of its bar, and its ends where they are fixed."""

    values: np.ndarray
    title: str
    ends: tuple[float, float] | None = None


@dataclass(frozen=True)
class Groups:
    """Named groups: (n,) index into ``names``, one colour and one symbol each."""

    index: np.ndarray
    names: Sequence[str]
    colours: Sequence[str]
    symbols: Sequence[str] = ()
    labelled: bool = False


def colour_ends(scale: Continuous) -> tuple[float, float]:
    """Where a colour scale ends: as fixed, else at the 2nd and 98th percentile."""
    if scale.ends is not None:
        return scale.ends
    low, high = np.quantile(scale.values, _CLIP)
    return float(low), float(high)


def embedding_map(
    points: np.ndarray,
    sample_ids: np.ndarray,
    colouring: Continuous | Groups,
    *,
    axis_titles: tuple[str, str],
    selected: np.ndarray | None = None,
    current: int | None = None,
    height: int = 600,
) -> go.Figure:
    """Every sample as a point, its id in customdata, both axes on one scale.

    Args:
        points: (n, 2).
        sample_ids: (n,).
        colouring: continuous values, clipped to their 2nd to 98th percentile, or groups.
        axis_titles: of both axes.
        selected: (n,) bool, which points stay bright; None or none = all.
        current: row of the image that is ringed.
        height: in pixels.

    Returns:
        One trace, or one per group, then the ring.  Points have no outlines: a browser takes
        twice as long to draw two thousand that have.
    """
    figure = go.Figure()
    bright = selected if selected is not None and selected.any() else None
    if isinstance(colouring, Continuous):
        figure.add_trace(_continuous(points, sample_ids, colouring, bright))
    else:
        for group, name in enumerate(colouring.names):
            figure.add_trace(_group(points, sample_ids, colouring, group, name, bright))
        if colouring.labelled:
            _add_labels(figure, points, colouring)
    if current is not None:
        figure.add_trace(_ring(*points[current]))
    several = isinstance(colouring, Groups)
    apply_layout(figure, height=height, legend=several)
    axis = {"zeroline": False, "showgrid": False, "constrain": "domain"}
    figure.update_xaxes(title=axis_titles[0], **axis)
    figure.update_yaxes(
        title=axis_titles[1], scaleanchor="x", scaleratio=1, constraintoward="top", **axis
    )
    figure.update_layout(
        dragmode="lasso",
        hovermode="closest",
        hoverdistance=12,
        # The colour bar has its room; were it left to make some, all would be drawn twice.
        margin={"l": 60, "r": 10, "t": 40 if several else 66, "autoexpand": several},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": NEUTRAL, "activecolor": MEMBER},
        newselection={"line": {"color": NEUTRAL, "width": 2, "dash": "dot"}},
    )
    return figure


def map_height(figure: go.Figure) -> float:
    """How tall a map's plot is, in its widths: both axes are on one scale."""
    reach = []
    for axis in ("x", "y"):
        ends = figure.layout[f"{axis}axis"].range
        every = np.concatenate([np.ravel(trace[axis]) for trace in figure.data])
        reach.append(float(np.ptp(every if ends is None else np.array(ends))))
    return reach[1] / reach[0] if reach[0] > 0 else 1.0


def _ring(x: float, y: float) -> go.Scatter:
    """A white ring on a black one: seen on any page and any colour below."""
    return go.Scatter(
        x=[x, x],
        y=[y, y],
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": [20, 20],
            "opacity": 1,
            "color": ["black", "white"],
            "line": {"width": [5, 2], "color": ["black", "white"]},
        },
        name="current image",
        showlegend=False,
        hoverinfo="skip",
    )


def _trace_kind(count: int) -> type[go.Scatter] | type[go.Scattergl]:
    return go.Scattergl if count > _WEBGL_ABOVE else go.Scatter


def _common(bright: np.ndarray | None, rows: np.ndarray) -> dict:
    """What all traces of points share: ids, and who stays bright."""
    return {
        "mode": "markers",
        "hoverinfo": "none",
        "selectedpoints": None if bright is None else np.flatnonzero(bright[rows]),
        "selected": {"marker": {"opacity": 0.95}},
        "unselected": {"marker": {"opacity": 0.12}},
    }


def _customdata(sample_ids: np.ndarray) -> list[list[int]]:
    """Written out: Streamlit's selections return packed arrays as objects."""
    return [[int(sample_id)] for sample_id in sample_ids]


def _continuous(
    points: np.ndarray, sample_ids: np.ndarray, scale: Continuous, bright: np.ndarray | None
) -> go.Scatter | go.Scattergl:
    low, high = colour_ends(scale)
    return _trace_kind(len(points))(
        x=points[:, 0],
        y=points[:, 1],
        customdata=_customdata(sample_ids),
        marker={
            "size": 7,
            "opacity": 0.9,
            "color": scale.values,
            "cmin": float(low),
            "cmax": float(high),
            "colorscale": SEQUENTIAL,
            "line": {"width": 0},
            "colorbar": {
                "title": {"text": scale.title, "side": "top"},
                "orientation": "h",
                "x": 0.0,
                "xanchor": "left",
                "y": 1.0,
                "yanchor": "bottom",
                "len": 0.6,
                "lenmode": "fraction",
                "thickness": 10,
                "outlinewidth": 0,
                "nticks": 6,
            },
        },
        name=scale.title,
        **_common(bright, np.ones(len(points), dtype=bool)),
    )


def _group(
    points: np.ndarray,
    sample_ids: np.ndarray,
    groups: Groups,
    group: int,
    name: str,
    bright: np.ndarray | None,
) -> go.Scatter | go.Scattergl:
    rows = groups.index == group
    return _trace_kind(len(points))(
        x=points[rows, 0],
        y=points[rows, 1],
        customdata=_customdata(sample_ids[rows]),
        marker={
            "size": 7,
            "opacity": 0.85,
            "color": groups.colours[group],
            "symbol": groups.symbols[group] if groups.symbols else "circle",
            "line": {"width": 0},
        },
        name=name,
        **_common(bright, rows),
    )


def _add_labels(figure: go.Figure, points: np.ndarray, groups: Groups) -> None:
    """Each group's name at the median of its points."""
    for group, name in enumerate(groups.names):
        rows = groups.index == group
        if rows.any():
            x, y = np.median(points[rows], axis=0)
            figure.add_annotation(
                x=float(x),
                y=float(y),
                text=f"<b>{name}</b>",
                showarrow=False,
                font={"size": 15, "color": "white"},
                bgcolor=groups.colours[group],
                bordercolor="white",
                borderwidth=1,
                borderpad=3,
            )
