"""Names at the ends of lines, in place of a legend: read where the eye already is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.violin_density import spread_out

_LINE_SHARE = 0.062  # height of a label, as a share of the axis


def add_line_ends(
    figure: go.Figure, x: float, ends: Sequence[tuple[str, float]], y_range: tuple[float, float]
) -> None:
    """Write each line's name right of its last point, labels pushed apart where they crowd.

    Args:
        figure: changed in place.
        x: of the last points.
        ends: (name, y of the last point); those that are not finite are left out.
        y_range: of the axis.
    """
    known = sorted((y, name) for name, y in ends if np.isfinite(y))
    if not known:
        return
    low, high = y_range
    width = _LINE_SHARE * (high - low)
    wanted = np.array([y for y, _ in known])
    places = spread_out(np.clip(wanted, low, high), width, low, high)
    for (_, name), place in zip(known, places, strict=True):
        figure.add_annotation(
            x=x,
            y=float(place),
            text=name,
            showarrow=False,
            xanchor="left",
            xshift=8,
            yanchor="middle",
            font={"size": 12},
        )


def padded_range(values: Sequence[float] | np.ndarray, *, pad: float = 0.06) -> tuple[float, float]:
    """The range that holds all finite values, with room above and below."""
    finite = np.asarray(values, dtype=np.float64).ravel()
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = pad * (high - low) or 0.02
    return low - room, high + room
