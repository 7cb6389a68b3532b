"""How the latent maps of two studies differ, and colours that mean the same in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from ldviz.figures.embedding import Continuous, Groups, colour_ends
from ldviz.figures.embedding_projection import pca_projection
from ldviz.metrics.measured import Measured
from ldviz.metrics.quantiles import sample_quantile
from ldviz.metrics.variance_share import variance_share
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.compare import Difference, independent
from ldviz.ui.distortion_pair import same_rank
from ldviz.ui.numbers_study import selection_auc


def map_differences(pair: Pair, chosen: np.ndarray) -> list[Difference]:
    """What the maps hold of the latents, and the medians of what colours them.

    Args:
        pair: the studies.
        chosen: rows selected in both, where both hold the same images; else none.
    """
    shares = [_variance_share(study, study.digest) for study in pair.studies]
    rows = [independent("Variance on the map", *shares, detail="first two principal components")]
    if any(study.manifest.geometry is None for study in pair.studies):
        return rows
    if same_rank(pair):
        rank = pair.first.manifest.geometry.rank
        medians = [_median(study, study.digest, "distortion") for study in pair.studies]
        rows.append(
            independent("Median local distortion", *medians, detail=f"rank {rank}, nats", digits=2)
        )
    medians = [_median(study, study.digest, "influence") for study in pair.studies]
    rows.append(
        independent(
            "Median of the mean influence",
            *medians,
            detail="over channels and cells, nats",
            digits=2,
        )
    )
    if len(chosen):
        aucs = [selection_auc(study, chosen) for study in pair.studies]
        if all(auc is not None for auc in aucs):
            rows.append(independent("AUC within the selection", *aucs, detail="default attacks"))
    return rows


def map_note(pair: Pair) -> str:
    """What of the two maps may be compared, and what not."""
    first, second = (study.manifest.geometry for study in pair.studies)
    ranks = (
        f" A sums {first.rank} singular values and B {second.rank}: their distortions are not "
        "subtracted, and each map has its own colours for them."
        if first is not None and second is not None and not same_rank(pair)
        else ""
    )
    return (
        "Each study has its own latent space and so its own directions across and upwards; both "
        f"maps are drawn on one scale, so their extents may be compared, not places.{ranks}"
    )


def share_colours(
    pair: Pair, name: str, colourings: Sequence[Continuous | Groups]
) -> list[Continuous | Groups]:
    """The colourings with common ends, where a colour can mean the same in both.

    Args:
        pair: the studies.
        name: of the colouring: "distortion", "influence", "score", "membership" or "class".
        colourings: of both.
    """
    same_scores = pair.first.default_attack == pair.second.default_attack
    comparable = {"distortion": same_rank(pair), "influence": True, "score": same_scores}
    if not comparable.get(name, False):
        return list(colourings)
    ends = [colour_ends(one) for one in colourings]
    common = min(low for low, _ in ends), max(high for _, high in ends)
    return [replace(one, ends=common) for one in colourings]


def image_heading(pair: Pair, index: int) -> str:
    """What the current image of a study is called where two are shown."""
    if pair.same_images:
        return "Current image, the same in both"
    return "Current image of B, on this page" if index else "Current image of A, on every page"


@st.cache_data(max_entries=16, show_spinner=False)
def _variance_share(_study: Study, digest: str) -> Measured:
    latents = _study.array("latents").reshape(_study.num_samples, -1).astype(np.float64)
    lengths = np.square(latents - latents.mean(axis=0)).sum(axis=1)
    return variance_share(pca_projection(latents).points, lengths, is_member=_study.is_member)


@st.cache_data(max_entries=32, show_spinner=False)
def _median(_study: Study, digest: str, what: str) -> Measured:
    values = (
        _study.local_distortion()
        if what == "distortion"
        else _study.influence().mean(axis=1, dtype=np.float64)
    )
    return sample_quantile(values, 0.5, is_member=_study.is_member)
