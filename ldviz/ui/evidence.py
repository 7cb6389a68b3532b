"""Evidence shared by sessions: computed once per study and setting, then kept.

Only what is at hand is asked for here, so nothing kept can turn stale: equal digests and
settings mean equal numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.intervals import MetricTable
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import Positive
from ldviz.study.evidence import (
    Timestep,
    TimestepPoint,
    part_intervals,
    subset_intervals,
    timestep_point,
    unmasked_scores,
)
from ldviz.study.evidence_agreement import PairAgreement, pair_agreements
from ldviz.study.evidence_attacks import measure_attack, table_scores
from ldviz.study.evidence_choice import ChosenTimestep, chosen_timestep
from ldviz.study.evidence_masks import DropCurves, drop_curves, fraction_intervals
from ldviz.study.evidence_named import NamedMasks, measure_named
from ldviz.study.report import NUM_RESAMPLES
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study

EVIDENCE_SEED = 0
AGREEMENT_RESAMPLES = 500

METRIC_TITLES = {"auc": "AUC", "asr": "ASR", "tpr_at_1pct_fpr": "TPR@1%FPR"}
METRIC_CHANCE = {"auc": 0.5, "asr": 0.5, "tpr_at_1pct_fpr": 0.01}


def show_metric_choice(key: str) -> str:
    """A switch between the three metrics, kept while the session lasts."""
    return st.segmented_control(
        "Metric",
        list(METRIC_TITLES),
        default="auc",
        required=True,
        format_func=METRIC_TITLES.__getitem__,
        key=key,
        persist_state="session",
    )


def point_at(study: Study, attack: str, timestep: Timestep, positive: Positive) -> TimestepPoint:
    """One column of the timestep figure; the scores must be at hand."""
    return _point(study, study.digest, attack, timestep, positive)


def parts_at(
    study: Study, attack: str, timestep: Timestep, positive: Positive
) -> list[dict[str, Measured]]:
    """The same column with intervals: whole, then quartiles."""
    return _parts(study, study.digest, attack, timestep, positive)


def choice_at(
    study: Study, attack: str, timesteps: tuple[Timestep, ...], positive: Positive
) -> ChosenTimestep:
    """The attack's best among some timesteps, honestly and optimistically."""
    return _choice(study, study.digest, attack, timesteps, positive)


def curves_at(
    study: Study, attack: str, timestep: Timestep, vectors: np.ndarray, mask: MaskSpec, positive
) -> DropCurves:
    """Metrics against the share dropped."""
    key = (study.digest, attack, timestep)
    values = _values(key, vectors, attack)
    return _curves(key, mask.to_text(), positive, study, values, mask)


def fraction_at(
    study: Study, attack: str, timestep: Timestep, vectors: np.ndarray, mask: MaskSpec, positive
) -> dict[str, dict[str, Measured]]:
    """Numbers with intervals at a mask's fraction."""
    key = (study.digest, attack, timestep)
    values = _values(key, vectors, attack)
    return _fraction(key, mask.to_text(), positive, study, values, mask)


def named_at(
    study: Study,
    attack: str,
    timestep: Timestep,
    vectors: np.ndarray,
    masks: Mapping[str, MaskSpec],
    positive: Positive,
) -> NamedMasks:
    """Named masks side by side, with intervals and paired differences."""
    key = (study.digest, attack, timestep)
    values = _values(key, vectors, attack)
    texts = tuple((name, mask.to_text()) for name, mask in masks.items())
    return _named(key, texts, positive, study, values, dict(masks))


def sample_scores(
    study: Study, attack: str, timestep: Timestep, vectors: np.ndarray, mask: MaskSpec
) -> np.ndarray:
    """(n,) scores of every sample; the mean over draws for the random mask."""
    values = _values((study.digest, attack, timestep), vectors, attack)
    scores = membership_scores(study, values, mask)
    return scores if scores.ndim == 1 else scores.mean(axis=0)


