"""How far attacks agree, pair by pair, as a square of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import apply_layout

_COLOURS = [[0.0, "#f3e9dc"], [0.5, "#e0c1a1"], [1.0, "#c77c3a"]]
_CELL = 58


def agreement_matrix(
    titles: Sequence[str],
    values: np.ndarray,
    hover: Sequence[Sequence[str]],
    *,
    quantity: str,
    low: float = 0.0,
) -> go.Figure:
    """A square with one number per pair; the diagonal and what is not available stay empty.

    Args:
        titles: (k,) of the attacks, first on top.
        values: (k, k); ``nan`` = empty.
        hover: (k, k) texts.
        quantity: what the numbers are.
        low: the palest value; 1 is the strongest.
    """
    shown = np.array(values, dtype=np.float64)
    np.fill_diagonal(shown, np.nan)
    texts = [[_text(value) for value in row] for row in shown]
    figure = go.Figure(
        go.Heatmap(
            x=list(titles),
            y=list(titles),
            z=shown,
            text=texts,
            texttemplate="%{text}",
            textfont={"color": "#222222", "size": 14},
            customdata=np.array(hover, dtype=object)[..., None],
            hovertemplate="%{customdata[0]}<extra></extra>",
            colorscale=_COLOURS,
            zmin=low,
            zmax=1.0,
            xgap=3,
            ygap=3,
            showscale=False,
            hoverongaps=False,
            name=quantity,
        )
    )
    figure.update_xaxes(showgrid=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True, automargin=True)
    apply_layout(figure, height=76 + _CELL * len(titles), legend=False)
    figure.update_layout(margin={"l": 10, "r": 10, "t": 36, "b": 30}, dragmode=False)
    return figure


def _text(value: float) -> str:
    """Two digits; empty for what is not there, and no minus before a zero."""
    if np.isnan(value):
        return ""
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")
