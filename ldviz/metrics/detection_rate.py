"""How far to trust a TPR at a fixed FPR: members above an estimated threshold.

At a small FPR the threshold is one of the few highest negatives, so most of the error
is the threshold's and the bootstrap distribution is lumpy.

**One score vector**: percentiles over resamples of the positives and over where the
threshold may lie among the negatives.  The FPR of a threshold between two of n sorted
negatives is known up to chance, whatever their distribution: FPRs at the sorted negatives
split [0, 1] as n + 1 exponential spacings do.  Resampling the negatives instead puts the
threshold no higher than the highest of them, though the true one lies above all with
chance (1 - FPR) ** n: 37 % at 1 % of 100, and intervals then cover 81 %.

**A difference of two** on the same samples: centred on the value, with the mean of two
variances.  Resampling a jump adds the jumps of the resample to those of the sample, so
the bootstrap variance counts them twice (percentiles then cover 99 % and more); the
linear part alone leaves them out.  The linear part of a positive is the share of
resamples whose threshold lies below it, that of a negative the same times minus the
slope of the ROC, read off a power law through neighbouring ranks.

Coverage, simulated: ``docs/metrics.md`` and ``benchmarks/intervals.py``.

Source: Rubin 1981 and Gu, Ghosal and Roy 2008 (exponential spacings, the Bayesian
bootstrap of a ROC); Pepe 2003, section 5.2 (the two parts of the variance and the slope);
Efron 2014 (smoothing jumps by averaging over resamples).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ldviz.metrics.resampling import RankedScores, cumulative
from ldviz.metrics.roc import allowed_accusations


@dataclass
class DetectionRate:
    """TPR at one FPR over resamples, added up over chunks of them.

    Attributes:
        fpr: the target; at least one and not all negatives may be accused.
        steps: chunks of the TPR on the exact ROC of each resample.
        interpolated: chunks of the TPR at thresholds drawn by spacings.
        threshold_counts: (n_negative,) how often each negative, in descending order, was
            the threshold of the exact ROC.
    """

    fpr: float
    steps: list[np.ndarray] = field(default_factory=list)
    interpolated: list[np.ndarray] = field(default_factory=list)
    threshold_counts: np.ndarray | int = 0


def add_resamples(
    rates: list[DetectionRate],
    ranked: RankedScores,
    found: np.ndarray,
    negative_counts: np.ndarray,
    negative_spacings: np.ndarray,
) -> None:
    """Add one chunk of resamples to the rates of one score vector.

    Args:
        rates: one per FPR.
        ranked: the score vector.
        found: (n_positive + 1, b) running totals of positives in score order.
        negative_counts: (n_negative, b).
        negative_spacings: (n_negative + 1, b) exponentials, one per negative and one more.
    """
    if not rates:
        return
    num_negative = negative_counts.shape[0]
    order = ranked.negative_order
    largest = max(rate.fpr for rate in rates)
    accused = _running_totals(
        negative_counts, order, allowed_accusations(largest, num_negative) + 1.0
    )[1:]
    reached_fpr = _running_totals(
        negative_spacings, order, largest * negative_spacings.sum(axis=0)
    ) / negative_spacings.sum(axis=0)
    column = np.arange(negative_counts.shape[1])
    # found_above[i]: positives above the i-th negative, counted from 1; 0 = above them all.
    above = np.concatenate([[0], ranked.above])
    for rate in rates:
        below = (reached_fpr <= rate.fpr).sum(axis=0) - 1
        share = found[above[below], column]
        past = np.minimum(below + 1, num_negative)
        after = np.where(below < num_negative, found[above[past], column], found[-1])
        fpr = reached_fpr[below, column]
        fpr_after = np.where(below < num_negative, reached_fpr[past, column], 1.0)
        weight = (rate.fpr - fpr) / (fpr_after - fpr)
        rate.interpolated.append((share + weight * (after - share)) / found[-1])
        place = (accused <= allowed_accusations(rate.fpr, num_negative)).sum(axis=0)
        rate.steps.append(found[ranked.above[place], column] / found[-1])
        rate.threshold_counts = rate.threshold_counts + np.bincount(place, minlength=num_negative)


def linear_part(rate: DetectionRate, ranked: RankedScores) -> tuple[np.ndarray, np.ndarray]:
    """What each positive and each negative adds to the TPR, to first order.

    Returns:
        (n_positive,) and (n_negative,), in the order of the samples; their means, minus
        one another, vary as the TPR does.
    """
    num_positive, num_negative = ranked.positive_order.size, ranked.negative_order.size
    counts = rate.threshold_counts
    # at_or_below[j]: share of resamples whose threshold is the j-th negative or a later one
    at_or_below = np.cumsum(counts[::-1])[::-1] / counts.sum()
    at_or_below = np.append(at_or_below, 0.0)
    positives = np.empty(num_positive)
    negatives = np.empty(num_negative)
    first_above = np.searchsorted(ranked.above, np.arange(num_positive), side="right")
    positives[ranked.positive_order] = at_or_below[first_above]
    first_below = np.searchsorted(ranked.before, ranked.before, side="right")
    negatives[ranked.negative_order] = at_or_below[first_below]
    slope = roc_slope(ranked.above, num_positive, rate.fpr)
    return positives, slope * negatives


def roc_slope(above: np.ndarray, num_positive: int, fpr: float) -> float:
    """d TPR / d FPR of the ROC at ``fpr``, from a power law through nearby ranks.

    The window reaches over 1.3 + 5 / sqrt(rank) times the rank either way: wide enough
    for some fifteen negatives, narrow where there are many.
    """
    num_negative = above.size
    middle = max(1, allowed_accusations(fpr, num_negative))
    spread = 1.3 + 5.0 / math.sqrt(middle)
    low = max(1, math.floor(middle / spread))
    high = min(num_negative, math.ceil(middle * spread))
    if high == low:
        return 0.0
    ranks = np.arange(low, high + 1)
    log_fpr = np.log(ranks / (num_negative + 1))
    log_tpr = np.log((above[ranks - 1] + 0.5) / (num_positive + 1))
    centred = log_fpr - log_fpr.mean()
    exponent = float(centred @ log_tpr / (centred @ centred))
    at_fpr = math.exp(log_tpr.mean() + exponent * (math.log(fpr) - log_fpr.mean()))
    return exponent * at_fpr / fpr


def linear_variance(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Variance of mean(positives) - mean(negatives).

    At least one sample per class counts as differing, so that agreement on few samples
    is not taken for certainty.
    """
    variance = 0.0
    for group in (positives, negatives):
        variance += (max((group**2).sum(), 1.0) - group.sum() ** 2 / group.size) / group.size**2
    return variance


def _running_totals(
    amounts: np.ndarray, order: np.ndarray, needed: np.ndarray | float
) -> np.ndarray:
    """Running totals of the highest negatives until every column exceeds ``needed``.

    Returns:
        (rows + 1, b), the first row 0; all negatives where the totals never get there.
    """
    expected = float(np.max(needed))
    rows = math.ceil(expected + 8.0 * math.sqrt(expected)) + 16
    while True:
        totals = cumulative(amounts, order[:rows])
        if rows >= order.size or (totals[-1] > needed).all():
            return totals
        rows *= 2
