"""Every sample by its local distortion and its score: where are the members that are found?"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.score_axis import ScoreAxis
from ldviz.figures.theme import HELD_OUT, MEMBER, NEUTRAL, apply_layout

MAX_POINTS = 5000
"""Points that a browser draws and drags a lasso over without delay."""

_WEBGL_ABOVE = 3000
"""Where the graphics card draws faster than the browser, its start counted in."""


def sample_scatter(
    distortion: np.ndarray,
    axis: ScoreAxis,
    is_member: np.ndarray,
    sample_ids: np.ndarray,
    *,
    rows: np.ndarray,
    rank: int,
    cuts: np.ndarray,
    selected: np.ndarray,
    current: int | None = None,
) -> go.Figure:
    """Local distortion across, membership score upwards; one trace per class.

    Args:
        distortion: (n,) nats.
        axis: places of the (n,) scores.
        is_member: (n,) bool.
        sample_ids: (n,); each point carries its own as customdata.
        rows: those that are drawn, see :func:`drawn_rows`.
        rank: of the distortion, named on the axis.
        cuts: the three cuts between quartiles.
        selected: (n,) bool, samples chosen; all False shows every point alike.
        current: row of the current image, or None.
    """
    figure = go.Figure()
    scatter = go.Scattergl if len(rows) > _WEBGL_ABOVE else go.Scatter
    for title, colour, symbol, drawn in (
        ("Members", MEMBER, "circle", rows[is_member[rows]]),
        ("Held-out", HELD_OUT, "diamond", rows[~is_member[rows]]),
    ):
        chosen = np.flatnonzero(selected[drawn])
        figure.add_trace(
            scatter(
                x=distortion[drawn],
                y=axis.places[drawn],
                mode="markers",
                marker={"size": 6, "color": colour, "symbol": symbol, "opacity": 0.7},
                name=title,
                customdata=sample_ids[drawn][:, None].tolist(),
                selectedpoints=chosen if selected.any() else None,
                selected={"marker": {"opacity": 0.95, "size": 9}},
                unselected={"marker": {"opacity": 0.15}},
                text=axis.texts(drawn),
                hovertemplate=(
                    f"Image %{{customdata[0]}}, {title.lower()}<br>distortion %{{x:.2f}} nats"
                    "<br>score %{text}<extra></extra>"
                ),
            )
        )
    for cut in cuts:
        figure.add_vline(x=float(cut), line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    if current is not None:
        figure.add_trace(
            go.Scatter(
                x=[distortion[current]],
                y=[axis.places[current]],
                mode="markers",
                marker={
                    "symbol": "circle-open",
                    "size": 17,
                    "color": "#F0E442",
                    "line": {"color": "#F0E442", "width": 3},
                },
                name="Current image",
                hoverinfo="skip",
            )
        )
    figure.update_xaxes(title=f"Local distortion, rank {rank} (nats)", zeroline=False)
    figure.update_yaxes(
        title=axis.title, tickvals=axis.ticks, ticktext=axis.tick_texts, zeroline=False
    )
    apply_layout(figure, height=460)
    figure.update_layout(
        dragmode="select",
        # The legend has its room; were it left to make some, all would be drawn twice.
        margin={"l": 70, "t": 36, "b": 116, "autoexpand": False},
        legend={"y": -0.22, "yanchor": "top"},
    )
    return figure


def drawn_rows(num_samples: int, always: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Rows to draw: all, or ``MAX_POINTS`` of them at random with those chosen among them.

    Args:
        num_samples: how many there are.
        always: rows that are drawn in any case.
        seed: of the choice.

    Returns:
        Ascending rows.
    """
    if num_samples <= MAX_POINTS:
        return np.arange(num_samples)
    shuffled = np.random.default_rng(seed).permutation(num_samples)
    kept = shuffled[: max(0, MAX_POINTS - len(always))]
    return np.union1d(kept, always)
