"""Every attack's block of the comparison, and what is missing of it."""

from __future__ import annotations

import streamlit as st

from ldviz.attacks import get_attack
from ldviz.attacks.masks import MaskSpec
from ldviz.study.evidence_attacks import Comparison
from ldviz.study.report import NUM_RESAMPLES
from ldviz.study.store import Study
from ldviz.ui.evidence import EVIDENCE_SEED, attack_table
from ldviz.ui.evidence_jobs import ask_text, show_compute
from ldviz.ui.evidence_table import AttackBlock
from ldviz.ui.state import current_view

TABLE_READING = (
    "Look for **bold in the bottom row of an attack**: it means that dropping the lowest "
    "influence beats both no mask and a random one, with paired 95 % intervals that "
    "exclude zero. No bold, no clear winner."
)


def blocks_of(study: Study, comparison: Comparison, mask: MaskSpec) -> list[AttackBlock]:
    """The blocks of all attacks at hand, under a mask."""
    positive = current_view().positive
    return [
        AttackBlock(name, step, attack_table(study, name, step, mask, positive))
        for name, step in comparison.at.items()
    ]


def blocks_note(study: Study, comparison: Comparison) -> str:
    """Data, counts and settings behind the blocks."""
    view = current_view()
    note = (
        f"{study.title}: {study.manifest.n_member:,} members, {study.manifest.n_held_out:,} "
        f"held-out; {100 * view.mask.drop_fraction:.0f} % of the dimensions left on dropped; "
        f"positive class {view.positive}; 95 % intervals from {NUM_RESAMPLES:,} resamples, "
        f"seed {EVIDENCE_SEED}"
    )
    if comparison.optimistic:
        note += "; each timestep is the best by unmasked AUC on the same labels: optimistic"
    return note


def show_missing(study: Study, comparison: Comparison, *, key: str = "compare-compute") -> None:
    """What is not at hand, and a button for each that computes it."""
    for name, reason in comparison.undefined.items():
        st.caption(f"**{get_attack(name).title}** is left out: {reason}")
    if not comparison.missing:
        return
    titles = ", ".join(ask_text(ask) for ask in comparison.missing.items())
    st.markdown(f"Not at hand: {titles}.")
    asks = list(comparison.missing.items())
    show_compute(
        study,
        asks,
        key=key,
        label="Compute it" if len(asks) == 1 else f"Compute all {len(asks)}",
        help="Runs the real model in the background; what is finished is kept on disk.",
    )
