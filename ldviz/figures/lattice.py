"""Lattices in data space: grid lines as the decoder bends and stretches them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from ldviz.errors import InputError
from ldviz.figures.lattice_drawn import DrawnLattice, broken_path, common_limits, edge_middles
from ldviz.figures.lattice_inset import Inset, place_inset
from ldviz.figures.theme import NEUTRAL, SEQUENTIAL, apply_layout

NUM_DISTANCE_COLOURS = 12
_SCALE_END = 0.92
"""Viridis ends in a yellow that a white page swallows."""


def plot_lattices(
    lattices: Sequence[DrawnLattice],
    *,
    explained: Sequence[float],
    num_pixels: int,
    colour_by_distance: bool = False,
    height: int = 460,
    limits: Sequence[tuple[float, float]] | None = None,
    magnify: bool = True,
) -> go.Figure:
    """Bent lattices on one common scale, in two or three common principal components.

    Args:
        lattices: the largest first, so that a small one is drawn on top.
        explained: (k,) share of the nodes' variance along each component; k = 2 or 3.
        num_pixels: m, for the unit.
        colour_by_distance: edges by their true pixel distance in place of the lattice's colour.
        height: of the figure, in pixels.
        limits: (low, high) per component, to share between figures; None fits the lattices.
        magnify: show the smallest lattice again beside the others, enlarged, where it is
            too small to see; in two components only.

    Raises:
        InputError: unless there are two or three components.
    """
    if len(explained) not in (2, 3):
        raise InputError(f"A lattice is drawn in 2 or 3 components, got {len(explained)}.")
    figure = go.Figure()
    bounds = _distance_bounds(lattices)
    for lattice in lattices:
        if colour_by_distance:
            _add_coloured_edges(figure, lattice, bounds)
        else:
            _add_lines(figure, lattice)
    for lattice in lattices:
        _add_edge_hover(figure, lattice, num_pixels)
    if colour_by_distance:
        _add_colour_bar(figure, lattices, bounds)
    _add_center(figure, lattices[0])
    titles = [
        f"component {index + 1} ({share:.0%} of variance)" for index, share in enumerate(explained)
    ]
    limits = common_limits(lattices) if limits is None else limits
    apply_layout(figure, height=height)
    if len(explained) == 3:
        return _frame_3d(figure, titles, limits)
    inset = place_inset(lattices, limits) if magnify else None
    if inset is not None:
        limits = inset.limits
        _add_inset(figure, inset, num_pixels)
    figure.update_layout(
        xaxis={"title": titles[0], "range": limits[0], "zeroline": False},
        yaxis={"title": titles[1], "range": limits[1], "zeroline": False, "scaleanchor": "x"},
    )
    return figure


def _add_lines(figure: go.Figure, lattice: DrawnLattice, showlegend: bool = True) -> None:
    """All grid lines of a lattice as one broken path in its colour."""
    figure.add_trace(
        _scatter(
            broken_path(lattice.lines),
            mode="lines",
            line={"color": lattice.colour, "width": 2 if lattice.rows.shape[-1] == 2 else 4},
            hoverinfo="skip",
            name=lattice.name,
            legendgroup=lattice.name,
            showlegend=showlegend,
        )
    )


def _add_coloured_edges(
    figure: go.Figure, lattice: DrawnLattice, bounds: tuple[float, float]
) -> None:
    """Edges in steps of colour by true pixel distance: one trace per colour."""
    low, high = bounds
    share = (lattice.edge_distances - low) / (high - low)
    bins = np.clip((share * NUM_DISTANCE_COLOURS).astype(int), 0, NUM_DISTANCE_COLOURS - 1)
    paths = lattice.edge_paths
    for index in np.unique(bins):
        level = (index + 0.5) / NUM_DISTANCE_COLOURS * _SCALE_END
        figure.add_trace(
            _scatter(
                broken_path(paths[bins == index]),
                mode="lines",
                line={
                    "color": sample_colorscale(SEQUENTIAL, [level])[0],
                    "width": 2.5 if paths.shape[-1] == 2 else 5,
                },
                hoverinfo="skip",
                name=lattice.name,
                legendgroup=lattice.name,
                showlegend=False,
            )
        )


def _add_edge_hover(figure: go.Figure, lattice: DrawnLattice, num_pixels: int) -> None:
    """An unseen point in the middle of each edge that tells its true pixel distance."""
    middles = edge_middles(lattice)
    step = float(lattice.offsets[1] - lattice.offsets[0])
    figure.add_trace(
        _scatter(
            middles,
            **_unseen(middles),
            customdata=lattice.edge_distances,
            hovertemplate=(
                "<b>pixel distance %{customdata:.4g}</b><br>"
                f"for one step of {step:.3g} latent units<br>"
                f"L2 over {num_pixels:,} pixels in [-1, 1]<extra>{lattice.name}</extra>"
            ),
            name=f"{lattice.name}: edges",
            legendgroup=lattice.name,
            showlegend=False,
        )
    )


def _unseen(points: np.ndarray) -> dict:
    """Points to hover over that are not drawn; a scene finds only those that are."""
    if points.shape[-1] == 2:
        return {"mode": "none"}
    return {"mode": "markers", "marker": {"size": 4, "opacity": 0}}


def _add_colour_bar(
    figure: go.Figure, lattices: Sequence[DrawnLattice], bounds: tuple[float, float]
) -> None:
    """The scale of the edges' colours, carried by a marker that is not drawn."""
    levels = [index / 10 for index in range(11)]
    scale = [[level, sample_colorscale(SEQUENTIAL, [level * _SCALE_END])[0]] for level in levels]
    figure.add_trace(
        _scatter(
            np.full((1, lattices[0].rows.shape[-1]), np.nan),
            mode="markers",
            marker={
                "color": [bounds[0]],
                "cmin": bounds[0],
                "cmax": bounds[1],
                "colorscale": scale,
                "showscale": True,
                "colorbar": {
                    "title": {"text": "pixel distance of an edge", "side": "right"},
                    "thickness": 10,
                    "outlinewidth": 0,
                },
            },
            hoverinfo="skip",
            showlegend=False,
            name="scale",
        )
    )


