"""Table 3 of the paper as a scatter: distortion against coarse and fine, a cut-off to drag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ldviz.figures.findings_scatter import thinned_rows
from ldviz.figures.theme import HELD_OUT, MEMBER, apply_layout

_POINTS = 400
_PANELS = ("Low frequencies", "High frequencies")


def frequency_scatter(
    cutoffs: Sequence[float],
    low: np.ndarray,
    high: np.ndarray,
    distortion: np.ndarray,
    is_member: np.ndarray,
    *,
    low_text: Sequence[str],
    high_text: Sequence[str],
    start: float,
    rank: int,
) -> go.Figure:
    """Two scatters and a slider that moves them while it is dragged, in the browser alone.

    Args:
        cutoffs: (K,) cycles per pixel.
        low, high: (K, n) mean log magnitude at or below, and above, each cut-off.
        distortion, is_member: (n,).
        low_text, high_text: (K,) r with its interval, over all n images, written above.
        start: the cut-off shown first.
        rank: of the distortion.

    Returns:
        Four traces, members and held-out of either panel, one frame per cut-off; points are
        thinned, axes stay as the slider moves.
    """
    rows = thinned_rows(len(distortion), _POINTS)
    parts = [rows[is_member[rows]], rows[~is_member[rows]]]
    first = int(np.argmin(np.abs(np.asarray(cutoffs) - start)))
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06)
    for panel in (1, 2):
        values = (low, high)[panel - 1]
        for inside, name, colour in zip(
            parts, ("members", "held-out"), (MEMBER, HELD_OUT), strict=True
        ):
            figure.add_trace(
                go.Scatter(
                    x=_rounded(values[first][inside]),
                    y=_rounded(distortion[inside]),
                    mode="markers",
                    marker={"size": 5, "color": colour, "opacity": 0.5},
                    name=name,
                    showlegend=panel == 1,
                    legendgroup=name,
                    hovertemplate=f"{name}: %{{x:.2f}}, %{{y:.2f}} nats<extra></extra>",
                ),
                row=1,
                col=panel,
            )
    texts = list(zip(low_text, high_text, strict=True))
    figure.frames = [
        go.Frame(
            name=f"{cutoff:g}",
            data=[go.Scatter(x=_rounded(band[k][part])) for band in (low, high) for part in parts],
            traces=[0, 1, 2, 3],
            layout={"annotations": _titles(texts[k])},
        )
        for k, cutoff in enumerate(cutoffs)
    ]
    apply_layout(figure, height=430)
    figure.update_layout(
        annotations=_titles(texts[first]),
        sliders=[_slider(cutoffs, first)],
        margin={"l": 60, "r": 12, "t": 74, "b": 116},
        legend={"y": 1.13},
    )
    for panel, values in ((1, low), (2, high)):
        shown = values[:, rows]
        pad = 0.04 * float(np.ptp(shown)) or 1.0
        figure.update_xaxes(
            title="Mean log magnitude",
            range=[float(shown.min()) - pad, float(shown.max()) + pad],
            zeroline=False,
            row=1,
            col=panel,
        )
    figure.update_yaxes(title=f"Local distortion, rank {rank} (nats)", zeroline=False, col=1)
    figure.update_yaxes(zeroline=False, col=2)
    return figure


def _titles(texts: tuple[str, str]) -> list[dict]:
    """What stands above the two panels."""
    return [
        {
            "text": f"<b>{title}</b>: r = {text}",
            "x": place,
            "xref": "paper",
            "y": 1.0,
            "yref": "paper",
            "yanchor": "bottom",
            "xanchor": "center",
            "showarrow": False,
            "font": {"size": 13},
        }
        for title, text, place in zip(_PANELS, texts, (0.235, 0.765), strict=True)
    ]


def _slider(cutoffs: Sequence[float], first: int) -> dict:
    now = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}
    return {
        "active": first,
        "pad": {"t": 58},
        "currentvalue": {"prefix": "Cut-off: ", "suffix": " cycles per pixel", "xanchor": "left"},
        "steps": [
            {
                "label": f"{cutoff:g}",
                "method": "animate",
                "args": [[f"{cutoff:g}"], {**now, "transition": {"duration": 0}}],
            }
            for cutoff in cutoffs
        ],
    }


def _rounded(values: np.ndarray) -> np.ndarray:
    """Three digits are a hundredth of a pixel on the screen, and a third of the bytes."""
    return np.round(values.astype(np.float64), 3)
