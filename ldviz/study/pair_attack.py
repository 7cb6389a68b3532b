"""One attack under one mask on two studies: both curves, both sets of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.independent import independent_difference
from ldviz.metrics.intervals import metric_intervals
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import Positive, detection_counts
from ldviz.progress import Progress, no_progress
from ldviz.study.evidence import check_both_classes
from ldviz.study.pair import Pair, PairTable, score_differences
from ldviz.study.scores import membership_scores, score_values

FPRS = (0.01,)


@dataclass(frozen=True)
class PairAttack:
    """An attack on both studies.

    Attributes:
        counts: of A and of B: (n_negative,) float64, positives found at each number of false
            accusations; the mean over the draws of a random mask.
        table: AUC, ASR and TPR@1%FPR of both and their differences.
        change: AUC with the mask minus AUC without, paired, of A and of B.
        change_difference: the first change minus the second, taken for independent.
    """

    counts: tuple[np.ndarray, np.ndarray]
    table: PairTable
    change: tuple[Measured, Measured]
    change_difference: Measured


def measure_pair(
    pair: Pair,
    vectors: tuple[np.ndarray, np.ndarray],
    attack: str,
    masks: tuple[MaskSpec, MaskSpec],
    *,
    positive: Positive = "member",
    num_resamples: int = 2000,
    seed: int = 0,
    progress: Progress = no_progress,
) -> PairAttack:
    """Measure an attack under a mask on both studies.

    Args:
        pair: the studies.
        vectors: (n, d) attack vectors of each.
        attack: their attack's name.
        masks: the mask as it applies to each (``counterpart_mask``).
        positive: the class that counts as detected.
        num_resamples, seed: of the intervals.
        progress: told of every chunk of resamples; may cancel.

    Raises:
        InputError: if a mask does not fit its study, a score is not finite, or all samples
            of a study are of one class.

    Cost: per study as ``metric_intervals`` of three score vectors; ten times as many for a
    random mask.
    """
    scores, changes = [], []
    for study, given, mask in zip(pair.studies, vectors, masks, strict=True):
        check_both_classes(study)
        values = score_values(given, attack)
        masked = membership_scores(study, values, mask)
        bare = membership_scores(study, values, MaskSpec(kind="none"))
        table = metric_intervals(
            study.is_member,
            {"mask": masked, "none": bare},
            pairs=[("mask", "none")],
            num_resamples=num_resamples,
            seed=seed,
            positive=positive,
            fprs=(),
            progress=progress,
        )
        scores.append(masked)
        changes.append(table.differences["mask", "none"]["auc"])
    return PairAttack(
        counts=tuple(
            np.atleast_2d(detection_counts(study.is_member, rows, positive=positive)).mean(axis=0)
            for study, rows in zip(pair.studies, scores, strict=True)
        ),
        table=score_differences(
            pair,
            tuple(scores),
            positive=positive,
            num_resamples=num_resamples,
            seed=seed,
            fprs=FPRS,
            progress=progress,
        ),
        change=tuple(changes),
        change_difference=independent_difference(*changes),
    )
