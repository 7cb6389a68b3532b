"""Timesteps & masks of two studies: the same figures on the same axes, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.attacks.masks import MaskSpec
from ldviz.figures.theme import MASK_TITLES
from ldviz.study.evidence import (
    Timestep,
    check_both_classes,
    timesteps_at_hand,
    unmasked_scores,
)
from ldviz.study.evidence_masks import DROP_KINDS
from ldviz.study.pair import Pair, counterpart, counterpart_mask
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study
from ldviz.ui.compare import LETTERS, common_range, independent, show_differences, side_by_side
from ldviz.ui.evidence import METRIC_TITLES, choice_at, parts_at
from ldviz.ui.evidence_choice import choice_rows, chosen_text
from ldviz.ui.evidence_drop import (
    DROP_READING,
    best_text,
    drop_evidence,
    drop_figure,
    drop_rows,
    show_drop_chart,
    show_drop_controls,
)
from ldviz.ui.evidence_jobs import show_not_at_hand
from ldviz.ui.evidence_timesteps import (
    PART_TITLES,
    no_axis_text,
    part_rows,
    show_interval_choice,
    show_missing_timesteps,
    show_timestep_chart,
    timestep_evidence,
    timestep_figure,
    timestep_reading,
)
from ldviz.ui.exports import ExportTable, Row
from ldviz.ui.live import wait_for_vectors
from ldviz.ui.pair_scores import both_rows, difference_rows, score_difference
from ldviz.ui.state import current_view

_CHARTS = ("timesteps-chart", "timesteps-chart/other")
_DROP_CHARTS = ("drop-chart", "drop-chart/other")
_COMPUTE = ("timesteps-compute", "timesteps-compute/other")


@dataclass
class PairParts:
    """What the page has drawn of two studies, for export."""

    figures: dict[str, go.Figure] = field(default_factory=dict)
    tables: list[ExportTable] = field(default_factory=list)

    def add(self, title: str, rows: Sequence[Row]) -> None:
        """Keep a table, unless it is empty."""
        if rows:
            self.tables.append(ExportTable(title, rows))


def show_two_timesteps(
    pair: Pair, attack: str, timestep: Timestep, metric: str, parts: PairParts
) -> None:
    """The metric along the timesteps at hand, and every part's difference at the current one.

    Raises:
        InputError: if all samples of a study are of one class.
    """
    for study in pair.studies:
        check_both_classes(study)
    steps = [steps_of(study, attack) for study in pair.studies]
    has_axis = get_attack(attack).has_timesteps
    figures: list[go.Figure | None] = [None, None]
    if not has_axis:
        st.caption(no_axis_text(attack))
    elif any(steps):
        figures = _drawn_timesteps(pair, attack, timestep, metric, steps, parts)
    for index, (column, study) in enumerate(side_by_side(pair, key="timesteps")):
        with column:
            if figures[index] is not None:
                every = set(steps[index]) <= set(steps[0])
                show_timestep_chart(
                    study,
                    figures[index],
                    metric,
                    len(steps[index]),
                    key=_CHARTS[index],
                    selectable=every,
                )
            elif study.manifest.model.num_train_timesteps == 0:
                st.info(counterpart(study, attack, timestep).note, icon=":material/info:")
            if study.manifest.model.num_train_timesteps:
                show_missing_timesteps(study, attack, steps[index], key=_COMPUTE[index])
    if any(figures):
        ranks = [study.manifest.geometry.rank for study in pair.studies]
        st.caption(f"{timestep_reading(*ranks)} Click a point to look at its timestep.")
    _show_part_differences(pair, attack, timestep, metric, steps, parts)


def show_two_choices(pair: Pair, attack: str, metric: str, parts: PairParts) -> None:
    """The honest and the optimistic number of both studies."""
    steps = [steps_of(study, attack) for study in pair.studies]
    if min(len(own) for own in steps) < 2:
        st.caption("With fewer than two timesteps at hand in each there is nothing to choose.")
        return
    positive = current_view().positive
    first, second = (
        choice_at(study, attack, own, positive)
        for study, own in zip(pair.studies, steps, strict=True)
    )
    title = METRIC_TITLES[metric]
    rows = [
        independent(
            f"Honest {title}",
            first.honest[metric],
            second.honest[metric],
            detail=f"A: {chosen_text(first)}; B: {chosen_text(second)}",
        ),
        independent(
            f"Optimistic {title}",
            first.optimistic[metric],
            second.optimistic[metric],
            detail=f"A: t = {first.best}, of {first.num_timesteps}; "
            f"B: t = {second.best}, of {second.num_timesteps}",
        ),
    ]
    show_differences(
        pair,
        rows,
        note="Honest: t chosen on one half of the images and scored on the other; optimistic: the "
        "best on the same labels. It is chosen by the unmasked AUC, in each study for itself.",
    )
    parts.add(
        "Choice of the timestep",
        both_rows(pair, [choice_rows(attack, one) for one in (first, second)]),
    )


def show_two_drops(
    pair: Pair, attack: str, timestep: Timestep, metric: str, parts: PairParts
) -> None:
    """The metric along the share dropped, and every mask's difference at the current share."""
    vectors = wait_for_vectors(pair.first, attack, timestep)
    if vectors is None:
        return
    beside = counterpart(pair.second, attack, timestep)
    mask = current_view().mask
    mask_beside, mask_note = counterpart_mask(pair, mask)
    with_intervals = show_drop_controls()
    given = [(pair.first, timestep, vectors, mask)]
    if beside.vectors is not None:
        given.append((pair.second, beside.timestep, beside.vectors, mask_beside))
    found = [drop_evidence(study, attack, *rest, with_intervals) for study, *rest in given]
    drawn = [drop_figure(one, metric) for one in found]
    span = common_range(*(figure.layout.yaxis.range for figure in drawn), pad=0.0)
    drawn = [drop_figure(one, metric, span=span) for one in found]
    notes = " ".join(text for text in (beside.note, mask_note) if text)
    if notes and len(found) == 2:
        st.caption(notes)
    for index, (column, study) in enumerate(side_by_side(pair, key="drops", brief=True)):
        with column:
            if index < len(found):
                show_drop_chart(study, drawn[index], metric, key=_DROP_CHARTS[index])
                st.markdown(best_text(found[index].curves, metric, found[index].here))
            else:
                show_not_at_hand(study, attack, beside, key="drop-compute/other")
    st.caption(f"{DROP_READING} Click a point to choose its share, in both.")
    for letter, figure in zip(LETTERS, drawn, strict=False):
        parts.figures[f"{letter} {METRIC_TITLES[metric]} by share dropped"] = figure
    if len(found) < 2:
        parts.add("Numbers by share dropped", drop_rows(attack, timestep, found[0], metric))
        return
    parts.add(
        "Numbers by share dropped",
        both_rows(
            pair,
            [
                drop_rows(attack, own, one, metric)
                for own, one in zip((timestep, beside.timestep), found, strict=True)
            ],
        ),
    )
    masks = (mask, mask_beside)
    rows = [
        score_difference(
            pair,
            MASK_TITLES[kind],
            tuple(one.here[kind][metric] for one in found),
            metric,
            key=(attack, timestep, beside.timestep, kind, *(own.to_text() for own in masks)),
            positive=current_view().positive,
            scores=partial(_masked_scores, pair, attack, (vectors, beside.vectors), masks, kind),
            detail=METRIC_TITLES[metric],
        )
        for kind in ("none", *DROP_KINDS)
    ]
    rows += [
        independent(
            f"{MASK_TITLES[kind]}, change",
            *(one.here[f"{kind}_minus_none"][metric] for one in found),
            detail=f"{METRIC_TITLES[metric]} against no mask",
            signed=True,
        )
        for kind in DROP_KINDS
    ]
    share = f"{100 * mask.drop_fraction:.0f} % of each study's latent dimensions dropped."
    show_differences(pair, rows, note=share)
    parts.add("Differences by mask", difference_rows(pair, rows))


