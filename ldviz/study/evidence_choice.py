"""What the choice of a timestep is worth: chosen on one half and scored on the other, or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ldviz.metrics.independent import independent_difference
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import Positive
from ldviz.metrics.strata import stratified_halves
from ldviz.metrics.timestep import timestep_choice
from ldviz.study.evidence import (
    EVIDENCE_FPR,
    EVIDENCE_KEYS,
    Timestep,
    check_both_classes,
    subset_intervals,
)
from ldviz.study.store import Study


@dataclass(frozen=True)
class ChosenTimestep:
    """An attack at its best timestep, twice.

    Attributes:
        best: the timestep of the largest unmasked AUC over all samples.
        chosen: the timesteps chosen on the first and on the second half.
        num_timesteps: among how many.
        optimistic: metric key to the number at ``best``, on the samples that chose it.
        honest: metric key to the number at each half's choice on the other half, averaged.
    """

    best: Timestep
    chosen: tuple[Timestep, Timestep]
    num_timesteps: int
    optimistic: dict[str, Measured]
    honest: dict[str, Measured]


def chosen_timestep(
    study: Study,
    timesteps: Sequence[Timestep],
    scores: np.ndarray,
    *,
    positive: Positive = "member",
    num_resamples: int,
    seed: int = 0,
) -> ChosenTimestep:
    """Choose by unmasked AUC, honestly and optimistically.

    Args:
        study: whose members are meant.
        timesteps: (T,) at which ``scores`` were taken.
        scores: (T, n) unmasked.
        positive: the class that counts as detected.
        num_resamples, seed: of intervals and halves.  The honest interval holds the two
            chosen timesteps fixed and joins those of the two disjoint halves.

    Raises:
        InputError: as ``timestep_choice``.
    """
    check_both_classes(study)
    choice = timestep_choice(
        study.is_member, scores, seed=seed, positive=positive, fprs=(EVIDENCE_FPR,)
    )
    first = stratified_halves(study.is_member, seed=seed)
    everyone = np.arange(study.num_samples)

    def measured(position: int, rows: np.ndarray) -> dict[str, Measured]:
        return subset_intervals(
            study,
            scores[position],
            rows,
            positive=positive,
            num_resamples=num_resamples,
            seed=seed,
        )

    there = measured(choice.chosen[0], np.flatnonzero(~first))
    back = measured(choice.chosen[1], np.flatnonzero(first))
    overall = measured(choice.best, everyone)
    return ChosenTimestep(
        best=timesteps[choice.best],
        chosen=(timesteps[choice.chosen[0]], timesteps[choice.chosen[1]]),
        num_timesteps=len(timesteps),
        optimistic={key: overall[key] for key in EVIDENCE_KEYS},
        honest={key: _mean(there[key], back[key]) for key in EVIDENCE_KEYS},
    )


def _mean(a: Measured, b: Measured) -> Measured:
    """The mean of two numbers measured on disjoint samples.

    a + b is a minus (−b), so the interval of the difference of independent numbers serves.
    """
    if a.value is None or b.value is None:
        return Measured(value=None, note="A half has too few images for it.")
    mirrored = b.model_copy(update={"value": -b.value, "ci95": b.ci95 and (-b.ci95[1], -b.ci95[0])})
    interval = independent_difference(a, mirrored).ci95
    return a.model_copy(
        update={
            "value": (a.value + b.value) / 2.0,
            "ci95": interval and (interval[0] / 2.0, interval[1] / 2.0),
            "n_member": a.n_member + b.n_member,
            "n_held_out": a.n_held_out + b.n_held_out,
        }
    )
