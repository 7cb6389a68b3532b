"""The best timestep, chosen honestly and optimistically.

The timestep with the highest AUC, scored on the samples that chose it, is the largest of
many noisy numbers.  Choosing on one half and scoring on the other gives what an attacker
with labels for half the samples would reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.roc import FPRS, Positive, checked_scores, curve_metrics
from ldviz.metrics.strata import stratified_halves


@dataclass(frozen=True)
class TimestepChoice:
    """Where an attack is strongest, and how strong it is there.

    Attributes:
        best: position of the timestep with the highest AUC on all samples, without a mask.
        chosen: positions chosen on the first and on the second half.
        optimistic: mask name to metrics at ``best``, on the samples that chose it.
        honest: mask name to metrics at each half's choice scored on the other half,
            averaged over both directions.
    """

    best: int
    chosen: tuple[int, int]
    optimistic: dict[str, dict[str, float]]
    honest: dict[str, dict[str, float]]


def timestep_choice(
    is_member: np.ndarray,
    unmasked: np.ndarray,
    masked: Mapping[str, np.ndarray] | None = None,
    *,
    seed: int = 0,
    positive: Positive = "member",
    fprs: Sequence[float] = FPRS,
) -> TimestepChoice:
    """Choose the timestep without a mask, by AUC, and score every mask there.

    Args:
        is_member: (n,) bool, at least two of each class.
        unmasked: (T, n) scores without a mask, one row per timestep.
        masked: mask name to (T, n) scores, or (G, T, n) for the mean over G draws.
        seed: of the halves.
        positive: the class that counts as detected.
        fprs: target false positive rates.

    Returns:
        The choice; masks are ``"none"`` and the names given.  A TPR is ``nan`` where a
        half has too few negatives for its FPR.

    Raises:
        InputError: shapes that do not fit, scores that are not finite, a class with
            fewer than two samples.
    """
    labels, by_timestep = checked_scores(is_member, np.atleast_2d(unmasked))
    if min(labels.sum(), (~labels).sum()) < 2:
        raise InputError(
            "Choosing a timestep on one half and scoring it on the other needs two members "
            f"and two held-out images, there are {labels.sum()} and {(~labels).sum()}."
        )
    scores = {"none": by_timestep[None]}
    for name, given in (masked or {}).items():
        scores[name] = np.asarray(given, dtype=np.float64)
        if scores[name].ndim == 2:
            scores[name] = scores[name][None]
        if scores[name].ndim != 3 or scores[name].shape[1:] != by_timestep.shape:
            raise InputError(
                f'Scores of mask "{name}" have shape {np.shape(given)}; expected '
                f"{by_timestep.shape}, as without a mask."
            )
    first = stratified_halves(labels, seed=seed)
    halves = (first, ~first)

    def best_on(rows: np.ndarray) -> int:
        return int(curve_metrics(labels[rows], by_timestep[:, rows], fprs=())["auc"].argmax())

    def metrics(name: str, rows: np.ndarray, timestep: int) -> dict[str, float]:
        draws = curve_metrics(
            labels[rows], scores[name][:, timestep][:, rows], positive=positive, fprs=fprs
        )
        return {key: float(values.mean()) for key, values in draws.items()}

    everyone = np.ones_like(labels)
    best = best_on(everyone)
    chosen = (best_on(halves[0]), best_on(halves[1]))
    honest = {}
    for name in scores:
        there = metrics(name, halves[1], chosen[0])
        back = metrics(name, halves[0], chosen[1])
        honest[name] = {key: (there[key] + back[key]) / 2.0 for key in there}
    return TimestepChoice(
        best=best,
        chosen=chosen,
        optimistic={name: metrics(name, everyone, best) for name in scores},
        honest=honest,
    )
