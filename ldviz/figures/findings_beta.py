"""How the leak changes with the strength of regularisation: small charts over beta."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from ldviz.figures.line_ends import padded_range
from ldviz.figures.theme import NEUTRAL, apply_layout
from ldviz.metrics.measured import Measured


def beta_line(
    betas: Sequence[float],
    numbers: Sequence[Measured],
    *,
    title: str,
    colour: str,
    reference: float | None = None,
    level: float | None = None,
) -> go.Figure:
    """One quantity over beta, with intervals.

    Args:
        betas: ascending, above zero; the axis is logarithmic.
        numbers: one each; those without a value leave a gap.
        title: of the axis.
        colour: of the line.
        reference: the beta that the model's epochs were chosen at; marked on the axis.
        level: drawn as a line: zero for differences, a half for AUC.

    Returns:
        One trace with error bars.
    """
    values = [number.value for number in numbers]
    ends = [number.ci95 or (number.value, number.value) for number in numbers]
    known = [end for pair in ends for end in pair if end is not None]
    span = padded_range([*known, *([] if level is None else [level])])
    figure = go.Figure(
        go.Scatter(
            x=list(betas),
            y=values,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 10, "color": colour},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [_gap(pair[1], value) for pair, value in zip(ends, values, strict=True)],
                "arrayminus": [
                    _gap(value, pair[0]) for pair, value in zip(ends, values, strict=True)
                ],
                "color": colour,
                "thickness": 2,
                "width": 5,
            },
            name=title,
            hovertemplate="β = %{x:g}: %{y:.3f}<extra></extra>",
        )
    )
    if level is not None:
        figure.add_hline(y=level, line={"color": NEUTRAL, "width": 1.5})
    figure.update_xaxes(
        title="β, weight of the KL term",
        type="log",
        tickvals=list(betas),
        ticktext=[
            f"<b>{beta:g}</b><br>reference" if beta == reference else f"{beta:g}" for beta in betas
        ],
        zeroline=False,
        fixedrange=True,
    )
    figure.update_yaxes(title=title, range=span, zeroline=False, fixedrange=True)
    apply_layout(figure, height=270, legend=False)
    figure.update_layout(margin={"l": 64, "r": 12, "t": 10, "b": 64}, dragmode=False)
    return figure


def _gap(high: float | None, low: float | None) -> float:
    return 0.0 if high is None or low is None else high - low