def _add_center(figure: go.Figure, lattice: DrawnLattice) -> None:
    """Where the image itself lies, the one point that the lattices share."""
    figure.add_trace(
        _scatter(
            lattice.center[None],
            mode="markers",
            marker={
                "size": 6 if len(lattice.center) == 2 else 4,
                "color": "#ffffff",
                "line": {"color": "#222222", "width": 1.5},
            },
            hovertemplate="the image itself<extra></extra>",
            name="the image",
            showlegend=False,
        )
    )


def _add_inset(figure: go.Figure, inset: Inset, num_pixels: int) -> None:
    """The enlarged copy in its frame, tied to the spot that it enlarges."""
    lattice = inset.lattice
    left, right, bottom, top = inset.frame
    figure.add_shape(
        type="rect",
        **{"x0": left, "x1": right, "y0": bottom, "y1": top},
        line={"color": NEUTRAL, "width": 1, "dash": "dot"},
        layer="below",
    )
    figure.add_annotation(
        x=right,
        y=top,
        xanchor="right",
        yanchor="bottom",
        align="right",
        text=f"{lattice.name},<br>{inset.factor:,.10g} × larger",
        showarrow=False,
        font={"size": 12},
    )
    _add_lines(figure, lattice, showlegend=False)
    _add_edge_hover(figure, lattice, num_pixels)


def _frame_3d(figure: go.Figure, titles: Sequence[str], limits: Sequence[tuple]) -> go.Figure:
    """Axes of a scene with the same length per unit in every direction."""
    axes = {
        f"{axis}axis": {"title": {"text": title}, "range": limit, "showbackground": False}
        for axis, title, limit in zip("xyz", titles, limits, strict=True)
    }
    camera = {"eye": {"x": 1.25, "y": -1.45, "z": 0.85}}
    figure.update_layout(scene={"aspectmode": "data", "camera": camera, **axes})
    return figure.update_layout(margin={"l": 0, "r": 0, "b": 0})


def _distance_bounds(lattices: Sequence[DrawnLattice]) -> tuple[float, float]:
    """From 0 to the longest edge of all: one common scale."""
    longest = max(float(lattice.edge_distances.max()) for lattice in lattices)
    return 0.0, max(longest, 1e-12)


def _scatter(points: np.ndarray, **options) -> go.Scatter | go.Scatter3d:
    """(N, 2) or (N, 3) points as the fitting trace."""
    points = np.asarray(points, dtype=np.float32)
    if points.shape[-1] == 3:
        return go.Scatter3d(x=points[:, 0], y=points[:, 1], z=points[:, 2], **options)
    return go.Scatter(x=points[:, 0], y=points[:, 1], **options)
