"""The Overview's headline: every AUC of the story on one axis, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from ldviz.figures.theme import NEUTRAL, apply_layout
from ldviz.metrics.measured import Measured

CHANCE = 0.5


@dataclass(frozen=True)
class HeadlineRow:
    """One dot with its whiskers: a title, a colour, a number."""

    title: str
    colour: str
    number: Measured


def headline_aucs(groups: Sequence[tuple[str, Sequence[HeadlineRow]]]) -> go.Figure:
    """Dots and 95 % intervals, one group of rows under another, first row on top.

    Args:
        groups: a heading and its rows.  Numbers from the paper are drawn hollow; one that
            is not available leaves its row empty and says so.

    Returns:
        One trace per available number, a dashed line at chance.
    """
    figure = go.Figure()
    ticks: dict[float, str] = {}
    level = 0.0
    ends = [CHANCE]
    for heading, rows in groups:
        ticks[level] = f"<b>{heading}</b>"
        level -= 1.0
        for row in rows:
            ticks[level] = row.title
            if row.number.value is None:
                figure.add_annotation(x=CHANCE, y=level, text="not available", showarrow=False)
            else:
                ends += [row.number.value, *(row.number.ci95 or ())]
                figure.add_trace(_dot(row, level))
            level -= 1.0
        level -= 0.25
    low, high = min(ends), max(ends)
    pad = 0.06 * (high - low)
    figure.add_shape(
        type="line",
        x0=CHANCE,
        x1=CHANCE,
        y0=0,
        y1=1,
        yref="paper",
        line={"color": NEUTRAL, "width": 1, "dash": "dash"},
        layer="below",
    )
    figure.add_annotation(
        x=CHANCE,
        y=0,
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        text=" guessing",
        showarrow=False,
        font={"size": 11},
    )
    figure.update_xaxes(
        title="AUC with 95 % interval",
        range=[low - pad, high + pad],
        zeroline=False,
        fixedrange=True,
    )
    figure.update_yaxes(
        range=[level + 0.7, 0.6],
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    apply_layout(figure, height=round(70 - 34 * level), legend=False)
    figure.update_layout(margin={"l": 10, "r": 10, "t": 6, "b": 50}, dragmode=False)
    figure.update_yaxes(automargin=True)
    return figure


def _dot(row: HeadlineRow, level: float) -> go.Scatter:
    number = row.number
    low, high = number.ci95 or (number.value, number.value)
    from_paper = number.source == "paper"
    counts = (
        ""
        if number.n_member is None
        else f"<br>{number.n_member:,} members, {number.n_held_out:,} held-out"
    )
    return go.Scatter(
        x=[number.value],
        y=[level],
        mode="markers",
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - number.value],
            "arrayminus": [number.value - low],
            "color": row.colour,
            "thickness": 2.5,
            "width": 5,
        },
        marker={
            "size": 12,
            "color": row.colour,
            "symbol": "circle-open" if from_paper else "circle",
            "line": {"color": row.colour, "width": 2},
        },
        name=row.title,
        hovertemplate=(
            f"{row.title}: %{{x:.3f}}<br>95 % interval {low:.3f} to {high:.3f}{counts}"
            "<extra></extra>"
        ),
    )
