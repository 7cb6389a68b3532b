"""Named masks side by side: each one's ROC and numbers, and every paired difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.intervals import MetricTable, metric_intervals
from ldviz.metrics.roc import Positive, detection_counts
from ldviz.study.evidence import check_both_classes
from ldviz.study.scores import membership_scores
from ldviz.study.store import Study

UNMASKED = "No mask"


@dataclass(frozen=True)
class NamedMasks:
    """Masks measured on the same samples and resamples.

    Attributes:
        table: ``UNMASKED`` and each name; differences of each to ``UNMASKED`` and of each pair.
        counts: name to (n_negative,) float64, positives found at each number of false
            accusations; the mean over the draws of a random mask.
        spread: name to their standard deviation over draws (ddof 0), for random masks alone.
    """

    table: MetricTable
    counts: dict[str, np.ndarray]
    spread: dict[str, np.ndarray]


def measure_named(
    study: Study,
    values: np.ndarray,
    masks: Mapping[str, MaskSpec],
    *,
    positive: Positive = "member",
    num_resamples: int,
    seed: int = 0,
) -> NamedMasks:
    """Measure masks beside no mask.

    Args:
        study: whose influence ranks the dimensions.
        values: (n, d) from ``score_values``.
        masks: name to mask; no name may be ``UNMASKED``.
        positive: the class that counts as detected.
        num_resamples, seed: of the intervals.

    Raises:
        InputError: if a mask does not fit the study, a score is not finite, or all samples
            are of one class.
    """
    check_both_classes(study)
    scores = {UNMASKED: membership_scores(study, values, MaskSpec(kind="none"))}
    for name, spec in masks.items():
        scores[name] = membership_scores(study, values, spec)
    pairs = [(name, UNMASKED) for name in masks] + list(combinations(masks, 2))
    table = metric_intervals(
        study.is_member,
        scores,
        pairs=pairs,
        num_resamples=num_resamples,
        seed=seed,
        positive=positive,
    )
    counts, spread = {}, {}
    for name, rows in scores.items():
        found = np.atleast_2d(detection_counts(study.is_member, rows, positive=positive))
        counts[name] = found.mean(axis=0)
        if len(found) > 1:
            spread[name] = found.std(axis=0)
    return NamedMasks(table, counts, spread)
