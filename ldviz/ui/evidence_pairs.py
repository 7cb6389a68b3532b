"""Attacks pair by pair: do they order the samples alike, do they find the same members?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.figures.agreement import agreement_matrix
from ldviz.metrics.measured import Measured
from ldviz.study.evidence import Timestep
from ldviz.study.evidence_agreement import PairAgreement
from ldviz.study.store import Study
from ldviz.ui.evidence import AGREEMENT_RESAMPLES, EVIDENCE_SEED, agreements_at
from ldviz.ui.exports import measured_row, show_chart
from ldviz.ui.numbers import measured_text, value_text

PAIR_READINGS = {
    "Rank correlation": "Spearman's correlation of unmasked scores: look for pairs near **1**; a "
    "second attack that orders the samples like the first adds no evidence.",
    "Overlap of members found": "Members found by both among those found by at least one, at 1 % "
    "FPR: look for pairs far **below 1**; they find different members, and together more. Point "
    "at a cell for what chance would give.",
}
PAIR_INTERVALS = (
    f"Intervals, on hover: correlation by {AGREEMENT_RESAMPLES:,} resamples (seed "
    f"{EVIDENCE_SEED}), overlap with thresholds held fixed."
)


def show_pairs(
    study: Study, at: dict[str, Timestep]
) -> tuple[dict[str, go.Figure], list[dict[str, Any]]]:
    """Draw both squares side by side.

    Returns:
        The figures by title, and their numbers as flat rows.
    """
    if len(at) < 2:
        st.caption("With fewer than two attacks at hand there are no pairs.")
        return {}, []
    pairs = agreements_at(study, at)
    figures = pair_figures(pairs, list(at))
    for column, (title, figure) in zip(st.columns(2, gap="large"), figures.items(), strict=True):
        with column:
            show_pair_figure(study, title, figure, len(at), key=f"compare-{title}")
            st.caption(PAIR_READINGS[title])
    n = pairs[0].correlation
    st.caption(f"{n.n_member:,} members, {n.n_held_out:,} held-out. {PAIR_INTERVALS}")
    return figures, pair_rows(pairs, at)


def pair_figures(pairs: list[PairAgreement], names: Sequence[str]) -> dict[str, go.Figure]:
    """Both squares by title; attacks in the order of ``names``."""
    return {
        title: _square(names, pairs, quantity, low=0.0)
        for title, quantity in zip(PAIR_READINGS, ("correlation", "overlap"), strict=True)
    }


def show_pair_figure(
    study: Study, title: str, figure: go.Figure, num_attacks: int, *, key: str
) -> None:
    """Draw one square under its title."""
    st.markdown(f"**{title}**")
    show_chart(
        study,
        "attacks",
        title,
        figure,
        key=key,
        alt=f"{title} of every pair of {num_attacks} attacks.",
    )


def pair_rows(pairs: list[PairAgreement], at: dict[str, Timestep]) -> list[dict[str, Any]]:
    """Both numbers of every pair as flat rows."""
    rows = []
    for pair in pairs:
        named = {
            "attack_a": pair.a,
            "timestep_a": at[pair.a],
            "attack_b": pair.b,
            "timestep_b": at[pair.b],
        }
        found = {
            "found_a": pair.plain.found_a,
            "found_b": pair.plain.found_b,
            "found_both": pair.plain.found_both,
            "expected_by_chance": pair.plain.expected_overlap,
        }
        rows.append(named | {"quantity": "rank_correlation"} | measured_row(pair.correlation))
        rows.append(named | {"quantity": "overlap"} | measured_row(pair.overlap) | found)
    return rows


def _square(
    names: Sequence[str], pairs: list[PairAgreement], quantity: str, *, low: float
) -> go.Figure:
    values = np.full((len(names), len(names)), np.nan)
    hover = [["" for _ in names] for _ in names]
    for pair in pairs:
        number: Measured = getattr(pair, quantity)
        text = _hover(pair, number, quantity)
        for i, j in ((pair.a, pair.b), (pair.b, pair.a)):
            row, column = names.index(i), names.index(j)
            values[row, column] = np.nan if number.value is None else number.value
            hover[row][column] = text
    titles = [get_attack(name).title for name in names]
    return agreement_matrix(titles, values, hover, quantity=quantity, low=low)


def _hover(pair: PairAgreement, number: Measured, quantity: str) -> str:
    a, b = get_attack(pair.a).title, get_attack(pair.b).title
    if number.value is None:
        return f"{a} and {b}: not available. {number.note}"
    text = f"{a} and {b}: {measured_text(number)}"
    plain = pair.plain
    if quantity == "correlation":
        return (
            f"{text}<br>among members {value_text(plain.rank_correlation_members)}, "
            f"among held-out {value_text(plain.rank_correlation_held_out)}"
        )
    return (
        f"{text}<br>found: {plain.found_a} and {plain.found_b}, {plain.found_both} by both"
        f"<br>by chance {value_text(plain.expected_overlap)}"
    )
