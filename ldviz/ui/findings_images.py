"""Distortion of all studies side by side: the paper's Figs. 2 and 4."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ldviz.figures.findings_violins import StudyImage, StudyViolin, study_violins
from ldviz.figures.violin_density import summarise_density
from ldviz.study.findings_set import Findings
from ldviz.study.store import Study
from ldviz.ui.findings import beta_text
from ldviz.ui.gallery import (
    GalleryGroup,
    image_facts,
    image_lines,
    score_note,
    show_gallery,
)
from ldviz.ui.state import change_view, current_view, shown_studies
from ldviz.ui.thumbnails import enlarged_uri

CHART = {"displayModeBar": False}
ENDS = 4
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def show_violins(findings: Findings) -> None:
    """Fig. 2: one violin per study, normalised over all that are shown, or raw."""
    studies = shown_studies()
    shown = {name: studies[name] for name in findings.studies}
    raw = st.toggle("Raw values, in nats", key="findings-raw", persist_state="session")
    ranks = {study.manifest.geometry.rank for study in shown.values()}
    distortion = {name: study.local_distortion() for name, study in shown.items()}
    low = min(float(values.min()) for values in distortion.values())
    high = max(float(values.max()) for values in distortion.values())
    offset, scale = (0.0, 1.0) if raw else (low, (high - low) or 1.0)
    rank_text = " and ".join(str(rank) for rank in sorted(ranks))
    if len(ranks) > 1:
        st.warning(
            f"These studies sum different numbers of singular values (rank {rank_text}); such "
            "distortions must not be compared.",
            icon=":material/warning:",
        )
    rows = [
        _violin(study, distortion[name], offset, scale, beta_text(findings.studies[name]), index)
        for index, (name, study) in enumerate(shown.items())
    ]
    st.plotly_chart(
        study_violins(
            rows,
            axis=f"Local distortion, rank {rank_text}"
            + (" (nats)" if raw else " (0 = lowest, 1 = highest of all studies)"),
            span=(low, high) if raw else (0.0, 1.0),
        ),
        config=CHART,
        key=f"findings-violins-{raw}",
        alt="Violins of local distortion, one per study, with the images at both ends.",
    )
    st.caption(
        f"Normalised as in the paper's Fig. 2: (x − min) / (max − min), minimum and maximum over "
        f"all studies shown, here {low:.2f} and {high:.2f} nats. Every violin has the same "
        "greatest width: it shows a shape, not a count. Thick bar: quartiles; white dot: median. "
        f"Below each, its {ENDS} images of lowest and of highest distortion. Adding or removing a "
        "study moves the normalised scale; raw values stay."
    )


def show_galleries(findings: Findings) -> None:
    """Fig. 4: the images at both ends of every study; choosing one goes to its study."""
    studies = shown_studies()
    count = st.slider(
        "Images at each end", 4, 24, 10, key="findings-count", persist_state="session"
    )
    st.caption("Choosing an image makes it, and its study, the current one on every page.")
    for name, one in findings.studies.items():
        study = studies[name]
        order = np.argsort(study.local_distortion(), kind="stable")
        st.subheader(beta_text(one), anchor=False)
        st.caption(score_note(study))
        show_gallery(
            study,
            image_facts(study),
            [
                GalleryGroup("Lowest local distortion", "of all images", order[:count]),
                GalleryGroup("Highest local distortion", "of all images", order[::-1][:count]),
            ],
            current=current_view().image if current_view().study == name else None,
            key=f"findings-gallery-{name}",
            on_choose=lambda sample_id, name=name: _go_to(name, sample_id),
        )


def _go_to(name: str, sample_id: int) -> None:
    """Another study keeps nothing of the view that belongs to the last one."""
    if current_view().study == name:
        change_view(image=sample_id)
    else:
        change_view(study=name, image=sample_id, timestep=None, attack=None, selection=())


def _violin(
    study: Study, distortion: np.ndarray, offset: float, scale: float, title: str, index: int
) -> StudyViolin:
    order = np.argsort(distortion, kind="stable")
    ends = order if len(order) <= 2 * ENDS else np.r_[order[:ENDS], order[-ENDS:]]
    facts = image_facts(study)
    return StudyViolin(
        title=title,
        colour=_COLOURS[index % len(_COLOURS)],
        summary=summarise_density((distortion - offset) / scale),
        images=tuple(
            StudyImage(
                value=float((distortion[row] - offset) / scale),
                uri=enlarged_uri(study.images(int(row)), side=64),
                hover="<br>".join(image_lines(study, facts, int(row))),
            )
            for row in ends
        ),
    )
