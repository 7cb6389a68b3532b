"""Tissot's indicatrices: what a small circle of latent space becomes, and its counterpart.

In data space a circle becomes an ellipse with semi-axes √λ: filled, drawn solid.  In the
latent plane the steps of equal effect on the picture form an ellipse with semi-axes 1/√λ:
hollow, drawn dotted.  Where one is long, the other is short.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.lattice_drawn import broken_path
from ldviz.figures.theme import NEUTRAL, apply_layout, faded

Space = Literal["data", "latent"]

CELL_SHARE = 0.46
"""Radius of the ellipse that fills its cell, as a share of the distance between two."""


def drawing_scale(semi_axes: np.ndarray, spacing: float, space: Space) -> float:
    """Latent units on the page per unit of an ellipse's semi-axis.

    In data space the longest ellipse fills its cell.  In the latent plane lengths have no
    upper bound, so the median one does, and longer ones are cut at their cell.

    Args:
        semi_axes: (n, 2) of all ellipses that share the scale.
        spacing: latent units from one ellipse to the next.
        space: which ellipses.
    """
    longest = semi_axes.max(axis=-1)
    size = float(longest.max() if space == "data" else np.median(longest))
    return CELL_SHARE * spacing / size if size > 0 else 1.0


def plot_indicatrices(
    offsets: np.ndarray,
    ellipses: np.ndarray,
    semi_axes: np.ndarray,
    *,
    space: Space,
    colour: str,
    scale: float,
    height: int = 340,
) -> go.Figure:
    """One plane's indicatrices in true shape, each where its circle stood in the latent plane.

    Args:
        offsets: (k,) coordinates in latent units, the same both ways.
        ellipses: (k², p, 2) closed curves around 0, rows of the grid one after the other.
        semi_axes: (k², 2) of the same ellipses, told on hover.
        space: "data" for √λ, filled; "latent" for 1/√λ, hollow and dotted.
        colour: of the plane.
        scale: from ``drawing_scale``.
        height: in pixels.
    """
    half = float(offsets[1] - offsets[0]) / 2
    edge = float(offsets[-1]) + half
    a, b = np.meshgrid(offsets, offsets)
    places = np.stack([a.ravel(), b.ravel()], axis=-1)
    shapes = scale * ellipses
    beyond = (np.abs(shapes) > half).any(axis=-1)
    shapes = np.where(beyond[..., None], np.nan, shapes) + places[:, None]
    path = broken_path(shapes)
    filled = space == "data"
    figure = go.Figure(_guides(offsets, edge))
    figure.add_trace(
        go.Scatter(
            x=path[:, 0],
            y=path[:, 1],
            mode="lines",
            fill="toself" if filled else None,
            fillcolor=faded(colour, 0.35) if filled else None,
            line={"color": colour, "width": 2, "dash": "solid" if filled else "dot"},
            hoverinfo="skip",
            name="indicatrices",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=places[:, 0],
            y=places[:, 1],
            mode="markers",
            marker={"size": 4, "color": colour},
            customdata=semi_axes,
            hovertemplate=_HOVER[space],
            name="semi-axes",
        )
    )
    ends = [float(offsets[0]), 0.0, float(offsets[-1])]
    ticks = {
        "tickvals": ends,
        "ticktext": [f"{end:+.3g}" if end else "0" for end in ends],
        "showgrid": False,
        "zeroline": False,
        "range": [-edge, edge],
        "constrain": "domain",
    }
    figure.update_xaxes(**ticks)
    figure.update_yaxes(scaleanchor="x", **ticks)
    apply_layout(figure, height=height, legend=False)
    return figure.update_layout(margin={"l": 28, "r": 4, "t": 4, "b": 24}, dragmode=False)


def add_shadows(
    figure: go.Figure,
    centers: np.ndarray,
    ellipses: np.ndarray,
    semi_axes: np.ndarray,
    *,
    colour: str,
    name: str,
) -> None:
    """Images of small circles on a bent lattice, projected like the lattice itself.

    Args:
        figure: a lattice in two components, as ``plot_lattices`` returns it.
        centers: (n, 2) the projected nodes.
        ellipses: (n, p, 2) projected closed curves around 0.
        semi_axes: (n, 2) the true √λ, told on hover: a shadow can only be smaller.
        colour, name: of the plane.
    """
    path = broken_path(ellipses + centers[:, None])
    figure.add_trace(
        go.Scatter(
            x=path[:, 0],
            y=path[:, 1],
            mode="lines",
            fill="toself",
            fillcolor=faded(colour, 0.3),
            line={"color": colour, "width": 1.5},
            hoverinfo="skip",
            name=f"{name}: circles",
            showlegend=False,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=centers[:, 0],
            y=centers[:, 1],
            mode="markers",
            marker={"size": 8, "opacity": 0},
            customdata=semi_axes,
            hovertemplate=_HOVER["data"].replace("<extra></extra>", f"<extra>{name}</extra>"),
            name=f"{name}: semi-axes",
            showlegend=False,
        )
    )


_HOVER = {
    "data": (
        "<b>√λ: %{customdata[0]:.3g} and %{customdata[1]:.3g}</b><br>"
        "pixel distance per latent unit<extra></extra>"
    ),
    "latent": (
        "<b>1/√λ: %{customdata[1]:.3g} and %{customdata[0]:.3g}</b><br>"
        "latent units for a pixel distance of 1<extra></extra>"
    ),
}


def _guides(offsets: np.ndarray, edge: float) -> go.Scatter:
    """Faint grid lines that the ellipses stand on."""
    x: list[float | None] = []
    y: list[float | None] = []
    for offset in offsets.tolist():
        x += [-edge, edge, None, offset, offset, None]
        y += [offset, offset, None, -edge, edge, None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": faded(NEUTRAL, 0.35), "width": 1},
        hoverinfo="skip",
        name="grid",
    )
