"""The metric along the share dropped: does it matter which dimensions go?"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks.masks import NUM_RANDOM_DRAWS
from ldviz.figures.drop_curve import DropLine, metric_by_fraction
from ldviz.figures.theme import MASK_COLOURS, MASK_TITLES
from ldviz.metrics.measured import Measured
from ldviz.study.evidence import Timestep
from ldviz.study.evidence_masks import DROP_KINDS, PAPER_FRACTION, DropCurves
from ldviz.study.store import Study
from ldviz.ui.evidence import METRIC_TITLES, curves_at, fraction_at
from ldviz.ui.exports import measured_row, show_chart
from ldviz.ui.numbers import Tile, measured_text, sample_text, show_tiles, value_text
from ldviz.ui.state import change_view, current_view

_CHART, _SLIDER = "drop-chart", "drop-slider"


def show_drop(
    study: Study, attack: str, timestep: Timestep, vectors: np.ndarray, metric: str
) -> tuple[go.Figure, list[dict[str, Any]]]:
    """Draw the curves, the numbers at the current share, and what the best share is worth.

    Returns:
        The figure, and its numbers as flat rows.
    """
    view = current_view()
    curves = curves_at(study, attack, timestep, vectors, view.mask, view.positive)
    here = fraction_at(study, attack, timestep, vectors, view.mask, view.positive)
    _show_slider(view.mask.drop_fraction)
    with_intervals = st.toggle(
        "95 % intervals at every share", key="drop-intervals", persist_state="session"
    )
    measured = None
    if with_intervals:
        bar = st.progress(0.0, text="Resampling")
        measured = []
        for index, fraction in enumerate(curves.fractions):
            bar.progress(index / len(curves.fractions), text=f"Resampling, {100 * fraction:.0f} %")
            mask = view.mask.model_copy(update={"drop_fraction": float(fraction)})
            measured.append(fraction_at(study, attack, timestep, vectors, mask, view.positive))
        bar.empty()
    figure = metric_by_fraction(
        curves.fractions,
        [_line(curves, kind, metric, measured) for kind in DROP_KINDS],
        metric=METRIC_TITLES[metric],
        level=curves.level[metric],
        paper_fraction=PAPER_FRACTION,
        best=curves.best(metric),
        current_fraction=view.mask.drop_fraction,
        current={kind: here[kind][metric] for kind in ("none", *DROP_KINDS)},
    )
    show_chart(
        study,
        "masks",
        metric,
        figure,
        key=_CHART,
        on_select=_choose_fraction,
        selection_mode="points",
        alt=f"{METRIC_TITLES[metric]} against the share of latent dimensions dropped, for the "
        "lowest influence, at random and the highest influence.",
    )
    st.caption(
        "Look for the **gap between the curves**: as long as dropping the lowest influence costs "
        "less than dropping as many at random, what gives members away sits in the dimensions "
        f"the decoder reacts to. Random: mean of {NUM_RANDOM_DRAWS} draws ± 1 sd. Click a point "
        "to choose its share."
    )
    show_tiles(_tiles(here, metric))
    st.caption(f"{sample_text(here['none'][metric])}; differences are paired.")
    st.markdown(best_text(curves, metric, here))
    return figure, _rows(attack, timestep, curves, metric, measured, here)


def best_text(curves: DropCurves, metric: str, here: dict[str, dict[str, Measured]]) -> str:
    """What the curve's maximum is, named for how it was chosen."""
    fraction, value = curves.best(metric)
    title = METRIC_TITLES[metric]
    if not np.isfinite(value):
        return f"{title} is not available here: there are too few held-out images."
    gain = value_text(value - curves.level[metric], signed=True)
    level = measured_text(here["none"][metric])
    if fraction == 0:
        return f"No share dropped has a larger {title} than none at all: {level}."
    return (
        f"**Best share, chosen after the fact:** {title} {value_text(value)} with the lowest "
        f"{100 * fraction:.0f} % dropped, {gain} against no mask ({level}). It is the largest of "
        f"{len(curves.fractions)} shares on the same labels, so optimistic; the paper's "
        f"{100 * PAPER_FRACTION:.0f} % was fixed beforehand."
    )


def _show_slider(fraction: float) -> None:
    # The widget follows the view: a link, an undo or a click may have changed it.
    st.session_state[_SLIDER] = min(round(100 * fraction), 95)
    st.slider(
        "Share dropped",
        0,
        95,
        key=_SLIDER,
        format="%d %%",
        on_change=lambda: _set_fraction(st.session_state[_SLIDER] / 100),
    )


def _set_fraction(fraction: float) -> None:
    mask = current_view().mask
    change_view(mask=mask.model_copy(update={"drop_fraction": fraction}))


def _choose_fraction() -> None:
    """The clicked point's share becomes the current one."""
    points = st.session_state[_CHART].selection.points
    if points and points[0].get("customdata"):
        _set_fraction(float(points[0]["customdata"][0]))


def _line(
    curves: DropCurves,
    kind: str,
    metric: str,
    measured: list[dict[str, dict[str, Measured]]] | None,
) -> DropLine:
    low = high = None
    if measured is not None:
        ends = [entry[kind][metric].ci95 or (np.nan, np.nan) for entry in measured]
        low, high = np.array(ends, dtype=np.float64).T
    return DropLine(
        kind,
        curves.curve[kind][metric],
        low=low,
        high=high,
        spread=curves.spread[metric] if kind == "random" else None,
    )


def _tiles(here: dict[str, dict[str, Measured]], metric: str) -> list[Tile]:
    tiles = [Tile(MASK_TITLES["none"], here["none"][metric], colour=MASK_COLOURS["none"])]
    for kind in DROP_KINDS:
        difference = here[f"{kind}_minus_none"][metric]
        detail = f"{measured_text(difference, signed=True)} against no mask"
        tiles.append(
            Tile(MASK_TITLES[kind], here[kind][metric], colour=MASK_COLOURS[kind], detail=detail)
        )
    return tiles


def _rows(
    attack: str,
    timestep: Timestep,
    curves: DropCurves,
    metric: str,
    measured: list[dict[str, dict[str, Measured]]] | None,
    here: dict[str, dict[str, Measured]],
) -> list[dict[str, Any]]:
    """The curves as flat rows, with intervals where they were computed."""
    fraction_here = current_view().mask.drop_fraction
    rows = []
    for index, fraction in enumerate(curves.fractions):
        entry = measured[index] if measured else None
        if entry is None and abs(fraction - fraction_here) < 1e-6:
            entry = here
        for kind in DROP_KINDS:
            line = {
                "attack": attack,
                "timestep": timestep,
                "mask": kind,
                "drop_fraction": float(fraction),
                "num_dropped": int(curves.num_dropped[index]),
                "metric": metric,
                "value": float(curves.curve[kind][metric][index]),
            }
            rows.append(line if entry is None else line | measured_row(entry[kind][metric]))
    level = here["none"][metric]
    rows.append(
        {"attack": attack, "timestep": timestep, "mask": "none", "drop_fraction": 0.0}
        | {"num_dropped": 0, "metric": metric}
        | measured_row(level)
    )
    return rows
