"""Which samples does the attack find, and which does it falsely accuse?"""

import numpy as np
import streamlit as st

from ldviz.attacks.masks import MaskSpec
from ldviz.study.store import Study
from ldviz.ui.attack_controls import show_attack_card, show_attack_controls
from ldviz.ui.compare import compared
from ldviz.ui.evidence import sample_scores
from ldviz.ui.exports import ExportTable, PageExport, file_stem, show_exports
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.live import wait_for_vectors
from ldviz.ui.samples import clear_samples, foreign_selection, samples_of
from ldviz.ui.samples_chosen import (
    chosen_numbers,
    show_chosen_controls,
    show_chosen_numbers,
    show_chosen_pictures,
    show_chosen_roc,
)
from ldviz.ui.samples_histogram import (
    histogram_payload,
    histogram_rows,
    show_score_histogram,
    threshold_in_session,
)
from ldviz.ui.samples_pair import show_two_samples
from ldviz.ui.samples_scatter import show_scatter
from ldviz.ui.samples_table import show_table, table_rows
from ldviz.ui.state import current_attack, current_study, current_view

HISTOGRAM = "samples-histogram"


def show_mask_choice() -> tuple[MaskSpec, str]:
    """Score without a mask, or with the view's."""
    mask = current_view().mask
    title = f"lowest {100 * mask.drop_fraction:.0f} % of influence dropped"
    masked = st.segmented_control(
        "Scored with",
        [False, True],
        default=False,
        required=True,
        format_func={False: "no mask", True: title}.__getitem__,
        key="samples-masked",
        persist_state="session",
    )
    if not masked:
        return MaskSpec(kind="none"), "no mask"
    return mask.model_copy(update={"kind": "influence"}), title


def show_samples(
    study: Study,
    attack: str,
    timestep: int | None,
    vectors: np.ndarray,
    mask: MaskSpec,
    mask_title: str,
) -> PageExport:
    """Histogram, scatter, chosen samples, table; what the page offers for export."""
    scores = sample_scores(study, attack, timestep, vectors, mask)
    samples = samples_of(study, attack, timestep, scores, mask_title)

    st.subheader("Where would you draw the line?", anchor=False)
    payload = histogram_payload(
        samples.axis,
        study.is_member,
        samples.chosen,
        key=f"{study.digest}/{samples.title}",
        file_stem=file_stem(study, "samples", "histogram"),
    )
    show_score_histogram(payload, key=HISTOGRAM)
    st.caption(
        f"{samples.title}. Drag the line: everything to its right is called a member. Look at how "
        "far **right** it must go before hardly any held-out image is accused, and at how many "
        "members are still found there. Bars: share of each class"
        + (", marks below: chosen samples." if len(samples.chosen) else ".")
    )

    st.subheader("Score and distortion", anchor=False)
    show_chosen_controls(samples)
    parts = chosen_numbers(samples)
    numbers = show_chosen_numbers(parts)
    left, right = st.columns([3, 2], gap="large")
    with left:
        scatter = show_scatter(samples)
    with right:
        roc = show_chosen_roc(samples, parts)
    show_chosen_pictures(samples)

    st.subheader("One by one", anchor=False)
    rows = show_table(samples)

    threshold = threshold_in_session(HISTOGRAM)
    return PageExport(
        page="samples",
        figures={"Scatter": scatter} | ({} if roc is None else {"ROC": roc}),
        tables=[
            ExportTable("Histogram", lambda: histogram_rows(samples)),
            ExportTable("Samples", lambda: table_rows(samples, rows)),
            ExportTable("Numbers", numbers),
        ],
        settings={
            "scores": samples.title,
            "mask": mask.model_dump(),
            "threshold": None if threshold is None else samples.axis.score_at(threshold),
        },
    )


ensure_frame()
st.title("Samples", anchor=False)
with shown_failures():
    study = current_study()
    st.markdown(
        "Behind every AUC stand single images. See **who scores high**, where a threshold would "
        "put the line, and whether those who are found have anything in common. Choose samples "
        "anywhere, and every figure follows."
    )
    show_attack_controls(study)
    attack, timestep = current_attack(study)
    problem = foreign_selection(study)
    vectors = wait_for_vectors(study, attack, timestep)
    if problem:
        st.error(problem, icon=":material/error:")
        st.button("Choose all again", key="samples-clear", on_click=clear_samples)
    elif vectors is not None:
        mask, mask_title = show_mask_choice()
        pair = compared(study)
        export = (
            show_samples(study, attack, timestep, vectors, mask, mask_title)
            if pair is None
            else show_two_samples(pair, attack, timestep, vectors, mask, mask_title)
        )
        show_attack_card(attack, timestep)
        show_exports(study, export)
