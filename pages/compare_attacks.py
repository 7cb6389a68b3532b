"""Which attack is strongest, under which mask, and do they find the same members?"""

from typing import Any

import streamlit as st

from ldviz.study.evidence_attacks import Comparison, compare_at, compare_best
from ldviz.study.store import Study
from ldviz.ui.attack_controls import show_attack_controls
from ldviz.ui.attacks_pair import show_two_attacks
from ldviz.ui.compare import compared
from ldviz.ui.evidence_blocks import TABLE_READING, blocks_note, blocks_of, show_missing
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
    "current": "this timestep",
    "best": "each attack's best (optimistic)",
}


def show_where() -> bool:
    """Whether each attack is scored at its own best timestep."""
    where = st.segmented_control(
        "Compare at",
        list(WHERE),
        default="current",
        required=True,
        format_func=WHERE.__getitem__,
        key="compare-where",
        persist_state="session",
    )
    return where == "best"


def show_comparison(study: Study, comparison: Comparison) -> tuple[list[AttackBlock], str]:
    """The table with its caption; returns its blocks and the note that goes with exports."""
    blocks = blocks_of(study, comparison, current_view().mask)
    note = blocks_note(study, comparison)
    if blocks:
        show_table(blocks)
        st.caption(f"{TABLE_READING} {note}.")
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
    best, mask = show_where(), current_view().mask
    comparison = compare_best(study, mask) if best else compare_at(study, timestep, mask)
    pair = compared(study)
    if pair is not None:
        show_exports(study, show_two_attacks(pair, comparison))
        return
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
st.title("Attacks compared", anchor=False)
with shown_failures():
    show_page()
