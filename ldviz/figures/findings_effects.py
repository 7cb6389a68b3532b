"""Effects with their intervals, ours and the paper's on one axis, told apart by shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from ldviz.figures.theme import NEUTRAL, apply_layout
from ldviz.metrics.measured import Measured

_ROW_PIXELS = 34


@dataclass(frozen=True)
class EffectRow:
    """One effect: whose, and how large.

    Attributes:
        title: of the study or of the paper's data set.
        number: a difference; without a value the row says so.
        detail: added to the hover text, such as attack and timestep.
    """

    title: str
    number: Measured
    detail: str = ""


def effect_dots(rows: Sequence[EffectRow], *, colour: str, axis: str) -> go.Figure:
    """Dots with 95 % intervals beside a line at zero; the paper's, hollow, below a rule.

    Args:
        rows: ours and the paper's in any order; each kind keeps its own.
        colour: of the effect.
        axis: title of the axis.

    Returns:
        One trace per available number: filled circles with whiskers computed here, open
        diamonds quoted from the paper, which gives no intervals.
    """
    figure = go.Figure()
    ours = [row for row in rows if row.number.source == "computed"]
    paper = [row for row in rows if row.number.source == "paper"]
    ticks: dict[float, str] = {}
    ends = [0.0]
    level = 0.0
    for row in ours:
        ends += _add_row(figure, row, level, colour)
        ticks[level] = row.title
        level -= 1.0
    if paper:
        figure.add_shape(
            type="line",
            x0=0,
            x1=1,
            xref="paper",
            y0=level + 0.25,
            y1=level + 0.25,
            line={"color": NEUTRAL, "width": 1, "dash": "dash"},
        )
        level -= 0.35
        ticks[level] = "<i><b>The paper's numbers</b></i>"
        level -= 1.0
    for row in paper:
        ends += _add_row(figure, row, level, colour)
        ticks[level] = f"<i>{row.title}</i>"
        level -= 1.0
    low, high = min(ends), max(ends)
    pad = 0.08 * (high - low) or 0.01
    figure.add_vline(x=0.0, line={"color": NEUTRAL, "width": 1.5})
    figure.update_xaxes(
        title=axis,
        range=[low - pad, high + pad],
        zeroline=False,
        tickformat="+.3~f",
        fixedrange=True,
    )
    figure.update_yaxes(
        range=[level + 0.4, 0.6],
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        automargin=True,
    )
    apply_layout(figure, height=round(76 - _ROW_PIXELS * level), legend=False)
    figure.update_layout(margin={"l": 10, "r": 10, "t": 6, "b": 52}, dragmode=False)
    return figure


def _add_row(figure: go.Figure, row: EffectRow, level: float, colour: str) -> list[float]:
    """Draw one row; returns what the axis has to hold."""
    number = row.number
    if number.value is None:
        figure.add_annotation(
            x=0.0, y=level, text="not available", showarrow=False, xanchor="left", xshift=6
        )
        return []
    from_paper = number.source == "paper"
    low, high = number.ci95 or (number.value, number.value)
    interval = "" if number.ci95 is None else f"<br>95 % interval {low:+.3f} to {high:+.3f}"
    detail = f"<br>{row.detail}" if row.detail else ""
    figure.add_trace(
        go.Scatter(
            x=[number.value],
            y=[level],
            mode="markers",
            error_x=None
            if number.ci95 is None
            else {
                "type": "data",
                "symmetric": False,
                "array": [high - number.value],
                "arrayminus": [number.value - low],
                "color": colour,
                "thickness": 2.5,
                "width": 5,
            },
            marker={
                "size": 12,
                "color": colour,
                "symbol": "diamond-open" if from_paper else "circle",
                "line": {"color": colour, "width": 2},
            },
            name=row.title,
            hovertemplate=f"{row.title}{' (the paper)' if from_paper else ''}: %{{x:+.3f}}"
            f"{interval}{detail}<extra></extra>",
        )
    )
    return [low, high]
