"""A metric against the timestep, by quartile of distortion: the paper's Fig. 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.line_ends import add_line_ends, padded_range
from ldviz.figures.ribbon import add_ribbon
from ldviz.figures.theme import NEUTRAL, apply_layout


@dataclass(frozen=True)
class TimestepLine:
    """One line of the figure.

    Attributes:
        title: in hover texts, such as "Highest quarter of distortion".
        short: at the line's end, such as "Q4".
        colour: "#rrggbb".
        values: (K,); ``nan`` where not available.
        low, high: (K,) ends of 95 % intervals; None where they are not shown.
        dash: of the line.
    """

    title: str
    short: str
    colour: str
    values: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    dash: str = "solid"


def metric_by_timestep(
    timesteps: Sequence[int],
    lines: Sequence[TimestepLine],
    *,
    metric: str,
    band: tuple[np.ndarray, np.ndarray] | None = None,
    band_title: str = "random groups",
    current: int | None = None,
    chance: float | None = None,
    span: tuple[float, float] | None = None,
) -> go.Figure:
    """Lines over timesteps, with the band that groups of their size reach by chance.

    Args:
        timesteps: (K,) ascending.
        lines: drawn in this order.
        metric: named on the axis.
        band: (mean, standard deviation) over random groups, each (K,).
        band_title: at the band's end and in its hover text.
        current: marked with a vertical line.
        chance: level of guessing, drawn where it falls into the range.
        span: of the vertical axis; None for what the lines need.

    Returns:
        The band first, then for each line its interval and its points, which carry the
        timestep as customdata.
    """
    figure = go.Figure()
    steps = np.asarray(timesteps)
    seen = [line.values for line in lines]
    seen += [end for line in lines for end in (line.low, line.high) if end is not None]
    ends: list[tuple[str, float]] = []
    if band is not None:
        mean, deviation = band
        seen += [mean - deviation, mean + deviation]
        add_ribbon(figure, steps, mean - deviation, mean + deviation, NEUTRAL, band_title, 0.22)
    span = span or padded_range(np.concatenate([np.ravel(part) for part in seen]))
    for line in lines:
        if line.low is not None and line.high is not None:
            name = f"{line.title}: 95 % interval"
            add_ribbon(figure, steps, line.low, line.high, line.colour, name, 0.1)
        figure.add_trace(
            go.Scatter(
                x=steps,
                y=line.values,
                mode="lines+markers",
                line={"color": line.colour, "width": 2.5, "dash": line.dash},
                marker={"size": 7, "color": line.colour},
                name=line.title,
                customdata=steps[:, None].tolist(),
                hovertemplate=f"{line.title}, t = %{{x}}: %{{y:.3f}}<extra></extra>",
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
            )
        )
        ends.append((line.short, float(line.values[-1])))
    add_line_ends(figure, float(steps[-1]), ends, span)
    if chance is not None and span[0] < chance < span[1]:
        figure.add_hline(y=chance, line={"color": NEUTRAL, "width": 1, "dash": "dash"})
    if current is not None:
        figure.add_vline(x=current, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    width = float(steps[-1] - steps[0]) or 1.0
    figure.update_xaxes(
        title="Timestep t",
        range=[steps[0] - 0.03 * width, steps[-1] + 0.03 * width],
        zeroline=False,
    )
    figure.update_yaxes(title=metric, range=span, zeroline=False)
    apply_layout(figure, height=400, legend=False)
    figure.update_layout(margin={"l": 60, "r": 60, "t": 12, "b": 52})
    return figure