def steps_of(study: Study, attack: str) -> tuple[Timestep, ...]:
    """Timesteps at hand; none for an autoencoder without a denoiser."""
    if study.manifest.model.num_train_timesteps == 0:
        return ()
    return timesteps_at_hand(study, attack)


def _drawn_timesteps(
    pair: Pair,
    attack: str,
    timestep: Timestep,
    metric: str,
    steps: list[tuple[Timestep, ...]],
    parts: PairParts,
) -> list[go.Figure | None]:
    """Both figures on the same axes; None for a study with no timestep at hand."""
    with_intervals = show_interval_choice()
    found = [
        timestep_evidence(study, attack, own, with_intervals) if own else None
        for study, own in zip(pair.studies, steps, strict=True)
    ]
    alone = [timestep_figure(one, timestep, metric) for one in found if one]
    spans = {
        axis: common_range(*(figure.layout[axis].range for figure in alone), pad=0.0)
        for axis in ("xaxis", "yaxis")
    }
    figures = []
    for one in found:
        figure = one and timestep_figure(one, timestep, metric, span=spans["yaxis"])
        if figure:
            figure.update_xaxes(range=spans["xaxis"])
        figures.append(figure)
    for letter, figure in zip(LETTERS, figures, strict=True):
        if figure is not None:
            parts.figures[f"{letter} {METRIC_TITLES[metric]} by timestep"] = figure
    parts.add(
        "Numbers by timestep",
        both_rows(pair, [one.rows(attack, metric) if one else [] for one in found]),
    )
    return figures


