"""Findings: what all studies together answer, ours beside the paper's."""

from __future__ import annotations

import streamlit as st

from ldviz.study.findings_set import Findings
from ldviz.ui.failures import shown_failures
from ldviz.ui.findings import METRIC_TITLES, attacks_of, present_findings
from ldviz.ui.findings_beta import show_beta
from ldviz.ui.findings_complexity import show_complexity
from ldviz.ui.findings_frequency import show_frequency
from ldviz.ui.findings_images import show_galleries, show_violins
from ldviz.ui.findings_masks import show_masks
from ldviz.ui.findings_quarters import show_quarters
from ldviz.ui.findings_table import show_answers
from ldviz.ui.frame import ensure_frame

PARTS = {
    "quarters": "Quarters",
    "masks": "Masks",
    "beta": "Regularisation",
    "complexity": "Complexity",
    "frequency": "Frequency",
    "violins": "Violins",
    "galleries": "Galleries",
}


def show_findings() -> None:
    """The answers first, then whichever question is looked at closer."""
    st.title("Findings")
    findings = present_findings()
    if not findings.studies:
        st.info("No study at hand has geometry and an attack.", icon=":material/info:")
        return
    attack, metric = _choices(findings)
    count = len(findings.studies)
    st.markdown(
        f"One study is an anecdote{f'; these are {count}' if count > 1 else ', and here is one'}. "
        "A difference counts as shown only where its 95 % interval excludes zero. All of it is "
        "computed from what the studies store, and printed alike by `python -m ldviz findings`."
    )
    show_answers(findings, attack, metric)
    st.caption(
        f"Small print: 95 % intervals from {findings.num_resamples:,} stratified resamples, seed "
        f"{findings.seed}; members are the positive class. Each attack stands at its own best "
        "timestep, chosen on the labels it is scored on, and so optimistic."
    )
    for name, reason in findings.failures.items():
        st.warning(f"**{name}** is left out: {reason}", icon=":material/error:")
    part = st.segmented_control(
        "Look closer at",
        list(PARTS),
        default="quarters",
        required=True,
        format_func=PARTS.__getitem__,
        key="findings-part",
        persist_state="session",
    )
    with shown_failures():
        _show_part(part, findings, attack, metric)


def _choices(findings: Findings) -> tuple[str, str]:
    attacks = attacks_of(findings)
    left, right = st.columns(2)
    with left:
        attack = st.selectbox(
            "Attack",
            list(attacks),
            format_func=attacks.__getitem__,
            key="findings-attack",
            persist_state="session",
        )
    with right:
        metric = st.selectbox(
            "Metric",
            list(METRIC_TITLES),
            format_func=METRIC_TITLES.__getitem__,
            key="findings-metric",
            persist_state="session",
        )
    return attack, metric


def _show_part(part: str, findings: Findings, attack: str, metric: str) -> None:
    if part == "quarters":
        show_quarters(findings, attack)
    elif part == "masks":
        show_masks(findings, attack, metric)
    elif part == "beta":
        show_beta(findings, metric)
    elif part == "complexity":
        show_complexity(findings)
    elif part == "frequency":
        show_frequency(findings)
    elif part == "violins":
        show_violins(findings)
    elif part == "galleries":
        show_galleries(findings)


ensure_frame()
with shown_failures():
    show_findings()
