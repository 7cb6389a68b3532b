"""Which attack is strongest, under which mask, and do they find the same members?"""

from typing import Any

import streamlit as st

from ldviz.attacks import get_attack
from ldviz.study.evidence import Timestep
from ldviz.study.evidence_attacks import Comparison, compare_at, compare_best
from ldviz.study.report import NUM_RESAMPLES
from ldviz.study.store import Study
from ldviz.ui.attack_controls import show_attack_controls
from ldviz.ui.evidence import EVIDENCE_SEED, attack_table
from ldviz.ui.evidence_jobs import ask_text, show_compute
from ldviz.ui.evidence_pairs import show_pairs
from ldviz.ui.evidence_table import (
    AttackBlock,
    show_table,
    table_latex,
    table_rows,
)
from ldviz.ui.exports import ExportTable, PageExport, show_exports
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.state import current_attack, current_study, current_view

WHERE = {
    "current": "the timestep chosen above",
    "best": "each attack's best timestep (optimistic)",
}


def compared(study: Study, timestep: Timestep) -> Comparison:
    """Where every attack is scored, as the user chose."""
    where = st.segmented_control(
        "Compare at",
        list(WHERE),
        default="current",
        required=True,
        format_func=WHERE.__getitem__,
        key="compare-where",
        persist_state="session",
    )
    mask = current_view().mask
    return compare_best(study, mask) if where == "best" else compare_at(study, timestep, mask)


def show_missing(study: Study, comparison: Comparison) -> None:
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
        key="compare-compute",
        label="Compute it" if len(asks) == 1 else f"Compute all {len(asks)}",
        help="Runs the real model in the background; what is finished is kept on disk.",
    )


def show_comparison(study: Study, comparison: Comparison) -> tuple[list[AttackBlock], str]:
    """The table with its caption; returns its blocks and the note that goes with exports."""
    view = current_view()
    blocks = [
        AttackBlock(name, step, attack_table(study, name, step, view.mask, view.positive))
        for name, step in comparison.at.items()
    ]
    note = (
        f"{study.title}: {study.manifest.n_member:,} members, {study.manifest.n_held_out:,} "
        f"held-out; {100 * view.mask.drop_fraction:.0f} % of the dimensions left on dropped; "
        f"positive class {view.positive}; 95 % intervals from {NUM_RESAMPLES:,} resamples, "
        f"seed {EVIDENCE_SEED}"
    )
    if comparison.optimistic:
        note += "; each timestep is the best by unmasked AUC on the same labels: optimistic"
    if blocks:
        show_table(blocks)
        st.caption(
            "Look for **bold in the bottom row of an attack**: it means that dropping the lowest "
            "influence beats both no mask and a random one, with paired 95 % intervals that "
            f"exclude zero. No bold, no clear winner. {note}."
        )
    return blocks, note


def show_page() -> None:
    """Controls, table, pairs, exports."""
    study = current_study()
    st.markdown(
        "The same images, the same model, every attack: which one **finds members**, whether "
        "dropping dimensions helps it, and whether a second attack finds anyone that the first "
        "one missed."
    )
    show_attack_controls(study)
    _, timestep = current_attack(study)
    comparison = compared(study, timestep)
    st.subheader("Attacks and masks", anchor=False)
    blocks, note = show_comparison(study, comparison)
    show_missing(study, comparison)
    st.subheader("Do they find the same members?", anchor=False)
    figures, pairs = show_pairs(study, comparison.at)

    view = current_view()
    settings: dict[str, Any] = {
        "drop_fraction": view.mask.drop_fraction,
        "positive": view.positive,
        "optimistic": comparison.optimistic,
    }
    tables = []
    if blocks:
        tables.append(
            ExportTable(
                "Attacks and masks",
                lambda: table_rows(blocks, settings),
                lambda: table_latex(blocks, note),
            )
        )
    if pairs:
        tables.append(ExportTable("Pairs of attacks", pairs))
    show_exports(
        study, PageExport(page="attacks", figures=figures, tables=tables, settings=settings)
    )


ensure_frame()
st.title("Attacks compared")
with shown_failures():
    show_page()
