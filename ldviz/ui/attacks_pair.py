"""Attacks compared in two studies: both tables, both squares, and how they differ."""

from __future__ import annotations

from functools import partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks import attack_names, get_attack
from ldviz.attacks.masks import MaskSpec
from ldviz.figures.theme import MASK_TITLES
from ldviz.study.evidence import Timestep
from ldviz.study.evidence_agreement import PairAgreement
from ldviz.study.evidence_attacks import Comparison, compare_best, compare_near, table_scores
from ldviz.study.pair import Pair, counterpart, counterpart_mask
from ldviz.ui.compare import LETTERS, Difference, independent, show_differences, side_by_side
from ldviz.ui.evidence import METRIC_TITLES, agreements_at, show_metric_choice
from ldviz.ui.evidence_blocks import TABLE_READING, blocks_note, blocks_of, show_missing
from ldviz.ui.evidence_pairs import (
    PAIR_INTERVALS,
    PAIR_READINGS,
    pair_figures,
    pair_rows,
    show_pair_figure,
)
from ldviz.ui.evidence_table import AttackBlock, show_table, table_rows
from ldviz.ui.exports import ExportTable, PageExport
from ldviz.ui.pair_scores import both_rows, difference_rows, score_difference
from ldviz.ui.state import current_view

_COMPUTE = ("compare-compute", "compare-compute/other")


def show_two_attacks(pair: Pair, comparison: Comparison) -> PageExport:
    """Both studies; what the page offers for export.

    Args:
        pair: the studies.
        comparison: where the attacks are scored in the first.
    """
    view = current_view()
    mask, mask_note = counterpart_mask(pair, view.mask)
    masks = (view.mask, mask)
    both = (comparison, _beside(pair, comparison, mask))
    blocks = [
        blocks_of(study, one, own)
        for study, one, own in zip(pair.studies, both, masks, strict=True)
    ]
    st.subheader("How they differ", anchor=False)
    metric = show_metric_choice("compare-metric")
    rows = _differences(pair, blocks, masks, metric)
    if rows:
        note = f"{_timesteps_note(pair, both)} {mask_note}".strip()
        show_differences(pair, rows, note=note)
    else:
        st.caption("No attack is at hand in both studies.")

    st.subheader("Attacks and masks", anchor=False)
    for index, (column, study) in enumerate(side_by_side(pair, key="attacks")):
        with column:
            if study.manifest.model.num_train_timesteps == 0:
                st.info(counterpart(study, study.default_attack or "sima", None).note)
                continue
            if blocks[index]:
                show_table(blocks[index])
                st.caption(f"{blocks_note(study, both[index])}.")
            show_missing(study, both[index], key=_COMPUTE[index])
    st.caption(TABLE_READING)

    st.subheader("Do they find the same members?", anchor=False)
    figures, pairs, differences = _show_pairs(pair, both)
    settings: dict[str, Any] = {
        "drop_fraction": view.mask.drop_fraction,
        "positive": view.positive,
        "optimistic": comparison.optimistic,
    }
    tables = [
        ExportTable("Differences", difference_rows(pair, rows)),
        ExportTable(
            "Attacks and masks",
            lambda: both_rows(pair, [table_rows(own, settings) for own in blocks]),
        ),
        ExportTable("Pairs of attacks", both_rows(pair, pairs)),
        ExportTable("Differences of pairs", difference_rows(pair, differences)),
    ]
    return PageExport(page="attacks", figures=figures, tables=tables, settings=settings)


def _beside(pair: Pair, comparison: Comparison, mask: MaskSpec) -> Comparison:
    """Where the attacks are scored in the second study."""
    if pair.second.manifest.model.num_train_timesteps == 0:
        return Comparison({}, {}, {}, comparison.optimistic)
    if comparison.optimistic:
        return compare_best(pair.second, mask)
    wanted = comparison.at | comparison.missing
    in_order = {name: wanted[name] for name in attack_names() if name in wanted}
    return compare_near(pair.second, in_order, mask)


def _timesteps_note(pair: Pair, both: tuple[Comparison, Comparison]) -> str:
    """Which attacks are scored at another timestep in the second study, and why."""
    if both[0].optimistic:
        return "Each attack stands at its own best timestep in each study: optimistic in both."
    moved = [
        f"{get_attack(name).title} at t = {step} (A: t = {both[0].at[name]})"
        for name, step in both[1].at.items()
        if name in both[0].at and both[0].at[name] != step
    ]
    if not moved:
        return ""
    return (
        f"Not at hand in {pair.second.title} at A's timestep, so B is taken at the nearest: "
        f"{', '.join(moved)}."
    )


