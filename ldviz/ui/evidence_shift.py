"""Could the split itself explain an attack away?  A classifier that never sees the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from ldviz.metrics.shift import ShiftCheck, pixel_shift
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.compare import independent, show_differences, side_by_side
from ldviz.ui.evidence import EVIDENCE_SEED
from ldviz.ui.exports import measured_row
from ldviz.ui.numbers import Tile, sample_text, show_tiles
from ldviz.ui.pair_scores import difference_rows


def show_shift(study: Study) -> list[dict[str, Any]]:
    """Draw the check once it is asked for.

    Returns:
        Its number as flat rows; none before.
    """
    if not _asked(study.digest):
        return []
    with st.spinner("Training a classifier on pixel statistics"):
        check = _shift(study, study.digest)
    show_tiles([Tile("AUC of pixel statistics", check.auc, detail="0.5 = no shift to be seen")])
    _show_verdict(check)
    if check.auc.value is not None:
        st.caption(
            f"{check.num_features} statistics; {sample_text(check.auc)}. Look for an interval "
            "that **contains 0.5**: then no shift of this kind explains an attack's AUC. Other "
            "kinds of shift are not ruled out."
        )
    return [{"quantity": "pixel_shift", "metric": "auc"} | measured_row(check.auc)]


def show_two_shifts(pair: Pair) -> list[dict[str, Any]]:
    """Draw the check of both studies once it is asked for; one check where it is the same.

    Returns:
        Its numbers as flat rows; none before.
    """
    if pair.same_images:
        st.markdown("Both hold the same images under the same split, so the check is one.")
        return show_shift(pair.first)
    if not _asked(pair.digests):
        return []
    with st.spinner("Training a classifier on pixel statistics"):
        checks = [_shift(study, study.digest) for study in pair.studies]
    rows = [independent("AUC of pixel statistics", *(check.auc for check in checks))]
    show_differences(
        pair,
        rows,
        note="Look for intervals that contain 0.5: then no shift of this kind explains an "
        "attack's AUC. Other kinds of shift are not ruled out.",
    )
    for (column, _), check in zip(side_by_side(pair, key="shift", brief=True), checks, strict=True):
        with column:
            _show_verdict(check)
    return difference_rows(pair, rows)


def _asked(digests: str) -> bool:
    """What the check is, and a button until it has been asked for."""
    st.markdown(
        "An attack means something only if members and held-out images cannot be told apart "
        "**without the model**. This check trains a plain classifier on pixel statistics "
        "(brightness, contrast, edges, frequencies, a thumbnail) of one half and scores the other."
    )
    asked = f"shift-asked/{digests}"
    if asked not in st.session_state:
        st.button(
            "Run the check",
            key="shift-run",
            icon=":material/play_arrow:",
            on_click=lambda: st.session_state.update({asked: True}),
            help="A few seconds; the result is kept while the server runs.",
        )
    return asked in st.session_state


def _show_verdict(check: ShiftCheck) -> None:
    if check.shifted:
        st.warning(check.verdict, icon=":material/warning:")
    else:
        st.markdown(check.verdict)


@st.cache_data(max_entries=16, show_spinner=False)
def _shift(_study: Study, digest: str) -> ShiftCheck:
    images = _study.images(np.arange(_study.num_samples))
    return pixel_shift(_study.is_member, images, seed=EVIDENCE_SEED)
