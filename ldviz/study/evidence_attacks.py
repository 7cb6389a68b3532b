"""Attacks side by side: the paper's Tables 1 and 2, and whether they find the same members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ldviz.attacks import attack_names, get_attack
from ldviz.attacks.masks import MaskSpec
from ldviz.errors import InputError
from ldviz.metrics.intervals import MetricTable, metric_intervals
from ldviz.metrics.roc import Positive, roc_auc
from ldviz.study.evidence import (
    Timestep,
    check_both_classes,
    has_vectors,
    timesteps_at_hand,
    unmasked_scores,
)
from ldviz.study.ranks import RANKED_DROP_FRACTION, ordered_scores, ordered_timesteps
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study
from ldviz.study.vectors import attack_vectors

TABLE_KINDS = ("random", "none", "influence")
_PAIRS = (("influence", "none"), ("influence", "random"), ("none", "random"))


@dataclass(frozen=True)
class Comparison:
    """Where each attack is compared.

    Attributes:
        at: attack name to its timestep, for those at hand, in the registry's order.
        missing: attack name to the timestep that would have to be computed.
        undefined: attack name to the reason why it has no number here.
        optimistic: whether timesteps were chosen on the labels they are scored on.
    """

    at: dict[str, Timestep]
    missing: dict[str, Timestep]
    undefined: dict[str, str]
    optimistic: bool


def compare_at(study: Study, timestep: Timestep, spec: MaskSpec) -> Comparison:
    """Every attack at one timestep; attacks without a timestep axis as they are.

    Args:
        study: an open study.
        timestep: of all attacks that have one; None for the study's default.
        spec: the mask that will be measured: stored ranks serve only the standard one.
    """
    wanted = study.default_timestep if timestep is None else timestep
    at: dict[str, Timestep] = {}
    missing: dict[str, Timestep] = {}
    undefined: dict[str, str] = {}
    for name in attack_names():
        attack = get_attack(name)
        own = wanted if attack.has_timesteps else None
        try:
            own = attack.checked_timestep(own, study.manifest.model.num_train_timesteps)
        except InputError as error:
            undefined[name] = str(error)
            continue
        (at if _can_score(study, name, own, spec) else missing)[name] = own
    return Comparison(at, missing, undefined, optimistic=False)


def compare_near(study: Study, at: Mapping[str, Timestep], spec: MaskSpec) -> Comparison:
    """Every attack at another study's timestep, or else at the nearest that is at hand.

    Args:
        study: an open study.
        at: attack name to the other study's timestep.
        spec: as :func:`compare_at`.
    """
    near: dict[str, Timestep] = {}
    missing: dict[str, Timestep] = {}
    undefined: dict[str, str] = {}
    for name, wanted in at.items():
        attack = get_attack(name)
        found = [
            step for step in timesteps_at_hand(study, name) if _can_score(study, name, step, spec)
        ]
        if found:
            near[name] = min(found, key=lambda step: 0 if step is None else abs(step - wanted))
            continue
        try:
            missing[name] = attack.checked_timestep(
                wanted, study.manifest.model.num_train_timesteps
            )
        except InputError as error:
            undefined[name] = str(error)
    return Comparison(near, missing, undefined, optimistic=False)


def compare_best(study: Study, spec: MaskSpec) -> Comparison:
    """Every attack at the timestep of its own largest unmasked AUC among those at hand.

    The timestep is chosen on the labels that it is scored on: optimistic.
    """
    at: dict[str, Timestep] = {}
    missing: dict[str, Timestep] = {}
    for name in attack_names():
        best = best_timestep(study, name, spec)
        if best is None:
            has_axis = get_attack(name).has_timesteps
            missing[name] = study.default_timestep if has_axis else None
        else:
            at[name] = best[0]
    return Comparison(at, missing, {}, optimistic=True)


def best_timestep(
    study: Study, attack_name: str, spec: MaskSpec
) -> tuple[Timestep, float, int] | None:
    """Timestep of the largest unmasked AUC, that AUC, and among how many; None if none."""
    standard = _is_standard(spec)
    found = [
        (step, roc_auc(study.is_member, unmasked_scores(study, attack_name, step)))
        for step in timesteps_at_hand(study, attack_name)
        if standard or has_vectors(study, attack_name, step)
    ]
    if not found:
        return None
    timestep, auc = max(found, key=lambda pair: pair[1])
    return timestep, auc, len(found)


def table_scores(
    study: Study, attack_name: str, timestep: Timestep, spec: MaskSpec
) -> dict[str, np.ndarray] | None:
    """Scores of ``TABLE_KINDS`` under a mask's fraction, up to order; None if not at hand.

    Returns:
        "none" and "influence": (n,); "random": (draws, n).
    """
    vectors = attack_vectors(study, attack_name, timestep, compute=False)
    if vectors is not None:
        values = score_values(vectors, attack_name)
        return {
            kind: membership_scores(study, values, spec.model_copy(update={"kind": kind}))
            if kind != "none"
            else membership_scores(study, values, MaskSpec(kind="none"))
            for kind in TABLE_KINDS
        }
    if not _is_standard(spec):
        return None
    ordered = ordered_scores(study, attack_name, timestep)
    return None if ordered is None else {kind: ordered[kind] for kind in TABLE_KINDS}


def measure_attack(
    study: Study,
    scores: dict[str, np.ndarray],
    *,
    positive: Positive = "member",
    num_resamples: int,
    seed: int = 0,
) -> MetricTable:
    """One attack's block of the table, with every paired difference between its masks.

    Raises:
        InputError: if all samples are of one class, or a score is not finite.
    """
    check_both_classes(study)
    return metric_intervals(
        study.is_member,
        scores,
        pairs=_PAIRS,
        num_resamples=num_resamples,
        seed=seed,
        positive=positive,
    )


def clear_winner(table: MetricTable, key: str) -> str | None:
    """The mask that beats both others in ``key`` by intervals that exclude zero, if any."""
    for kind in table.metrics:
        others = [other for other in table.metrics if other != kind]
        if others and all(_beats(table, kind, other, key) for other in others):
            return kind
    return None


def _beats(table: MetricTable, a: str, b: str, key: str) -> bool:
    """Whether the paired interval of a minus b lies above zero."""
    if (a, b) in table.differences:
        interval = table.differences[a, b][key].ci95
        return interval is not None and interval[0] > 0
    interval = table.differences[b, a][key].ci95
    return interval is not None and interval[1] < 0


def _can_score(study: Study, attack_name: str, timestep: Timestep, spec: MaskSpec) -> bool:
    """Whether ``table_scores`` would have an answer."""
    if has_vectors(study, attack_name, timestep):
        return True
    return _is_standard(spec) and timestep in ordered_timesteps(study, attack_name)


def _is_standard(spec: MaskSpec) -> bool:
    """Whether stored ranks were made with this mask."""
    return spec.model_copy(update={"kind": "influence", "draw": 0, "band": None}) == MaskSpec(
        drop_fraction=RANKED_DROP_FRACTION
    )
