"""The headline numbers of two studies and how far they differ."""

from __future__ import annotations

import streamlit as st

from ldviz.metrics.measured import Measured
from ldviz.study.pair import Pair, score_differences
from ldviz.ui.compare import Difference, independent
from ldviz.ui.numbers_study import (
    HEADLINE_FRACTION,
    Headline,
    distortion_auc,
    headline,
    image_scores,
)

_SHARE = f"{100 * HEADLINE_FRACTION:.0f} %"
_MISSING = Measured(value=None, note="No stored attack vectors.")


def headline_differences(pair: Pair) -> list[Difference]:
    """What stands on the Overview of both studies, number by number.

    Each study is scored by its own default attack at its own default timestep, as on its
    own Overview.
    """
    first, second = (headline(study) for study in pair.studies)
    found = [number for number in (first, second) if number is not None]
    scored_by = f"{_scored_by(first)} in A, {_scored_by(second)} in B"
    rows = []
    if found:
        rows = [
            Difference(
                "AUC, no mask",
                *(_or_missing(one, lambda one: one.auc["none"]) for one in (first, second)),
                _auc_difference(pair, first, second),
                detail=scored_by + (", paired" if pair.same_images and len(found) == 2 else ""),
            ),
            independent(
                "Highest minus lowest quarter",
                *(_or_missing(one, lambda one: one.quartile_step) for one in (first, second)),
                detail="AUC by local distortion",
                signed=True,
            ),
            *(
                independent(
                    f"{title} {_SHARE} dropped",
                    *(
                        _or_missing(one, lambda one, kind=kind: one.difference[kind, "none"])
                        for one in (first, second)
                    ),
                    detail=f"change of the AUC, {how}",
                    signed=True,
                )
                for kind, title, how in (
                    ("influence", "Lowest", "by influence"),
                    ("random", "Random", "mean of 10 draws"),
                )
            ),
        ]
    aucs = [distortion_auc(study) for study in pair.studies]
    rows.append(independent("AUC of distortion alone", *aucs, detail="as a score, no attack"))
    return rows


def _auc_difference(pair: Pair, first: Headline | None, second: Headline | None) -> Measured:
    if first is None or second is None:
        return _MISSING
    return _paired_auc(pair, pair.digests)


@st.cache_data(max_entries=16, show_spinner=False)
def _paired_auc(_pair: Pair, digests: str) -> Measured:
    scores = tuple(image_scores(study) for study in _pair.studies)
    return score_differences(_pair, scores, fprs=()).difference["auc"]


def _or_missing(numbers: Headline | None, part) -> Measured:
    return _MISSING if numbers is None else part(numbers)


def _scored_by(numbers: Headline | None) -> str:
    """ "SimA at t = 60"."""
    if numbers is None:
        return "nothing"
    return numbers.attack + ("" if numbers.timestep is None else f" at t = {numbers.timestep}")
