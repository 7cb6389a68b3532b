"""What does the model make of one picture, and does it score like a member?"""

from typing import Any

import numpy as np
import streamlit as st

from ldviz.metrics.measured import Measured
from ldviz.study.pair import Pair
from ldviz.study.picture import MeasuredPicture
from ldviz.study.store import Study
from ldviz.ui.compare import compared
from ldviz.ui.exports import ExportTable, PageExport, show_exports
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.inspect_choice import (
    ChosenPicture,
    choose_picture,
    picture_beside,
    wants_result,
)
from ldviz.ui.inspect_geometry import (
    PAGE,
    show_distortion,
    show_influence,
    show_spectrum,
)
from ldviz.ui.inspect_pair import show_two_results
from ldviz.ui.inspect_pictures import (
    NearestMembers,
    nearest_members,
    show_nearest,
    show_pictures,
)
from ldviz.ui.inspect_result import picture_result
from ldviz.ui.inspect_score import score_shares, show_score
from ldviz.ui.pair_scores import both_rows, difference_rows
from ldviz.ui.state import current_study


def show_result(study: Study, chosen: ChosenPicture, result: MeasuredPicture) -> None:
    """Every part, and the exports."""
    st.subheader(f"Through the autoencoder: {chosen.title}", anchor=False)
    show_pictures(chosen, result)
    figures = {}
    if result.distortion is not None:
        st.subheader("How much the decoder stretches here", anchor=False)
        left, right = st.columns(2, gap="large")
        with left:
            figures |= show_distortion(study, chosen, result)
        with right:
            figures |= show_spectrum(study, result)
        st.subheader("Which latent dimensions carry it", anchor=False)
        figures |= show_influence(study, result)
    st.subheader("Does it score like a member?", anchor=False)
    shares = score_shares(study, chosen, result)
    figures |= show_score(study, chosen, result, shares)
    st.subheader("The nearest members", anchor=False)
    nearest = nearest_members(study, chosen, result)
    show_nearest(study, nearest)
    show_exports(
        study,
        PageExport(
            page=PAGE,
            figures=figures,
            tables=[ExportTable("Nearest members", lambda: nearest_rows(study, nearest))],
            numbers=numbers_of(result, shares),
            settings={"attack": study.default_attack, "timestep": study.default_timestep},
        ),
    )


def nearest_rows(study: Study, nearest: list[NearestMembers]) -> list[dict[str, Any]]:
    """One line per neighbour."""
    return [
        {"space": one.space, "image": int(study.sample_ids[row]), "distance": float(distance)}
        for one in nearest
        for row, distance in zip(one.found.rows, one.found.distances, strict=True)
    ]


def numbers_of(result: MeasuredPicture, shares: dict[str, Measured] | None) -> dict[str, Any]:
    """What the page shows, without a pixel of the picture."""
    numbers: dict[str, Any] = {
        "reconstruction_error": result.error,
        "local_distortion": result.distortion,
        "score": result.score,
    }
    for name, share in (shares or {}).items():
        numbers[f"{name}_that_score_higher"] = share
    if result.singular_values is not None:
        numbers["singular_values"] = np.asarray(result.singular_values, dtype=float).tolist()
    return numbers


def show_two(pair: Pair, chosen: ChosenPicture) -> None:
    """Both studies' answers; the first one's alone, with the reason, where there are not two."""
    beside = None
    with shown_failures():
        beside = picture_beside(pair, chosen)
    if beside is None:
        if wants_result(chosen):
            show_result(pair.first, chosen, picture_result(pair.first, chosen))
        return
    if not wants_result(chosen, beside):
        return
    first = picture_result(pair.first, chosen, beside=beside)
    second = None
    with shown_failures():
        second = picture_result(pair.second, beside, beside=chosen)
    if second is None:
        show_result(pair.first, chosen, first)
        return
    figures, rows, shares, nearest = show_two_results(pair, (chosen, beside), (first, second))
    numbers = [numbers_of(result, own) for result, own in zip((first, second), shares, strict=True)]
    show_exports(
        pair.first,
        PageExport(
            page=PAGE,
            figures=figures,
            tables=[
                ExportTable("Differences", difference_rows(pair, rows)),
                ExportTable(
                    "Nearest members",
                    lambda: both_rows(
                        pair,
                        [nearest_rows(*one) for one in zip(pair.studies, nearest, strict=True)],
                    ),
                ),
            ],
            numbers={study.name: own for study, own in zip(pair.studies, numbers, strict=True)},
            settings={
                study.name: {"attack": study.default_attack, "timestep": study.default_timestep}
                for study in pair.studies
            },
        ),
    )


def show_page(study: Study) -> None:
    """The picture, and what one model or two make of it."""
    chosen = choose_picture(study)
    if chosen is None:
        return
    pair = compared(study)
    if pair is not None:
        show_two(pair, chosen)
    elif wants_result(chosen):
        show_result(study, chosen, picture_result(study, chosen))


ensure_frame()
st.title("Inspect an image", anchor=False)
with shown_failures():
    study = current_study()
    st.markdown(
        "Drop any picture in and the study's **real model** looks at it: what its autoencoder "
        "keeps, how much its decoder stretches there, and how its membership score compares with "
        "those of images whose side is known."
    )
    show_page(study)
