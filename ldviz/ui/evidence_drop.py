"""The metric along the share dropped: does it matter which dimensions go?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks.masks import NUM_RANDOM_DRAWS, MaskSpec
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

DROP_READING = (
    "Look for the **gap between the curves**: as long as dropping the lowest influence costs "
    "less than dropping as many at random, what gives members away sits in the dimensions "
    f"the decoder reacts to. Random: mean of {NUM_RANDOM_DRAWS} draws ± 1 sd."
)
_CHART, _SLIDER = "drop-chart", "drop-slider"


@dataclass(frozen=True)
class DropEvidence:
    """A study's numbers along the share dropped.

    Attributes:
        curves: without intervals, at every share.
        here: with intervals, at the current share.
        measured: with intervals, at every share; None where they are not asked for.
        mask: whose share is the current one.
    """

    curves: DropCurves
    here: dict[str, dict[str, Measured]]
    measured: list[dict[str, dict[str, Measured]]] | None
    mask: MaskSpec


def show_drop(
    study: Study, attack: str, timestep: Timestep, vectors: np.ndarray, metric: str
) -> tuple[go.Figure, list[dict[str, Any]]]:
    """Draw the curves, the numbers at the current share, and what the best share is worth.

    Returns:
        The figure, and its numbers as flat rows.
    """
    mask = current_view().mask
    with_intervals = show_drop_controls()
    evidence = drop_evidence(study, attack, timestep, vectors, mask, with_intervals)
    figure = drop_figure(evidence, metric)
    show_drop_chart(study, figure, metric)
    st.caption(f"{DROP_READING} Click a point to choose its share.")
    show_tiles(_tiles(evidence.here, metric))
    st.caption(f"{sample_text(evidence.here['none'][metric])}; differences are paired.")
    st.markdown(best_text(evidence.curves, metric, evidence.here))
    return figure, drop_rows(attack, timestep, evidence, metric)


def show_drop_controls() -> bool:
    """The slider of the share; whether to resample at every share."""
    _show_slider(current_view().mask.drop_fraction)
    return st.toggle("95 % intervals at every share", key="drop-intervals", persist_state="session")


def drop_evidence(
    study: Study,
    attack: str,
    timestep: Timestep,
    vectors: np.ndarray,
    mask: MaskSpec,
    with_intervals: bool,
) -> DropEvidence:
    """The numbers along the share dropped; a bar shows how far the resampling is."""
    positive = current_view().positive
    curves = curves_at(study, attack, timestep, vectors, mask, positive)
    here = fraction_at(study, attack, timestep, vectors, mask, positive)
    if not with_intervals:
        return DropEvidence(curves, here, None, mask)
    bar = st.progress(0.0, text="Resampling")
    measured = []
    for index, fraction in enumerate(curves.fractions):
        bar.progress(index / len(curves.fractions), text=f"Resampling, {100 * fraction:.0f} %")
        other = mask.model_copy(update={"drop_fraction": float(fraction)})
        measured.append(fraction_at(study, attack, timestep, vectors, other, positive))
    bar.empty()
    return DropEvidence(curves, here, measured, mask)


def drop_figure(
    evidence: DropEvidence, metric: str, *, span: tuple[float, float] | None = None
) -> go.Figure:
    """The figure; ``span`` fixes its vertical axis."""
    curves, here = evidence.curves, evidence.here
    return metric_by_fraction(
        curves.fractions,
        [_line(curves, kind, metric, evidence.measured) for kind in DROP_KINDS],
        metric=METRIC_TITLES[metric],
        level=curves.level[metric],
        paper_fraction=PAPER_FRACTION,
        best=curves.best(metric),
        current_fraction=evidence.mask.drop_fraction,
        current={kind: here[kind][metric] for kind in ("none", *DROP_KINDS)},
        span=span,
    )


def show_drop_chart(study: Study, figure: go.Figure, metric: str, *, key: str = _CHART) -> None:
    """Draw the figure; a click on a point chooses its share."""
    show_chart(
        study,
        "masks",
        metric,
        figure,
        key=key,
        on_select=partial(_choose_fraction, key),
        selection_mode="points",
        alt=f"{METRIC_TITLES[metric]} against the share of latent dimensions dropped, for the "
        "lowest influence, at random and the highest influence.",
    )


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


def _choose_fraction(key: str) -> None:
    """The clicked point's share becomes the current one."""
    points = st.session_state[key].selection.points
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


def drop_rows(
    attack: str, timestep: Timestep, evidence: DropEvidence, metric: str
) -> list[dict[str, Any]]:
    """The curves as flat rows, with intervals where they were computed."""
    curves, measured, here = evidence.curves, evidence.measured, evidence.here
    fraction_here = evidence.mask.drop_fraction
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