def _differences(
    pair: Pair, blocks: list[list[AttackBlock]], masks: tuple, metric: str
) -> list[Difference]:
    """Of every attack in both: without a mask, and what the mask changes."""
    found = {block.name: block for block in blocks[1]}
    positive = current_view().positive
    rows = []
    for first in blocks[0]:
        second = found.get(first.name)
        if second is None:
            continue
        tables = (first.table, second.table)
        at = (first.timestep, second.timestep)
        rows.append(
            score_difference(
                pair,
                first.title,
                tuple(table.metrics["none"][metric] for table in tables),
                metric,
                key=(first.name, *at, "none"),
                positive=positive,
                scores=partial(_unmasked, pair, first.name, at, masks),
                detail=f"{METRIC_TITLES[metric]}, no mask{_at_text(at)}",
            )
        )
        rows.append(
            independent(
                f"{first.title}, change",
                *(table.differences["influence", "none"][metric] for table in tables),
                detail=MASK_TITLES["influence"].lower(),
                signed=True,
            )
        )
    return rows


def _unmasked(pair: Pair, attack: str, at: tuple[Timestep, Timestep], masks: tuple) -> tuple:
    return tuple(
        table_scores(study, attack, step, mask)["none"]
        for study, step, mask in zip(pair.studies, at, masks, strict=True)
    )


def _at_text(at: tuple[Timestep, Timestep]) -> str:
    """Where both are scored: "", ", t = 60", ", t = 120 in A, 60 in B"."""
    first, second = at
    if first is None:
        return ""
    return f", t = {first}" if first == second else f", t = {first} in A, {second} in B"


def _show_pairs(
    pair: Pair, both: tuple[Comparison, Comparison]
) -> tuple[dict[str, go.Figure], list[list[dict[str, Any]]], list[Difference]]:
    """Both studies' squares over the same attacks, and how far their pairs differ."""
    names = [name for name in attack_names() if any(name in one.at for one in both)]
    found = [
        agreements_at(study, one.at) if len(one.at) > 1 else []
        for study, one in zip(pair.studies, both, strict=True)
    ]
    figures: dict[str, go.Figure] = {}
    for index, (column, study) in enumerate(side_by_side(pair, key="attack-pairs", brief=True)):
        with column:
            if not found[index]:
                st.caption("With fewer than two attacks at hand there are no pairs.")
                continue
            for title, figure in pair_figures(found[index], names).items():
                key = f"compare-{title}" + ("/other" if index else "")
                show_pair_figure(study, title, figure, len(names), key=key)
                figures[f"{LETTERS[index]} {title}"] = figure
    for title, reading in PAIR_READINGS.items():
        st.caption(f"**{title}.** {reading}")
    st.caption(PAIR_INTERVALS)
    rows = _pair_differences(found)
    if rows:
        apart = [row for row in rows if row.difference.excludes_zero]
        st.markdown(
            f"Of {len(rows)} rank correlations that both have, **{len(apart)}** differ by "
            "intervals that exclude zero" + (f"; most of all {_farthest(apart)}." if apart else ".")
        )
        with st.expander("Every pair's difference", key="compare-pair-differences"):
            show_differences(pair, rows)
    listed = [pair_rows(own, one.at) if own else [] for own, one in zip(found, both, strict=True)]
    return figures, listed, rows


def _pair_differences(found: list[list[PairAgreement]]) -> list[Difference]:
    """Rank correlations of the pairs that both studies have."""
    beside = {(one.a, one.b): one for one in found[1]}
    return [
        independent(
            f"{get_attack(one.a).title} and {get_attack(one.b).title}",
            one.correlation,
            beside[one.a, one.b].correlation,
            detail="rank correlation",
        )
        for one in found[0]
        if (one.a, one.b) in beside
    ]


def _farthest(rows: list[Difference]) -> str:
    """The pair whose correlations lie farthest apart: "SimA and PIA, 0.90 in A and 0.50 in B"."""
    row = max(rows, key=lambda row: abs(row.difference.value))
    return f"{row.label}, {row.first.value:.2f} in A and {row.second.value:.2f} in B"