def _show_part_differences(
    pair: Pair,
    attack: str,
    timestep: Timestep,
    metric: str,
    steps: list[tuple[Timestep, ...]],
    parts: PairParts,
) -> None:
    """The table of the whole and of the quarters at the current timestep."""
    if timestep not in steps[0] or not steps[1]:
        return
    note = "Quarters are cut in each study by its own local distortion."
    beside = timestep
    if timestep not in steps[1]:
        beside = min(steps[1], key=lambda step: abs(step - timestep))
        note += (
            f" {get_attack(attack).title} at t = {timestep} is not at hand in "
            f"{pair.second.title}; B is taken at the nearest, t = {beside}."
        )
    at = (timestep, beside)
    positive = current_view().positive
    numbers = [
        parts_at(study, attack, own, positive) for study, own in zip(pair.studies, at, strict=True)
    ]
    where = METRIC_TITLES[metric] + ("" if timestep is None else f" at t = {timestep}")
    rows = [
        score_difference(
            pair,
            PART_TITLES[0],
            (numbers[0][0][metric], numbers[1][0][metric]),
            metric,
            key=(attack, *at, "none"),
            positive=positive,
            scores=lambda: tuple(
                unmasked_scores(study, attack, own)
                for study, own in zip(pair.studies, at, strict=True)
            ),
            detail=where,
        ),
        *(
            independent(title, first[metric], second[metric])
            for title, first, second in zip(
                PART_TITLES[1:], *(one[1:] for one in numbers), strict=True
            )
        ),
    ]
    show_differences(pair, rows, note=note)
    parts.add("Differences by quarter", difference_rows(pair, rows))
    parts.add(
        "Numbers at the timestep",
        both_rows(
            pair,
            [part_rows(attack, own, one) for own, one in zip(at, numbers, strict=True)],
        ),
    )


def _masked_scores(
    pair: Pair, attack: str, vectors: tuple, masks: tuple[MaskSpec, MaskSpec], kind: str
) -> tuple:
    """Scores of both studies under one kind of mask."""
    return tuple(
        membership_scores(
            study,
            score_values(own, attack),
            MaskSpec(kind="none") if kind == "none" else mask.model_copy(update={"kind": kind}),
        )
        for study, own, mask in zip(pair.studies, vectors, masks, strict=True)
    )
