"""A metric against the share of dimensions dropped, for three ways of choosing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.line_ends import add_line_ends, padded_range
from ldviz.figures.ribbon import add_ribbon
from ldviz.figures.theme import MASK_COLOURS, MASK_TITLES, NEUTRAL, apply_layout
from ldviz.metrics.measured import Measured

_SHORT = {"influence": "lowest", "random": "random", "highest": "highest", "none": "no mask"}


@dataclass(frozen=True)
class DropLine:
    """One mask's curve.

    Attributes:
        kind: of mask; chooses title and colour.
        values: (K,); ``nan`` where not available.
        low, high: (K,) ends of 95 % intervals; None where they are not shown.
        spread: (K,) standard deviation over random draws, or None.
    """

    kind: str
    values: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    spread: np.ndarray | None = None


def metric_by_fraction(
    fractions: np.ndarray,
    lines: list[DropLine],
    *,
    metric: str,
    level: float,
    paper_fraction: float,
    best: tuple[float, float] | None,
    current_fraction: float,
    current: Mapping[str, Measured],
    span: tuple[float, float] | None = None,
) -> go.Figure:
    """Curves over the drop fraction.

    Args:
        fractions: (K,) ascending, shares.
        lines: one per mask.
        metric: named on the axis.
        level: the metric with every dimension kept; ``nan`` leaves its line out.
        paper_fraction: marked as the paper's.
        best: fraction and value of the influence curve's maximum, or None.
        current_fraction: where ``current`` stands.
        current: kind of mask to the number with its interval.
        span: of the vertical axis; None for what the curves need.

    Returns:
        Ribbons, curves (points carry the fraction as customdata), the maximum as a star,
        and the current numbers with error bars.
    """
    figure = go.Figure()
    share = np.asarray(fractions)
    seen = [np.array([level])]
    for line in lines:
        seen.append(line.values)
        colour = MASK_COLOURS[line.kind]
        title = MASK_TITLES[line.kind]
        if line.spread is not None:
            edges = (line.values - line.spread, line.values + line.spread)
            seen += edges
            add_ribbon(figure, share, *edges, colour, f"{title}: ± 1 sd of the draws", 0.25)
        if line.low is not None and line.high is not None:
            seen += [line.low, line.high]
            add_ribbon(figure, share, line.low, line.high, colour, f"{title}: 95 %", 0.12)
        figure.add_trace(
            go.Scatter(
                x=share,
                y=line.values,
                mode="lines+markers",
                line={"color": colour, "width": 2.5},
                marker={"size": 5, "color": colour},
                name=title,
                customdata=share[:, None].tolist(),
                hovertemplate=f"{title}, %{{x:.0%}}: %{{y:.3f}}<extra></extra>",
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
            )
        )
    seen += [np.array(number.ci95) for number in current.values() if number.ci95]
    span = span or padded_range(np.concatenate([np.ravel(part) for part in seen]), pad=0.08)
    for kind, number in current.items():
        if number.value is not None:
            figure.add_trace(_whisker(kind, current_fraction, number))
    if best is not None and np.isfinite(best[1]):
        figure.add_trace(_star(best))
    if np.isfinite(level):
        figure.add_hline(y=level, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.add_vline(x=paper_fraction, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        x=paper_fraction,
        y=1,
        yref="paper",
        text=f"paper: {100 * paper_fraction:.0f} %",
        showarrow=False,
        xanchor="left",
        yanchor="top",
        xshift=4,
        font={"size": 12},
    )
    ends = [(_SHORT.get(line.kind, line.kind), float(line.values[-1])) for line in lines]
    add_line_ends(figure, float(share[-1]), [*ends, (_SHORT["none"], level)], span)
    figure.update_xaxes(
        title="Share of latent dimensions dropped",
        range=[-0.02, float(share[-1]) + 0.02],
        tickformat=".0%",
        zeroline=False,
    )
    figure.update_yaxes(title=metric, range=span, zeroline=False)
    apply_layout(figure, height=400, legend=False)
    figure.update_layout(margin={"l": 60, "r": 70, "t": 12, "b": 52})
    return figure


def _whisker(kind: str, fraction: float, number: Measured) -> go.Scatter:
    """The number at the current fraction, with its interval."""
    low, high = number.ci95 or (number.value, number.value)
    title = MASK_TITLES[kind]
    return go.Scatter(
        x=[0.0 if kind == "none" else fraction],
        y=[number.value],
        mode="markers",
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [high - number.value],
            "arrayminus": [number.value - low],
            "color": MASK_COLOURS[kind],
            "thickness": 2.5,
            "width": 5,
        },
        marker={"size": 11, "color": MASK_COLOURS[kind]},
        name=f"{title}: current",
        hovertemplate=(
            f"{title}: %{{y:.3f}}<br>95 % interval {low:.3f} to {high:.3f}<extra></extra>"
        ),
    )


def _star(best: tuple[float, float]) -> go.Scatter:
    """The influence curve's maximum, named for what it is."""
    return go.Scatter(
        x=[best[0]],
        y=[best[1]],
        mode="markers",
        marker={
            "symbol": "star",
            "size": 15,
            "color": MASK_COLOURS["influence"],
            "line": {"color": "white", "width": 1},
        },
        name="best, chosen after the fact",
        hovertemplate=(
            "Largest of the curve, chosen after the fact: %{y:.3f} at %{x:.0%}<extra></extra>"
        ),
    )
