"""95 % intervals of attack metrics by a stratified, paired bootstrap.

Members and held-out images are resampled apart, with the same resamples for every
score vector, so that the interval of a difference (masked minus unmasked) profits
from what the two have in common.  AUC takes percentiles; the two metrics for which
percentiles fail have their own rooms: :mod:`~ldviz.metrics.success_rate` (ASR) and
:mod:`~ldviz.metrics.detection_rate` (TPR at a fixed FPR).

Source: Efron and Tibshirani 1993, chapters 8 (strata) and 13 (percentiles); Bertail,
Clémençon and Vayatis 2008 (bootstrapping ROC curves).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.detection_rate import (
    DetectionRate,
    add_resamples,
    linear_part,
    linear_variance,
)
from ldviz.metrics.measured import Measured
from ldviz.metrics.resampling import (
    RankedScores,
    cumulative,
    ranked_scores,
    resample_chunks,
    spacings,
)
from ldviz.metrics.roc import (
    FPRS,
    Positive,
    allowed_accusations,
    checked_scores,
    curve_metrics,
    metric_keys,
    tpr_key,
)
from ldviz.metrics.strata import stratified_halves
from ldviz.metrics.success_rate import (
    SuccessRate,
    split_success_rate,
    success_rate,
    success_rate_difference_interval,
    success_rate_interval,
)
from ldviz.progress import Progress, no_progress

#: Samples that each class needs for an interval; with fewer, a resample is no picture
#: of the sampling error.
MIN_PER_CLASS = 10

MIN_RESAMPLES = 100

Interval = tuple[float, float]


@dataclass(frozen=True)
class MetricTable:
    """Metrics of several score vectors and of their paired differences.

    Attributes:
        metrics: name of the scores, then metric key, to the number.  Keys: ``auc``,
            ``asr``, ``asr_split`` and one :func:`~ldviz.metrics.roc.tpr_key` per FPR.
        differences: (a, b), then metric key (no ``asr_split``), to a minus b.
    """

    metrics: dict[str, dict[str, Measured]]
    differences: dict[tuple[str, str], dict[str, Measured]]


def metric_intervals(
    is_member: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    pairs: Sequence[tuple[str, str]] = (),
    num_resamples: int = 2000,
    seed: int = 0,
    positive: Positive = "member",
    fprs: Sequence[float] = FPRS,
    progress: Progress = no_progress,
) -> MetricTable:
    """AUC, ASR and TPR at ``fprs`` of score vectors, each with its 95 % interval.

    ``asr`` is the largest value over thresholds and optimistic; ``asr_split`` chooses the
    threshold on one half and scores it on the other, swaps and averages, and is slightly
    pessimistic.  Both estimate one number and share its interval.

    Args:
        is_member: (n,) bool.
        scores: name to (n,) scores, or (G, n): the metric is then the mean over G draws.
        pairs: (a, b) for the difference a minus b.
        num_resamples: bootstrap resamples, at least 100.
        seed: of the resamples and halves.
        positive: the class that counts as detected.
        fprs: target false positive rates in (0, 1].
        progress: told of every chunk of resamples; may cancel.

    Returns:
        The table.  A TPR whose FPR is below 1 / n_negative has the value None; with one
        class only every value is None and a warning is given; with fewer than
        :data:`MIN_PER_CLASS` samples in a class there are values but no intervals.
        Notes say so.

    Raises:
        InputError: shapes that do not fit, NaN or infinite scores, unknown names in
            ``pairs``, too few resamples, an FPR outside (0, 1].

    Cost: with 2,000 resamples some 15 ms of a core per vector of 1,797 scores and half a
        second per vector of 50,000, besides drawing the resamples once.
    """
    if num_resamples < MIN_RESAMPLES:
        raise InputError(
            f"`num_resamples` must be at least {MIN_RESAMPLES}, got {num_resamples}: fewer "
            "resamples do not reach the 2.5 % on either side."
        )
    for name in (name for pair in pairs for name in pair):
        if name not in scores:
            raise InputError(f'No scores are named "{name}"; there are {", ".join(scores)}.')
    labels = np.asarray(is_member)
    rows: dict[str, np.ndarray] = {}
    for name, given in scores.items():
        labels, values = checked_scores(is_member, given)
        rows[name] = np.atleast_2d(values)
    curves = _Curves(labels, rows, num_resamples, seed, positive, tuple(fprs), progress)
    return MetricTable(
        metrics={name: curves.metrics(name) for name in rows},
        differences={(a, b): curves.differences(a, b) for a, b in pairs},
    )


class _Curves:
    """What the resamples say about every score vector, read off metric by metric."""

    def __init__(
        self,
        labels: np.ndarray,
        rows: dict[str, np.ndarray],
        num_resamples: int,
        seed: int,
        positive: Positive,
        fprs: tuple[float, ...],
        progress: Progress,
    ) -> None:
        self.labels, self.rows, self.fprs, self.seed = labels, rows, fprs, seed
        self.num_resamples = num_resamples
        self.n_member = int(labels.sum())
        self.n_held_out = labels.size - self.n_member
        self.member_positive = positive == "member"
        self.values = {
            name: {
                key: float(draws.mean())
                for key, draws in curve_metrics(labels, given, positive=positive, fprs=fprs).items()
            }
            for name, given in rows.items()
        }
        self.note = _note(self.n_member, self.n_held_out)
        self.auc: dict[str, np.ndarray] = {}
        self.tpr: dict[tuple[str, float], _TprDraws] = {}
        self.rate: dict[str, SuccessRate] = {}
        if not self.note:
            self._resample(progress)

    def metrics(self, name: str) -> dict[str, Measured]:
        """All metrics of one score vector."""
        values = self.values[name]
        table = {
            key: self._measured(values[key], lambda key=key: self._interval(name, key))
            for key in metric_keys(self.fprs)
        }
        split = float("nan")
        if min(self.n_member, self.n_held_out) > 1:
            first = stratified_halves(self.labels, seed=self.seed)
            split = split_success_rate(self.labels, self.rows[name], first)
        table["asr_split"] = self._measured(split, lambda: table["asr"].ci95)
        return table

    def differences(self, a: str, b: str) -> dict[str, Measured]:
        """All metrics of one score vector minus those of another."""
        return {
            key: self._measured(
                self.values[a][key] - self.values[b][key],
                lambda key=key: self._difference_interval(a, b, key),
            )
            for key in metric_keys(self.fprs)
        }

    def _resample(self, progress: Progress) -> None:
        is_positive = self.labels if self.member_positive else ~self.labels
        sign = 1.0 if self.member_positive else -1.0
        ranked = {
            name: [ranked_scores(sign * row[is_positive], sign * row[~is_positive]) for row in rows]
            for name, rows in self.rows.items()
        }
        num_negative = self.n_held_out if self.member_positive else self.n_member
        fprs = [f for f in self.fprs if 0 < allowed_accusations(f, num_negative) < num_negative]
        rates = {
            name: [[DetectionRate(fpr) for fpr in fprs] for _ in curves]
            for name, curves in ranked.items()
        }
        auc: dict[str, list[np.ndarray]] = {name: [] for name in ranked}
        drawn = 0
        for member_counts, held_out_counts in resample_chunks(
            self.n_member, self.n_held_out, self.num_resamples, self.seed
        ):
            positive_counts, negative_counts = (
                (member_counts, held_out_counts)
                if self.member_positive
                else (held_out_counts, member_counts)
            )
            progress(drawn, self.num_resamples, "resampling")
            width = negative_counts.shape[1]
            gaps = spacings(num_negative, width, self.seed, drawn) if fprs else np.empty(0)
            drawn += width
            for name, curves in ranked.items():
                areas = 0.0
                for one, one_rates in zip(curves, rates[name], strict=True):
                    found = cumulative(positive_counts, one.positive_order)
                    areas = areas + _areas(one, found, negative_counts)
                    add_resamples(one_rates, one, found, negative_counts, gaps)
                auc[name].append(areas / len(curves))
        for name, curves in ranked.items():
            progress(drawn, self.num_resamples, "resampling")
            self.auc[name] = np.concatenate(auc[name])
            self.rate[name] = success_rate(
                self.labels,
                self.rows[name],
                num_resamples=self.num_resamples,
                seed=self.seed,
            )
            for column, fpr in enumerate(fprs):
                draws = [one_rates[column] for one_rates in rates[name]]
                self.tpr[name, fpr] = _TprDraws.mean_of(draws, curves)

    def _interval(self, name: str, key: str) -> Interval:
        value = self.values[name][key]
        if key == "auc":
            if value in (0.0, 1.0):
                # All of m independent pairs were won, each with chance AUC: AUC ** m >= 2.5 %.
                slack = 1.0 - 0.025 ** (1.0 / min(self.n_member, self.n_held_out))
                return (1.0 - slack, 1.0) if value else (0.0, slack)
            return _percentiles(self.auc[name])
        if key == "asr":
            return success_rate_interval(self.rate[name], self.labels)
        draws = self._tpr_draws(name, key)
        if draws is None:
            return value, value
        low, high = _percentiles(draws.interpolated)
        # No positive within reach of the threshold, or all: as for proportions of 0 and 1.
        bound = 0.025 ** (1.0 / draws.positives.size)
        if high == 0.0:
            return 0.0, 1.0 - bound
        if low == 1.0:
            return bound, 1.0
        return min(low, value), max(high, value)

    def _difference_interval(self, a: str, b: str, key: str) -> Interval:
        value = self.values[a][key] - self.values[b][key]
        first, second = self.rows[a], self.rows[b]
        if (first == second[0]).all() and (second == first[0]).all():
            return 0.0, 0.0  # the same scores: no difference, whatever the sample
        if key == "auc":
            draws = self.auc[a] - self.auc[b]
            if draws.any():
                return _percentiles(draws)
            low, high = self._interval(a, key), self._interval(b, key)
            return low[0] - high[1], low[1] - high[0]
        if key == "asr":
            return success_rate_difference_interval(self.rate[a], self.rate[b], self.labels)
        draws_a, draws_b = self._tpr_draws(a, key), self._tpr_draws(b, key)
        if draws_a is None or draws_b is None:
            return value, value
        linear = linear_variance(
            draws_a.positives - draws_b.positives, draws_a.negatives - draws_b.negatives
        )
        resampled = float((draws_a.steps - draws_b.steps).var())
        reach = 1.959964 * np.sqrt((linear + resampled) / 2.0)
        return max(-1.0, value - reach), min(1.0, value + reach)

    def _tpr_draws(self, name: str, key: str) -> _TprDraws | None:
        """The draws behind a TPR; None where every negative may be accused."""
        for fpr in self.fprs:
            if tpr_key(fpr) == key:
                return self.tpr.get((name, fpr))
        raise KeyError(key)

    def _measured(self, value: float, interval) -> Measured:
        available = np.isfinite(value)
        has_interval = available and not self.note
        ci95 = interval() if has_interval else None
        note = self.note
        if not available and not note:
            note = "Not available: too few negatives for this false positive rate."
        return Measured(
            value=value if available else None,
            ci95=(float(ci95[0]), float(ci95[1])) if ci95 else None,
            n_member=self.n_member,
            n_held_out=self.n_held_out,
            seed=self.seed,
            num_resamples=self.num_resamples if has_interval else 0,
            note=note,
        )


@dataclass(frozen=True)
class _TprDraws:
    """TPR at one FPR over resamples and its linear part, averaged over draws of a mask."""

    steps: np.ndarray
    interpolated: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    @classmethod
    def mean_of(cls, rates: list[DetectionRate], curves: list[RankedScores]) -> _TprDraws:
        """The mean over draws, each ranked in its own way."""
        parts = [linear_part(rate, one) for rate, one in zip(rates, curves, strict=True)]
        return cls(
            steps=np.mean([np.concatenate(rate.steps) for rate in rates], axis=0),
            interpolated=np.mean([np.concatenate(rate.interpolated) for rate in rates], axis=0),
            positives=np.mean([part[0] for part in parts], axis=0),
            negatives=np.mean([part[1] for part in parts], axis=0),
        )


def _areas(ranked: RankedScores, found: np.ndarray, negative_counts: np.ndarray) -> np.ndarray:
    """AUC of each resample, ties counted half."""
    won = found[ranked.above]
    pairs = 1.0 * found[-1, 0] * negative_counts.shape[0]
    if (ranked.at_or_above != ranked.above).any():
        won += found[ranked.at_or_above]
        pairs *= 2.0
    won *= negative_counts[ranked.negative_order]
    return won.sum(axis=0, dtype=np.int64) / pairs


def _percentiles(draws: np.ndarray) -> Interval:
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def _note(n_member: int, n_held_out: int) -> str:
    """Why there is no interval; empty where there is one."""
    if not (n_member and n_held_out):
        return "Undefined: members and held-out images are both needed."
    if min(n_member, n_held_out) < MIN_PER_CLASS:
        return (
            f"No interval: it needs {MIN_PER_CLASS} members and {MIN_PER_CLASS} held-out "
            f"images, there are {n_member} and {n_held_out}."
        )
    return ""
