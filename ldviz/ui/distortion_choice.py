"""Choose samples by where they lie on the violins; every page then knows them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ldviz.metrics.strata import quartiles
from ldviz.study.store import Study
from ldviz.ui.numbers import measured_text
from ldviz.ui.numbers_study import selection_auc
from ldviz.ui.samples import choose_samples, clear_samples, selected_rows
from ldviz.ui.state import current_study

QUARTERS = ("Q1", "Q2", "Q3", "Q4")
SHOWN_KEY = "distortion-shown"
_LABELS = ("Q1, lowest", "Q2", "Q3", "Q4, highest")
_MOST_MARKS = 400


def show_quarter_choice(study: Study, distortion: np.ndarray, shown: str) -> None:
    """A button for each quarter, and what the attack reaches among the chosen samples."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Choose a quarter:**")
        for quarter, label in enumerate(_LABELS):
            st.button(
                label,
                key=f"distortion-quarter/{quarter}",
                on_click=choose_quarter,
                args=(quarter,),
                disabled=study.num_samples < len(QUARTERS),
            )
        rows = selected_rows(study)
        st.button(
            "Choose all again",
            key="distortion-clear",
            on_click=clear_samples,
            disabled=not len(rows),
            icon=":material/close:",
        )
    if len(rows):
        st.caption(_chosen_text(study, distortion, rows))
    else:
        which = {"both": "", "member": " among members", "held_out": " among held-out images"}
        st.caption(
            f"A quarter{which[shown]} becomes the selection on every page; the Samples page draws "
            "its ROC. Click a quarter's name below the violins for the same."
        )


def choose_quarter(quarter: int) -> None:
    """The samples of a quarter, of the classes shown, become the selection."""
    study = current_study()
    inside = quartiles(study.local_distortion()) == quarter
    shown = st.session_state.get(SHOWN_KEY, "both")
    if shown != "both":
        inside &= study.is_member == (shown == "member")
    choose_samples(study.sample_ids[inside])


def marked_values(study: Study, distortion: np.ndarray, inside: np.ndarray) -> tuple[float, ...]:
    """Distortion of the chosen samples among some rows, thinned evenly where they are many."""
    values = np.sort(distortion[np.intersect1d(selected_rows(study), inside)])
    if len(values) > _MOST_MARKS:
        values = values[np.linspace(0, len(values) - 1, _MOST_MARKS).round().astype(int)]
    return tuple(values.tolist())


def _chosen_text(study: Study, distortion: np.ndarray, rows: np.ndarray) -> str:
    """Who is chosen, from where to where, and the attack's AUC among them."""
    members = int(study.is_member[rows].sum())
    low, high = distortion[rows].min(), distortion[rows].max()
    text = (
        f"{len(rows):,} samples chosen, on every page: {members:,} members, "
        f"{len(rows) - members:,} held-out, {_signed(low)} to {_signed(high)} nats."
    )
    auc = selection_auc(study, rows)
    if auc is None:
        return text
    if auc.value is None:
        return f"{text} With one class alone there is no ROC."
    return f"{text} Attack AUC among them: {measured_text(auc)}; the Samples page draws their ROC."


def _signed(nats: float) -> str:
    return f"{nats:.2f}".replace("-", "−")
