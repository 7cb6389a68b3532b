"""A picture's membership score and what it means: never more than two shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.figures.distribution import plot_place
from ldviz.figures.score_axis import ScoreAxis, score_axis
from ldviz.figures.theme import HELD_OUT, MEMBER
from ldviz.metrics.measured import Measured
from ldviz.metrics.shares import share_above
from ldviz.study.picture import MeasuredPicture
from ldviz.study.store import Study
from ldviz.ui.exports import show_chart
from ldviz.ui.gallery import class_text, score_text
from ldviz.ui.inspect_choice import ChosenPicture
from ldviz.ui.inspect_geometry import PAGE, others
from ldviz.ui.numbers import Tile, measured_text, show_tiles
from ldviz.ui.numbers_study import image_scores

_RARE = 0.05


def score_shares(
    study: Study, chosen: ChosenPicture, result: MeasuredPicture
) -> dict[str, Measured] | None:
    """Shares of members and of held-out images that score higher; None without scores."""
    scores = image_scores(study)
    if scores is None or result.score is None:
        return None
    kept = others(study, chosen)
    return {
        name: share_above(scores[kept & (study.is_member == side)], result.score, is_member=side)
        for name, side in (("members", True), ("held_out", False))
    }


def show_score(
    study: Study,
    chosen: ChosenPicture,
    result: MeasuredPicture,
    shares: Mapping[str, Measured] | None,
) -> Mapping[str, go.Figure]:
    """The two shares, what they say and what they do not; the figure, for export."""
    if shares is None:
        show_no_score()
        return {}
    figure = score_figure(study, chosen, result, picture_axis(study, chosen, result))
    draw_score(study, chosen, result, shares, figure)
    return {"Score": figure}


def show_no_score() -> None:
    """Say that a study has no scores to compare with."""
    st.info(
        "This study has no stored scores to compare with: its model has no denoiser, or its "
        "attack was not stored. The picture's geometry is above.",
        icon=":material/info:",
    )


def score_values_of(study: Study, chosen: ChosenPicture, result: MeasuredPicture) -> np.ndarray:
    """(k + 1,) scores of the study's other images, then the picture's."""
    return np.append(image_scores(study)[others(study, chosen)], result.score)


def picture_axis(study: Study, chosen: ChosenPicture, result: MeasuredPicture) -> ScoreAxis:
    """The axis of those scores."""
    return score_axis(score_values_of(study, chosen, result))


def score_figure(
    study: Study, chosen: ChosenPicture, result: MeasuredPicture, axis: ScoreAxis
) -> go.Figure:
    """The picture's score among the study's, on an axis of ``score_values_of``."""
    return plot_place(
        axis.places[:-1],
        study.is_member[others(study, chosen)],
        float(axis.places[-1]),
        title=axis.title,
        text="this picture",
        axis=axis,
    )


def draw_score(
    study: Study,
    chosen: ChosenPicture,
    result: MeasuredPicture,
    shares: Mapping[str, Measured],
    figure: go.Figure,
    *,
    key: str = "",
) -> None:
    """The two shares, the figure, what they say and what they do not."""
    attack = get_attack(study.default_attack).title
    at = "" if study.default_timestep is None else f" at timestep {study.default_timestep}"
    members, held_out = shares["members"], shares["held_out"]
    show_tiles(
        [
            Tile("Members that score higher", members, colour=MEMBER, detail=_counts(members)),
            Tile("Held-out that score higher", held_out, colour=HELD_OUT, detail=_counts(held_out)),
        ]
    )
    st.markdown(_meaning(members, held_out))
    show_chart(
        study,
        PAGE,
        "Score",
        figure,
        key=f"inspect-score{key}",
        alt="Membership scores of members and held-out images, with this picture's place.",
    )
    truth = ""
    if chosen.row is not None:
        truth = (
            f" The study itself says what this image is: **{class_text(study, chosen.row)}**; "
            "it is left out of both shares."
        )
    st.caption(
        f"Score {score_text(result.score)}: {attack}{at}, the study's default, without a mask; "
        "higher speaks for a member. The timestep was chosen on these images' own labels, so the "
        "two hills lie a little too far apart (optimistic). Intervals: Wilson's, 95 %, for images "
        f"drawn like the study's.{truth}"
    )


def _counts(share: Measured) -> str:
    count = share.n_member if share.n_member is not None else share.n_held_out
    if share.value is None:
        return ""
    return f"{round(share.value * count):,} of {count:,}"


def _meaning(members: Measured, held_out: Measured) -> str:
    """The two shares as what a threshold at this score would do, and how much that tells."""
    if members.value is None or held_out.value is None:
        return "Members and held-out images are both needed to say what a score means."
    if held_out.ci95[1] < _RARE:
        verdict = (
            f"Such a score is **rare among held-out images** (below {_RARE:.0%} at either end of "
            "the interval): evidence for membership, not proof."
        )
    elif min(members.ci95[0], held_out.ci95[0]) > 1.0 - _RARE:
        verdict = (
            "Nearly **every image of either side scores higher**: the denoiser finds this one "
            "stranger than any it was tried on, and its score tells nothing of membership."
        )
    elif members.ci95[0] > 1.0 - _RARE:
        verdict = (
            f"Nearly **all members score higher** (above {1.0 - _RARE:.0%} at either end of the "
            "interval): evidence against membership, not proof."
        )
    else:
        verdict = "Such scores are **common on both sides**: this one tells little."
    return (
        f"If every image that scores higher were called a member, {measured_text(members)} of the "
        f"members would be found, and {measured_text(held_out)} of the held-out images falsely "
        f"accused. {verdict} Both shares are of images like the study's."
    )
