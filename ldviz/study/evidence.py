"""What an attack shows at the timesteps at hand: whole, by quartile, and by chance.

At hand means stored with the study, as vectors or as ranks, or cached by an earlier
computation.  Nothing here runs a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ldviz.attacks import get_attack
from ldviz.attacks.masks import MaskSpec
from ldviz.errors import InputError
from ldviz.metrics.intervals import metric_intervals
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import Positive, curve_metrics
from ldviz.metrics.strata import quartiles, random_groups
from ldviz.study.blocks import read_key
from ldviz.study.cache import cache_path
from ldviz.study.ranks import ordered_scores, ordered_timesteps
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study
from ldviz.study.vectors import attack_vectors, is_stored, vectors_key

EVIDENCE_FPR = 0.01
EVIDENCE_KEYS = ("auc", "asr", "tpr_at_1pct_fpr")
NUM_GROUPS = 10

Timestep = int | None


@dataclass(frozen=True)
class TimestepPoint:
    """Unmasked metrics of one attack at one timestep; ``nan`` = not available.

    Attributes:
        whole: metric key to its value over all samples.
        quartile: metric key to (4,) values, lowest distortion first.
        group: metric key to (NUM_GROUPS,) values of random groups of a quartile's size.
    """

    whole: dict[str, float]
    quartile: dict[str, np.ndarray]
    group: dict[str, np.ndarray]


def usable_timesteps(study: Study, attack_name: str) -> tuple[int, ...]:
    """The timesteps that the attack's paper probes and at which it is defined here."""
    attack = get_attack(attack_name)
    usable = []
    for timestep in attack.default_timesteps:
        try:
            attack.checked_timestep(timestep, study.manifest.model.num_train_timesteps)
        except InputError:
            continue
        usable.append(timestep)
    return tuple(usable)


def timesteps_at_hand(study: Study, attack_name: str) -> tuple[Timestep, ...]:
    """Timesteps, ascending, at which the attack can be scored without a model."""
    attack = get_attack(attack_name)
    stored = ordered_timesteps(study, attack_name)
    candidates = {*stored, *(usable_timesteps(study, attack_name) or (None,))}
    if attack.has_timesteps:
        candidates.discard(None)
    found = [step for step in candidates if step in stored or has_vectors(study, attack_name, step)]
    return tuple(sorted(found, key=lambda step: -1 if step is None else step))


def has_vectors(study: Study, attack_name: str, timestep: Timestep) -> bool:
    """Whether an attack's vectors are stored or cached; reads no more than a file's header."""
    attack = get_attack(attack_name)
    parameters = attack.parameters()
    if is_stored(study, attack, timestep, parameters, 0):
        return True
    key = vectors_key(study, attack, timestep, parameters, 0)
    return read_key(cache_path(key)) == key


def unmasked_scores(study: Study, attack_name: str, timestep: Timestep) -> np.ndarray | None:
    """(n,) membership scores without a mask, up to order; None where not at hand.

    Raises:
        InputError: for an unknown attack or a timestep that it is not defined at.
        StudyError: if a block is missing or changed.
    """
    vectors = attack_vectors(study, attack_name, timestep, compute=False)
    if vectors is not None:
        values = score_values(vectors, attack_name)
        return membership_scores(study, values, MaskSpec(kind="none"))
    ordered = ordered_scores(study, attack_name, timestep)
    return None if ordered is None else ordered["none"]


def timestep_point(
    study: Study, scores: np.ndarray, *, positive: Positive = "member", seed: int = 0
) -> TimestepPoint:
    """The metrics of one timestep: one column of the paper's Fig. 3.

    Args:
        study: whose local distortion cuts the quartiles, jointly over both classes.
        scores: (n,) unmasked.
        positive: the class that counts as detected.
        seed: of the random groups.

    Raises:
        InputError: as ``curve_metrics``.

    Cost: 15 sorts of at most n scores.
    """
    quartile = quartiles(study.local_distortion())
    groups = random_groups(study.num_samples, max(1, study.num_samples // 4), NUM_GROUPS, seed=seed)
    everyone = np.arange(study.num_samples)
    columns = [everyone, *(np.flatnonzero(quartile == q) for q in range(4)), *groups]
    values = [_metrics_of(study.is_member[rows], scores[rows], positive) for rows in columns]
    by_key = {key: np.array([value[key] for value in values]) for key in EVIDENCE_KEYS}
    return TimestepPoint(
        whole={key: float(row[0]) for key, row in by_key.items()},
        quartile={key: row[1:5] for key, row in by_key.items()},
        group={key: row[5:] for key, row in by_key.items()},
    )


def random_band_of(points: Sequence[TimestepPoint], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (n - 1) over the random groups, one entry per timestep."""
    groups = np.array([point.group[key] for point in points]).reshape(len(points), NUM_GROUPS)
    return groups.mean(axis=1), groups.std(axis=1, ddof=1)


def part_intervals(
    study: Study,
    scores: np.ndarray,
    *,
    positive: Positive = "member",
    num_resamples: int,
    seed: int = 0,
) -> list[dict[str, Measured]]:
    """The same numbers with their 95 % intervals: whole, then the four quartiles.

    Returns:
        Five dictionaries by metric key; a part with one class has values None.
    """
    quartile = quartiles(study.local_distortion())
    parts = [np.arange(study.num_samples), *(np.flatnonzero(quartile == q) for q in range(4))]
    return [
        subset_intervals(
            study, scores, rows, positive=positive, num_resamples=num_resamples, seed=seed
        )
        for rows in parts
    ]


def subset_intervals(
    study: Study,
    scores: np.ndarray,
    rows: np.ndarray,
    *,
    positive: Positive = "member",
    num_resamples: int,
    seed: int = 0,
) -> dict[str, Measured]:
    """AUC, ASR and TPR within some samples, each with its interval.

    Args:
        study: whose members are meant.
        scores: (n,), or (draws, n) for the mean over draws.
        rows: positions of the samples.
        positive, num_resamples, seed: as ``metric_intervals``.

    Returns:
        By metric key; values None, with a note, where the samples are of one class.
    """
    is_member = study.is_member[rows]
    n_member, n_held_out = int(is_member.sum()), int((~is_member).sum())
    if not n_member or not n_held_out:
        undefined = Measured(
            value=None,
            n_member=n_member,
            n_held_out=n_held_out,
            note="Undefined: it needs members and held-out images.",
        )
        return dict.fromkeys(EVIDENCE_KEYS, undefined)
    table = metric_intervals(
        is_member,
        {"scores": np.asarray(scores)[..., rows]},
        num_resamples=num_resamples,
        seed=seed,
        positive=positive,
        fprs=(EVIDENCE_FPR,),
    )
    return table.metrics["scores"]


def check_both_classes(study: Study) -> None:
    """Raise InputError where a study has members alone, or none: there is no ROC."""
    num_member = int(study.is_member.sum())
    if not 0 < num_member < study.num_samples:
        raise InputError(
            f'A ROC needs members and held-out images; study "{study.name}" has {num_member} '
            f"members and {study.num_samples - num_member} held-out images, so it is undefined."
        )


def _metrics_of(is_member: np.ndarray, scores: np.ndarray, positive: Positive) -> dict[str, float]:
    """The three metrics of some samples; nan where they are of one class."""
    if is_member.all() or not is_member.any():
        return dict.fromkeys(EVIDENCE_KEYS, float("nan"))
    metrics = curve_metrics(is_member, scores, positive=positive, fprs=(EVIDENCE_FPR,))
    return {key: float(metrics[key]) for key in EVIDENCE_KEYS}
