"""Does distortion follow a complexity that is known, and what do many held-out images show?"""

from __future__ import annotations

import streamlit as st

from ldviz.figures.findings_scatter import distortion_scatter
from ldviz.study.findings import StudyFindings
from ldviz.study.findings_set import Findings
from ldviz.study.findings_words import complexity_sentence, number_text, timestep_text
from ldviz.study.store import Study
from ldviz.ui.findings import beta_text
from ldviz.ui.state import shown_studies

CHART = {"displayModeBar": False}
_AXES = {
    "num_shapes": "Visible shapes",
    "edge_length": "Edge length (pixels)",
    "texture_frequency": "Texture frequency (periods per width; 0 = none)",
}


def show_complexity(findings: Findings) -> None:
    """Scatters for every study whose images are of known complexity."""
    studies = shown_studies()
    known = [one for one in findings.studies.values() if one.complexity]
    if not known:
        st.info("No study at hand has images of known complexity.", icon=":material/info:")
        return
    st.markdown(
        "The *shapes* are drawn by a seeded generator, so their complexity is not estimated but "
        "known: how many shapes are visible; the length of all edges between them, counted along "
        "the axes on a grid of four points per pixel; and how many periods the background's "
        "grating has (0 = none). r is Pearson's correlation with local distortion."
    )
    for one in known:
        _show_study(one, studies[one.name])


def _show_study(one: StudyFindings, study: Study) -> None:
    st.subheader(beta_text(one), anchor=False)
    columns = st.columns(len(one.complexity))
    distortion = study.local_distortion()
    for column, (name, number) in zip(columns, one.complexity.items(), strict=True):
        title = _AXES.get(name, name.replace("_", " "))
        with column:
            st.markdown(complexity_sentence(name, number))
            st.plotly_chart(
                distortion_scatter(
                    study.array(f"complexity_{name}"),
                    distortion,
                    study.is_member,
                    study.sample_ids,
                    title=title,
                    rank=one.rank,
                ),
                config=CHART,
                key=f"findings-complexity-{one.name}-{name}",
                alt=f"Local distortion against {title.lower()}: r = {number_text(number)}.",
            )
    if one.further is not None:
        _show_further(one)


def _show_further(one: StudyFindings) -> None:
    further = one.further
    held_out = further.masks["none"]["auc"].n_held_out
    attack = one.attacks[further.attack].title
    st.markdown(
        f"**Against {held_out:,} held-out images** ({attack}, {timestep_text(further.timestep)}) "
        "a false positive rate of 0.1 % still means ten images falsely accused. Influence is "
        f"estimated from {further.num_probes} probes for all of them, members included."
    )
    names = {"none": "No mask", "influence": "Lowest 40 % dropped", "random": "Random 40 % dropped"}
    rows = [
        {
            "Mask": title,
            "TPR at 0.1 % FPR": number_text(further.masks[kind]["tpr_at_0_1pct_fpr"]),
            "TPR at 1 % FPR": number_text(further.masks[kind]["tpr_at_1pct_fpr"]),
            "AUC": number_text(further.masks[kind]["auc"]),
        }
        for kind, title in names.items()
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
