"""The metric along the timesteps, whole and by quartile: the paper's Fig. 3 of this study."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.figures.auc_timestep import TimestepLine, metric_by_timestep
from ldviz.figures.theme import NEUTRAL, QUARTILE_COLOURS
from ldviz.metrics.measured import Measured
from ldviz.study.evidence import (
    NUM_GROUPS,
    Timestep,
    TimestepPoint,
    check_both_classes,
    random_band_of,
    timesteps_at_hand,
    usable_timesteps,
)
from ldviz.study.store import Study
from ldviz.ui.evidence import METRIC_CHANCE, METRIC_TITLES, parts_at, point_at
from ldviz.ui.evidence_jobs import show_compute
from ldviz.ui.exports import measured_row, show_chart
from ldviz.ui.numbers import Tile, sample_text, show_tiles
from ldviz.ui.state import change_view, current_view

PART_TITLES = (
    "All images",
    "Lowest quarter",
    "Second quarter",
    "Third quarter",
    "Highest quarter",
)
_SHORT = ("all", "Q1", "Q2", "Q3", "Q4")
_COLOURS = (NEUTRAL, *QUARTILE_COLOURS)
_CHART = "timesteps-chart"


@dataclass(frozen=True)
class TimestepEvidence:
    """A study's numbers along the timesteps.

    Attributes:
        steps: (K,) ascending.
        points: (K,) without intervals.
        measured: (K,) with intervals, whole and quartiles; None where they are not asked for.
    """

    steps: tuple[Timestep, ...]
    points: list[TimestepPoint]
    measured: list[list[dict[str, Measured]]] | None

    def values(self, metric: str) -> np.ndarray:
        """(5, K) whole, then the quartiles; ``nan`` where not available."""
        rows = [[point.whole[metric], *point.quartile[metric]] for point in self.points]
        return np.array(rows, dtype=np.float64).T

    def rows(self, attack: str, metric: str) -> list[dict[str, Any]]:
        """The numbers drawn, as flat rows."""
        if self.measured:
            return [
                row
                for step, parts in zip(self.steps, self.measured, strict=True)
                for row in part_rows(attack, step, parts)
            ]
        return [
            {
                "attack": attack,
                "timestep": step,
                "part": title,
                "metric": metric,
                "value": float(value),
            }
            for step, column in zip(self.steps, self.values(metric).T, strict=True)
            for title, value in zip(PART_TITLES, column, strict=True)
        ]


def show_timesteps(
    study: Study, attack: str, timestep: Timestep, metric: str
) -> tuple[go.Figure | None, list[dict[str, Any]]]:
    """Draw the figure and the numbers at the current timestep.

    Returns:
        The figure, or None where the attack has no timestep axis or nothing is at hand,
        and the numbers as flat rows.

    Raises:
        InputError: if all samples are of one class.
    """
    check_both_classes(study)
    positive = current_view().positive
    steps = timesteps_at_hand(study, attack)
    figure, rows = None, []
    if not get_attack(attack).has_timesteps:
        st.caption(no_axis_text(attack))
    elif steps:
        evidence = timestep_evidence(study, attack, steps, show_interval_choice())
        figure, rows = timestep_figure(evidence, timestep, metric), evidence.rows(attack, metric)
        show_timestep_chart(study, figure, metric, len(steps))
        reading = timestep_reading(study.manifest.geometry.rank)
        st.caption(f"{reading} Click a point to look at its timestep.")
    show_missing_timesteps(study, attack, steps)
    if timestep in steps:
        parts = parts_at(study, attack, timestep, positive)
        show_tiles(_tiles(parts, metric))
        at = "" if timestep is None else f" at t = {timestep}"
        st.caption(
            f"{METRIC_TITLES[metric]}{at} without a mask. Over all images: "
            f"{sample_text(parts[0][metric])}. Quarters of local distortion are cut "
            "over members and held-out images together; point at a number for its counts."
        )
        rows = [row for row in rows if row["timestep"] != timestep]
        rows += part_rows(attack, timestep, parts)
    return figure, rows


def part_rows(
    attack: str, timestep: Timestep, parts: list[dict[str, Measured]]
) -> list[dict[str, Any]]:
    """Numbers of one timestep as flat rows, one per part and metric."""
    return [
        {"attack": attack, "timestep": timestep, "part": title, "metric": key}
        | measured_row(part[key])
        for title, part in zip(PART_TITLES, parts, strict=True)
        for key in METRIC_TITLES
    ]


def no_axis_text(attack: str) -> str:
    """What to say of an attack without timesteps."""
    return f"{get_attack(attack).title} has no timestep axis: it has one number per part."


def show_interval_choice() -> bool:
    """Whether to resample at every timestep."""
    return st.toggle(
        "95 % intervals at every timestep", key="timesteps-intervals", persist_state="session"
    )


def timestep_evidence(
    study: Study, attack: str, steps: tuple[Timestep, ...], with_intervals: bool
) -> TimestepEvidence:
    """The numbers at timesteps at hand; a bar shows how far the resampling is."""
    positive = current_view().positive
    points = [point_at(study, attack, step, positive) for step in steps]
    if not with_intervals:
        return TimestepEvidence(steps, points, None)
    bar = st.progress(0.0, text="Resampling")
    measured = []
    for index, step in enumerate(steps):
        bar.progress(index / len(steps), text=f"Resampling, t = {step}")
        measured.append(parts_at(study, attack, step, positive))
    bar.empty()
    return TimestepEvidence(steps, points, measured)


def timestep_figure(
    evidence: TimestepEvidence,
    timestep: Timestep,
    metric: str,
    *,
    span: tuple[float, float] | None = None,
) -> go.Figure:
    """The figure; ``span`` fixes its vertical axis."""
    measured = evidence.measured
    lines = [
        TimestepLine(
            title,
            short,
            colour,
            row,
            *(_ends(measured, index, metric) if measured else (None, None)),
            dash="dash" if index == 0 else "solid",
        )
        for index, (title, short, colour, row) in enumerate(
            zip(PART_TITLES, _SHORT, _COLOURS, evidence.values(metric), strict=True)
        )
    ]
    return metric_by_timestep(
        evidence.steps,
        lines,
        metric=METRIC_TITLES[metric],
        band=random_band_of(evidence.points, metric),
        current=timestep,
        chance=METRIC_CHANCE[metric],
        span=span,
    )


def show_timestep_chart(
    study: Study,
    figure: go.Figure,
    metric: str,
    num_timesteps: int,
    *,
    key: str = _CHART,
    selectable: bool = True,
) -> None:
    """Draw the figure; a click on a point chooses its timestep, where that is ``selectable``."""
    show_chart(
        study,
        "timesteps",
        metric,
        figure,
        key=key,
        on_select=partial(_choose_timestep, key) if selectable else "ignore",
        selection_mode="points",
        alt=f"{METRIC_TITLES[metric]} against the timestep, over all images and by quarter of "
        f"local distortion, at {num_timesteps} timesteps.",
    )


def timestep_reading(*ranks: int) -> str:
    """What to look for in the figure, by local distortion of these ranks."""
    shown = " and ".join(str(rank) for rank in dict.fromkeys(ranks))
    return (
        f"Look for **Q4 above the grey band and Q1 below it**: the band is what random groups of "
        f"a quarter's size reach (mean ± 1 sd of {NUM_GROUPS}), so lines outside it follow local "
        f"distortion (rank {shown}), not chance."
    )


def _ends(
    measured: list[list[dict[str, Measured]]], part: int, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of one part's intervals over the timesteps."""
    intervals = [parts[part][metric].ci95 or (np.nan, np.nan) for parts in measured]
    low, high = np.array(intervals, dtype=np.float64).T
    return low, high


def _tiles(parts: list[dict[str, Measured]], metric: str) -> list[Tile]:
    return [
        Tile(title, part[metric], colour=colour)
        for title, part, colour in zip(PART_TITLES, parts, _COLOURS, strict=True)
    ]


def show_missing_timesteps(
    study: Study, attack: str, steps: tuple[Timestep, ...], *, key: str = "timesteps-compute"
) -> None:
    """Offer the timesteps that the attack's paper probes and that are not at hand."""
    wanted = usable_timesteps(study, attack) or (None,)
    missing = [(attack, step) for step in wanted if step not in steps]
    count = f"{len(missing)} more timesteps" if len(missing) > 1 else "the missing one"
    show_compute(
        study,
        missing,
        key=key,
        label=f"Compute {count}",
        help="Runs the real model in the background; what is finished is kept on disk.",
    )


def _choose_timestep(key: str) -> None:
    """The clicked point's timestep becomes the current one."""
    points = st.session_state[key].selection.points
    if points and points[0].get("customdata"):
        change_view(timestep=int(points[0]["customdata"][0]))
