"""How the local distortions of two studies differ."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ldviz.metrics.measured import Measured
from ldviz.metrics.quantiles import sample_quantile
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.compare import Difference, independent, show_differences
from ldviz.ui.numbers import bracketed_text
from ldviz.ui.numbers_study import distortion_auc

_CLASSES = {"both": "all images", "member": "members", "held_out": "held-out images"}
_SHARES = {0.25: "Lower quartile", 0.5: "Median", 0.75: "Upper quartile"}


def same_rank(pair: Pair) -> bool:
    """Whether both sum as many singular values, so that their distortions may be compared."""
    first, second = (study.manifest.geometry.rank for study in pair.studies)
    return first == second


def show_distortion_differences(pair: Pair, shown: str) -> None:
    """The table, and what the same images say one by one."""
    note = ""
    if not same_rank(pair):
        first, second = (study.manifest.geometry.rank for study in pair.studies)
        note = (
            f"A sums {first} singular values and B {second}: their distortions are different "
            "things, drawn on axes of their own and not subtracted."
        )
    show_differences(pair, distortion_differences(pair, shown), note=note)
    if pair.same_images and same_rank(pair):
        st.markdown(_image_by_image(pair, shown))


def distortion_differences(pair: Pair, shown: str) -> list[Difference]:
    """Quartiles of the local distortion, where of one rank, and its AUC as a score.

    Args:
        pair: the studies.
        shown: "both", "member" or "held_out": over which images the quartiles are taken.
    """
    rows = []
    if same_rank(pair):
        rank = pair.first.manifest.geometry.rank
        for share, title in _SHARES.items():
            numbers = [_quantile(study, study.digest, shown, share) for study in pair.studies]
            detail = f"local distortion of {_CLASSES[shown]}, rank {rank}, nats"
            rows.append(independent(title, *numbers, detail=detail, digits=2))
    aucs = [distortion_auc(study) for study in pair.studies]
    rows.append(independent("AUC of distortion alone", *aucs, detail="as a score, no attack"))
    return rows


@st.cache_data(max_entries=64, show_spinner=False)
def _quantile(_study: Study, digest: str, shown: str, share: float) -> Measured:
    rows = _rows(_study, shown)
    return sample_quantile(_study.local_distortion()[rows], share, is_member=_study.is_member[rows])


def _rows(study: Study, shown: str) -> np.ndarray:
    """(n,) bool: the images of the classes that are shown."""
    return (
        np.ones(study.num_samples, dtype=bool)
        if shown == "both"
        else (study.is_member == (shown == "member"))
    )


def _image_by_image(pair: Pair, shown: str) -> str:
    """The median of A − B over images that both decode."""
    rows = _rows(pair.first, shown)
    first, second = (study.local_distortion()[rows] for study in pair.studies)
    median = sample_quantile(first - second, 0.5, is_member=pair.first.is_member[rows])
    higher = float((first > second).mean())
    return (
        f"**Image by image**, A − B has a median of {bracketed_text(median, signed=True, digits=2)}"
        f" nats (95 % interval in brackets); A stretches {100 * higher:.0f} % of "
        f"{_CLASSES[shown]} more than B does."
    )
