"""The plane of latent space that is decoded: its grid lines, and the images at its nodes."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import apply_layout

IMAGE_GAP = 0.16
"""Share of a cell left free around its image, where the grid line shows."""


def plot_latent_plane(
    offsets: np.ndarray,
    distances: np.ndarray,
    *,
    sheet: str,
    colour: str,
    num_pixels: int,
    height: int = 340,
) -> go.Figure:
    """Grid lines of a square of latent space with its decoded images in place.

    Args:
        offsets: (r,) coordinates of the grid lines, in latent units.
        distances: (r, r) pixel distance of each node's image from the middle one.
        sheet: data URI of the r x r images, row 0 at the bottom, one cell per grid step.
        colour: of the lines.
        num_pixels: m, for the unit on hover.
        height: of the figure, in pixels.
    """
    reach, step = float(offsets[-1]), float(offsets[1] - offsets[0])
    edge = reach + step / 2
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            **_grid_lines(offsets, edge),
            mode="lines",
            line={"color": colour, "width": 2},
            hoverinfo="skip",
            name="grid lines",
        )
    )
    a, b = np.meshgrid(offsets, offsets)
    figure.add_trace(
        go.Scatter(
            x=a.ravel(),
            y=b.ravel(),
            customdata=distances.ravel(),
            mode="none",
            hoverlabel={"bgcolor": colour},
            hovertemplate=(
                "%{x:+.2f}, %{y:+.2f} latent units<br>pixel distance from the middle "
                f"%{{customdata:.3f}}<extra>L2 over {num_pixels:,} pixels</extra>"
            ),
            name="decoded images",
        )
    )
    figure.add_layout_image(
        source=sheet,
        xref="x",
        yref="y",
        x=-edge,
        y=edge,
        sizex=2 * edge,
        sizey=2 * edge,
        sizing="stretch",
        layer="above",
    )
    cell = step * (1 - IMAGE_GAP) / 2
    figure.add_shape(
        type="rect", x0=-cell, x1=cell, y0=-cell, y1=cell, line={"color": colour, "width": 3}
    )
    figure.update_xaxes(range=[-edge, edge], constrain="domain", **_ticks(offsets))
    figure.update_yaxes(range=[-edge, edge], scaleanchor="x", constrain="domain", **_ticks(offsets))
    apply_layout(figure, height=height, legend=False)
    return figure.update_layout(margin={"l": 28, "r": 4, "t": 4, "b": 24}, dragmode=False)


def _grid_lines(offsets: np.ndarray, edge: float) -> dict[str, list[float | None]]:
    """All grid lines as one broken path."""
    x: list[float | None] = []
    y: list[float | None] = []
    for offset in offsets.tolist():
        x += [-edge, edge, None, offset, offset, None]
        y += [offset, offset, None, -edge, edge, None]
    return {"x": x, "y": y}


def _ticks(offsets: np.ndarray) -> dict:
    """Ticks at both ends and the middle, no further lines: the grid is the figure's own."""
    ends = [float(offsets[0]), 0.0, float(offsets[-1])]
    return {
        "tickvals": ends,
        "ticktext": [f"{end:+.3g}" if end else "0" for end in ends],
        "showgrid": False,
        "zeroline": False,
    }
