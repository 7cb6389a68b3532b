"""Below the lab, while two studies are compared: both under the mask that the lab shows.

The lab redraws alone and must stay quick, so this part follows it: it looks once a second
what the lab's mask is, and computes for it in a thread once it has stood still for two looks.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks.mask_words import mask_words
from ldviz.attacks.masks import MaskSpec
from ldviz.figures.subset_roc import RocLine, roc_lines
from ldviz.figures.theme import MASK_TITLES, STUDY_COLOURS, STUDY_DASHES
from ldviz.metrics.roc import Positive, display_curve
from ldviz.study.pair import Counterpart, Pair, counterpart, counterpart_mask
from ldviz.study.pair_attack import PairAttack, measure_pair
from ldviz.ui.attack_lab import LabSource
from ldviz.ui.compare import LETTERS, Difference, show_differences
from ldviz.ui.evidence import METRIC_TITLES
from ldviz.ui.exports import show_chart
from ldviz.ui.failures import shown_failures
from ldviz.ui.interval_desk import IntervalDesk
from ldviz.ui.live import wait_for_vectors
from ldviz.ui.state import current_view
from ldviz.view import View

_LOOK_SECONDS = 1.0
_STILL_LOOKS = 2
_DESK, _SEEN, _SHOWN, _ASKED = (
    "ldviz-pair-desk",
    "ldviz-pair-seen",
    "ldviz-pair-shown",
    "ldviz-pair-asked",
)
_KIND = "attack-pair-kind"
_KINDS = ("influence", "random", "highest", "band", "none")


def show_attack_pair(pair: Pair, source: LabSource) -> None:
    """Draw both ROC curves on the same axes and how far their numbers differ."""
    st.subheader("Both studies under this mask", anchor=False)
    found = counterpart(pair.second, source.attack, source.timestep)
    if found.vectors is None:
        st.info(found.note, icon=":material/info:")
    if found.computable:
        found = _or_computed(pair, source, found)
    if found.vectors is not None:
        _show_following(pair, source, found)


def _or_computed(pair: Pair, source: LabSource, found: Counterpart) -> Counterpart:
    """What stands in, or by the live path the very vectors, once they are asked for."""
    if st.session_state.get(_ASKED) == _ask(pair, source):
        vectors = wait_for_vectors(pair.second, source.attack, source.timestep)
        return found if vectors is None else Counterpart(source.timestep, vectors)
    at = "" if source.timestep is None else f" at t = {source.timestep}"
    st.button(
        f"Compute it{at} on {pair.second.title}",
        key="attack-pair-compute",
        icon=":material/play_arrow:",
        on_click=lambda: st.session_state.update({_ASKED: _ask(pair, source)}),
    )
    return found


def _ask(pair: Pair, source: LabSource) -> tuple:
    return pair.second.digest, source.attack, source.timestep


@st.fragment(run_every=_LOOK_SECONDS)
def _show_following(pair: Pair, source: LabSource, found: Counterpart) -> None:
    view = current_view()
    kind = st.segmented_control(
        "Which mask",
        [kind for kind in _KINDS if kind != "band" or view.mask.band],
        default="influence",
        required=True,
        format_func=MASK_TITLES.__getitem__,
        key=_KIND,
        persist_state="session",
    )
    with shown_failures():
        _show(pair, source, found, view, view.mask.model_copy(update={"kind": kind, "draw": 0}))


def _show(pair: Pair, source: LabSource, found: Counterpart, view: View, mask: MaskSpec) -> None:
    second, note = counterpart_mask(pair, mask)
    key = (pair.digests, source.key, found.timestep, mask.to_text(), view.positive)
    measured = _measured(key, pair, source, found, (mask, second), view.positive)
    notes = " ".join(text for text in (found.note, note) if text)
    if measured is not None:
        st.session_state[_SHOWN] = (key, mask, measured)
    shown = st.session_state.get(_SHOWN)
    if shown is None or shown[0][:3] != key[:3] or shown[0][4] != key[4]:
        st.caption("Measuring both studies …")
        return
    _, of_mask, measured = shown
    following = "" if shown[0] == key else " Measuring the mask as it is now …"
    st.caption(f"{source.title}: {mask_words(of_mask)}.{following} {notes}".rstrip())
    left, right = st.columns([2, 3], gap="medium")
    with left:
        show_chart(
            pair.first,
            "attack",
            "two studies",
            pair_figure(pair, measured, view),
            key="attack-pair-roc",
            alt=f"ROC curves of {pair.first.title} and {pair.second.title} under the same mask.",
        )
    with right:
        show_differences(pair, pair_differences(measured, of_mask))


def _measured(
    key: tuple[Hashable, ...],
    pair: Pair,
    source: LabSource,
    found: Counterpart,
    masks: tuple[MaskSpec, MaskSpec],
    positive: Positive,
) -> PairAttack | None:
    """The numbers of ``key``, or None while they are computed or the mask still moves."""
    desk: IntervalDesk = st.session_state.setdefault(_DESK, IntervalDesk())
    seen, looks = st.session_state.get(_SEEN, (None, 0))
    looks = looks + 1 if seen == key else 0
    st.session_state[_SEEN] = (key, looks)
    if looks < _STILL_LOOKS:
        desk.leave()
        return None
    vectors = source.vectors, found.vectors
    return desk.table(
        key,
        lambda progress: measure_pair(
            pair, vectors, source.attack, masks, positive=positive, progress=progress
        ),
    )


def pair_figure(pair: Pair, measured: PairAttack, view: View) -> go.Figure:
    """Both ROC curves on one square, A solid and B dashed."""
    lines, most = [], 1
    styles = zip(LETTERS, STUDY_COLOURS, STUDY_DASHES, strict=True)
    for study, counts, (letter, colour, dash) in zip(
        pair.studies, measured.counts, styles, strict=True
    ):
        sizes = study.manifest.n_member, study.manifest.n_held_out
        fpr, tpr = display_curve(counts, sizes[0] if view.positive == "member" else sizes[1])
        lines.append(RocLine(f"{letter}: {study.title}", colour, fpr, tpr, dash))
        most = max(most, *sizes)
    lowest = float(10.0 ** -np.ceil(np.log10(most))) if view.axes == "log" else None
    return roc_lines(lines, positive=view.positive, lowest=lowest)


def pair_differences(measured: PairAttack, mask: MaskSpec) -> list[Difference]:
    """The lab's three metrics of both studies, and what the mask does to the AUC of each."""
    table = measured.table
    detail = "paired" if table.paired else ""
    rows = [
        Difference(title, table.first[key], table.second[key], table.difference[key], detail)
        for key, title in METRIC_TITLES.items()
    ]
    if mask.kind == "none":
        return rows
    change = Difference(
        "Change of the AUC",
        *measured.change,
        measured.change_difference,
        "with the mask minus without",
        signed=True,
    )
    return [*rows, change]
