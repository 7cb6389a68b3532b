"""What the parts of the Findings page share: the numbers, the waiting, how they are named."""

from __future__ import annotations

import streamlit as st

from ldviz.figures.theme import MASK_COLOURS
from ldviz.metrics.measured import Measured
from ldviz.study.findings import AttackFindings, StudyFindings
from ldviz.study.findings_set import Findings, build_findings, has_findings
from ldviz.ui.resources import available_studies
from ldviz.ui.state import shown_studies

METRIC_TITLES = {"auc": "AUC", "asr": "ASR", "tpr_at_1pct_fpr": "TPR at 1 % FPR"}

EFFECTS = {
    "influence_minus_none": ("Lowest 40 % dropped, against no mask", MASK_COLOURS["influence"]),
    "influence_minus_random": (
        "Lowest 40 % dropped, against random 40 %",
        MASK_COLOURS["influence"],
    ),
    "random_minus_none": ("Random 40 % dropped, against no mask", MASK_COLOURS["random"]),
    "highest_minus_none": ("Highest 40 % dropped, against no mask", MASK_COLOURS["highest"]),
}


def present_findings() -> Findings:
    """The findings of every study in the picker, shown while they are computed.

    Bundled studies bring theirs along; others are computed once, about a second for each
    attack and timestep, and kept.
    """
    _, failures = available_studies()
    studies = shown_studies()
    missing = [study for study in studies.values() if not _is_kept(study)]
    marks = tuple(study.digest for study in studies.values())
    if not missing:
        return _findings(tuple(studies), marks, tuple(failures.items()))
    bar = st.progress(0.0, text="Computing findings …")

    def progress(done: int, total: int, what: str) -> None:
        bar.progress(done / max(total, 1), text=f"Computing {what} …")

    build_findings(studies, failures, progress=progress)
    bar.empty()
    return _findings(tuple(studies), marks, tuple(failures.items()))


def _is_kept(study) -> bool:
    """Whether nothing has to be computed for a study, or nothing can be."""
    can = study.manifest.geometry is not None and study.default_attack is not None
    return not can or has_findings(study)


@st.cache_resource(max_entries=4, show_spinner=False)
def _findings(
    names: tuple[str, ...], digests: tuple[str, ...], failures: tuple[tuple[str, str], ...]
) -> Findings:
    studies = shown_studies()
    return build_findings({name: studies[name] for name in names}, dict(failures))


def attacks_of(findings: Findings) -> dict[str, str]:
    """Titles of the attacks that any study has scores of, by name."""
    return {
        name: attack.title
        for one in findings.studies.values()
        for name, attack in one.attacks.items()
    }


def beta_text(one: StudyFindings) -> str:
    """A study's title with its beta, which tells variants of one study apart."""
    if one.kl_weight is None or "β" in one.title:
        return one.title
    return f"{one.title}, β = {one.kl_weight:g}"


def best_number(attack: AttackFindings, pair: str, metric: str) -> Measured:
    """A difference between masks at the attack's best timestep."""
    return attack.differences[pair][metric][attack.best]
