"""A study's own numbers, computed once from what is stored and shared by all sessions.

Nothing here loads a model: where attack vectors are not stored, there is no score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.attacks.masks import MaskSpec, num_dropped
from ldviz.attacks.statistic import masked_statistic
from ldviz.metrics.independent import independent_difference
from ldviz.metrics.intervals import metric_intervals
from ldviz.metrics.measured import Measured
from ldviz.metrics.strata import quartiles
from ldviz.metrics.timestep import timestep_choice
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study
from ldviz.study.vectors import attack_vectors

HEADLINE_FRACTION = 0.4
"""Share of latent dimensions dropped in the headline: the paper's."""

_MASKS = ("none", "influence", "random")
_PAIRS = (("influence", "none"), ("random", "none"), ("influence", "random"))


@dataclass(frozen=True)
class Headline:
    """The numbers of a study's one-paragraph story; AUC throughout.

    Attributes:
        attack: title of the study's default attack.
        timestep: where it is scored; None for an attack without timesteps.
        num_timesteps: stored timesteps among which it is the best; the AUC there was
            chosen on the labels that it is scored on.
        honest_auc: unmasked, at timesteps chosen on one half of the images and scored on
            the other; None without several timesteps, or with too few images.
        num_dropped, latent_dim: dimensions that the masks drop, and all there are.
        auc: by mask: "none", "influence", "random".
        difference: paired, (a, b) to a minus b.
        quartile: unmasked, within each quartile of local distortion, lowest first.
        quartile_step: highest minus lowest quartile.
        rank: of the local distortion.
    """

    attack: str
    timestep: int | None
    num_timesteps: int
    honest_auc: float | None
    num_dropped: int
    latent_dim: int
    auc: dict[str, Measured]
    difference: dict[tuple[str, str], Measured]
    quartile: tuple[Measured, ...]
    quartile_step: Measured
    rank: int


def image_scores(study: Study) -> np.ndarray | None:
    """(n,) membership scores by the study's default attack and timestep, unmasked.

    None where the study has no attack, or its vectors are not stored.
    """
    return _image_scores(study, study.digest)


def headline(study: Study, *, num_resamples: int = 2000, seed: int = 0) -> Headline | None:
    """The numbers of the study's story; None where there are no stored attack vectors.

    Cost: about 1 s of one core for 1,797 samples of 256 dimensions, then remembered.
    """
    return _headline(study, study.digest, num_resamples, seed)


@st.cache_data(max_entries=16, show_spinner=False)
def _image_scores(_study: Study, digest: str) -> np.ndarray | None:
    values = _score_values(_study)
    return None if values is None else membership_scores(_study, values, MaskSpec(kind="none"))


@st.cache_data(max_entries=16, show_spinner=False)
def _headline(_study: Study, digest: str, num_resamples: int, seed: int) -> Headline | None:
    values = _score_values(_study)
    if values is None:
        return None
    scores = {
        kind: membership_scores(
            _study, values, MaskSpec(kind=kind, drop_fraction=HEADLINE_FRACTION, seed=seed)
        )
        for kind in _MASKS
    }
    table = metric_intervals(
        _study.is_member, scores, pairs=_PAIRS, num_resamples=num_resamples, seed=seed, fprs=()
    )
    quartile = _quartile_aucs(_study, scores["none"], num_resamples, seed)
    return Headline(
        attack=get_attack(_study.default_attack).title,
        timestep=_study.default_timestep,
        num_timesteps=len(_study.stored_timesteps(_study.default_attack)),
        honest_auc=_honest_auc(_study, seed),
        num_dropped=num_dropped(HEADLINE_FRACTION, _study.latent_dim),
        latent_dim=_study.latent_dim,
        auc={kind: table.metrics[kind]["auc"] for kind in _MASKS},
        difference={pair: table.differences[pair]["auc"] for pair in _PAIRS},
        quartile=quartile,
        quartile_step=independent_difference(quartile[3], quartile[0]),
        rank=_study.manifest.geometry.rank,
    )


def _score_values(study: Study) -> np.ndarray | None:
    """(n, d) |S|^p of the default attack where its vectors are at hand."""
    if study.default_attack is None:
        return None
    vectors = attack_vectors(study, study.default_attack, study.default_timestep, compute=False)
    return None if vectors is None else score_values(vectors, study.default_attack)


def _honest_auc(study: Study, seed: int) -> float | None:
    """AUC with the timestep chosen on one half and scored on the other, and swapped."""
    name = study.default_attack
    timesteps = study.stored_timesteps(name)
    if len(timesteps) < 2 or min(study.manifest.n_member, study.manifest.n_held_out) < 2:
        return None
    scores = [
        -masked_statistic(score_values(study.stored_vectors(name, timestep), name))
        for timestep in timesteps
    ]
    choice = timestep_choice(study.is_member, np.stack(scores), seed=seed, fprs=())
    return choice.honest["none"]["auc"]


def _quartile_aucs(
    study: Study, scores: np.ndarray, num_resamples: int, seed: int
) -> tuple[Measured, ...]:
    """Unmasked AUC within each quartile of local distortion, cut over both classes together."""
    quartile = quartiles(study.local_distortion())
    return tuple(
        _auc_of(study.is_member[quartile == q], scores[quartile == q], num_resamples, seed)
        for q in range(4)
    )


def _auc_of(is_member: np.ndarray, scores: np.ndarray, num_resamples: int, seed: int) -> Measured:
    if is_member.all() or not is_member.any():
        return Measured(
            value=None,
            n_member=int(is_member.sum()),
            n_held_out=int((~is_member).sum()),
            note="An AUC needs members and held-out images.",
        )
    table = metric_intervals(
        is_member, {"none": scores}, num_resamples=num_resamples, seed=seed, fprs=()
    )
    return table.metrics["none"]["auc"]


def distortion_auc(study: Study) -> Measured:
    """AUC of local distortion itself as a membership score: do members lie elsewhere?"""
    return _distortion_auc(study, study.digest)


@st.cache_data(max_entries=16, show_spinner=False)
def _distortion_auc(_study: Study, digest: str) -> Measured:
    return _auc_of(_study.is_member, _study.local_distortion(), 2000, 0)


def selection_auc(study: Study, rows: np.ndarray, *, seed: int = 0) -> Measured | None:
    """Unmasked AUC within some samples, by the default attack; None without scores."""
    scores = image_scores(study)
    if scores is None:
        return None
    return _auc_of(study.is_member[rows], scores[rows], 1000, seed)