def subset_at(
    study: Study, scores: np.ndarray, rows: np.ndarray, positive: Positive
) -> dict[str, Measured]:
    """Numbers with intervals within some samples."""
    return subset_intervals(
        study, scores, rows, positive=positive, num_resamples=NUM_RESAMPLES, seed=EVIDENCE_SEED
    )


def agreements_at(study: Study, at: Mapping[str, Timestep]) -> list[PairAgreement]:
    """Every pair of attacks, each unmasked at its timestep; all must be at hand."""
    return _agreements(study, study.digest, tuple(at.items()))


def attack_table(
    study: Study, attack: str, timestep: Timestep, mask: MaskSpec, positive: Positive
) -> MetricTable:
    """One attack's block of the comparison; its scores must be at hand."""
    return _attack_table(study, study.digest, attack, timestep, mask.to_text(), mask, positive)


@st.cache_data(max_entries=1024, show_spinner=False)
def _point(
    _study: Study, digest: str, attack: str, timestep: Timestep, positive: Positive
) -> TimestepPoint:
    scores = unmasked_scores(_study, attack, timestep)
    return timestep_point(_study, scores, positive=positive, seed=EVIDENCE_SEED)


@st.cache_data(max_entries=256, show_spinner=False)
def _parts(
    _study: Study, digest: str, attack: str, timestep: Timestep, positive: Positive
) -> list[dict[str, Measured]]:
    return part_intervals(
        _study,
        unmasked_scores(_study, attack, timestep),
        positive=positive,
        num_resamples=NUM_RESAMPLES,
        seed=EVIDENCE_SEED,
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _choice(
    _study: Study, digest: str, attack: str, timesteps: tuple[Timestep, ...], positive: Positive
) -> ChosenTimestep:
    scores = np.stack([unmasked_scores(_study, attack, step) for step in timesteps])
    return chosen_timestep(
        _study,
        timesteps,
        scores,
        positive=positive,
        num_resamples=NUM_RESAMPLES,
        seed=EVIDENCE_SEED,
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _curves(
    key: tuple, mask_text: str, positive: Positive, _study: Study, _values: np.ndarray, _mask
) -> DropCurves:
    return drop_curves(_study, _values, _mask, positive=positive)


@st.cache_data(max_entries=512, show_spinner=False)
def _fraction(
    key: tuple, mask_text: str, positive: Positive, _study: Study, _values: np.ndarray, _mask
) -> dict[str, dict[str, Measured]]:
    return fraction_intervals(
        _study,
        _values,
        _mask,
        positive=positive,
        num_resamples=NUM_RESAMPLES,
        seed=EVIDENCE_SEED,
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _named(
    key: tuple,
    mask_texts: tuple[tuple[str, str], ...],
    positive: Positive,
    _study: Study,
    _values: np.ndarray,
    _masks: dict[str, MaskSpec],
) -> NamedMasks:
    return measure_named(
        _study,
        _values,
        _masks,
        positive=positive,
        num_resamples=NUM_RESAMPLES,
        seed=EVIDENCE_SEED,
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _agreements(
    _study: Study, digest: str, at: tuple[tuple[str, Timestep], ...]
) -> list[PairAgreement]:
    scores = {name: unmasked_scores(_study, name, timestep) for name, timestep in at}
    return pair_agreements(_study, scores, num_resamples=AGREEMENT_RESAMPLES, seed=EVIDENCE_SEED)


@st.cache_data(max_entries=256, show_spinner=False)
def _attack_table(
    _study: Study,
    digest: str,
    attack: str,
    timestep: Timestep,
    mask_text: str,
    _mask: MaskSpec,
    positive: Positive,
) -> MetricTable:
    scores = table_scores(_study, attack, timestep, _mask)
    return measure_attack(
        _study, scores, positive=positive, num_resamples=NUM_RESAMPLES, seed=EVIDENCE_SEED
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _values(key: tuple, _vectors: np.ndarray, attack: str) -> np.ndarray:
    return score_values(_vectors, attack)
