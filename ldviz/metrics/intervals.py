"""95 % intervals of attack metrics by a stratified, paired bootstrap.

Members and held-out images are resampled apart, with the same resamples for every
score vector, so that the interval of a difference (masked minus unmasked) profits
from what the two have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import (
    FPRS,
    Positive,
    allowed_accusations,
    checked_scores,
    curve_metrics,
    tpr_key,
)
from ldviz.randomness import keyed_generator

_CHUNK_BYTES = 1 << 24


@dataclass(frozen=True)
class MetricTable:
    """Metrics of several score vectors and of their paired differences.

    Attributes:
        metrics: name of the scores, then metric key, to the number.
        differences: (a, b), then metric key, to a minus b.
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
) -> MetricTable:
    """AUC, ASR and TPR at ``fprs`` of each score vector, each with its 95 % interval."""
    labels = np.asarray(is_member)
    names = list(scores)
    for pair in pairs:
        for name in pair:
            if name not in scores:
                raise InputError(f'No scores named "{name}"; there are {", ".join(names)}.')
    vectors = {}
    for name in names:
        labels, values = checked_scores(is_member, scores[name])
        vectors[name] = np.atleast_2d(values)
    n_member = int(labels.sum())
    n_held_out = labels.size - n_member
    points = {
        name: {
            key: float(value.mean())
            for key, value in curve_metrics(labels, rows, positive=positive, fprs=fprs).items()
        }
        for name, rows in vectors.items()
    }
    draws = _bootstrap(labels, vectors, num_resamples, seed, positive, fprs)

    def measured(value: float, samples: np.ndarray) -> Measured:
        available = np.isfinite(value)
        low, high = np.quantile(samples, (0.025, 0.975)) if available else (0.0, 0.0)
        return Measured(
            value=value if available else None,
            ci95=(float(low), float(high)) if available else None,
            n_member=n_member,
            n_held_out=n_held_out,
            seed=seed,
            num_resamples=num_resamples,
        )

    keys = list(points[names[0]]) if names else []
    return MetricTable(
        metrics={
            name: {key: measured(points[name][key], draws[name][key]) for key in keys}
            for name in names
        },
        differences={
            (a, b): {
                key: measured(points[a][key] - points[b][key], draws[a][key] - draws[b][key])
                for key in keys
            }
            for a, b in pairs
        },
    )


def _bootstrap(labels, vectors, num_resamples, seed, positive, fprs):
    """Metric values on each resample."""
    is_positive = labels if positive == "member" else ~labels
    sign = 1.0 if positive == "member" else -1.0
    n1, n0 = int(is_positive.sum()), int((~is_positive).sum())
    keys = ["auc", "asr", *(tpr_key(fpr) for fpr in fprs)]
    draws = {name: {key: np.zeros(num_resamples) for key in keys} for name in vectors}
    chunk = max(16, min(num_resamples, _CHUNK_BYTES // (4 * labels.size)))
    plans = {}
    for name, rows in vectors.items():
        plans[name] = []
        for row in sign * rows:
            pos_order = np.argsort(-row[is_positive], kind="stable")
            neg_order = np.argsort(-row[~is_positive], kind="stable")
            pos = -row[is_positive][pos_order]
            neg = -row[~is_positive][neg_order]
            plans[name].append(
                (
                    pos_order,
                    neg_order,
                    np.searchsorted(pos, neg, side="left"),
                    np.searchsorted(pos, neg, side="right"),
                    np.searchsorted(neg, neg, side="left"),
                )
            )
    for start in range(0, num_resamples, chunk):
        size = min(chunk, num_resamples - start)
        generator = keyed_generator("bootstrap", seed, start)
        positive_counts = _multinomial(generator, n1, size)
        negative_counts = _multinomial(generator, n0, size)
        for name, plan in plans.items():
            for pos_order, neg_order, above, at_or_above, before in plan:
                found = _cumulative(positive_counts[pos_order])
                accused = _cumulative(negative_counts[neg_order])
                above_found = found[above]
                values = draws[name]
                part = slice(start, start + size)
                both = above_found + found[at_or_above]
                weights = negative_counts[neg_order]
                values["auc"][part] += np.einsum("jb,jb->b", both, weights, dtype=np.float64) / (
                    2.0 * n1 * n0
                )
                gap = (above_found / n1 - accused[before] / n0).max(axis=0)
                values["asr"][part] += 0.5 + 0.5 * np.maximum(gap, 0.0)
                for fpr in fprs:
                    allowed = allowed_accusations(fpr, n0)
                    if not 0 < allowed < n0:
                        values[tpr_key(fpr)][part] += 1.0 if allowed else np.nan
                        continue
                    index = (accused[1:] <= allowed).sum(axis=0)
                    values[tpr_key(fpr)][part] += above_found[index, np.arange(size)] / n1
    for name, plan in plans.items():
        for key in keys:
            draws[name][key] /= len(plan)
    return draws


def _multinomial(generator, n, size):
    cells = generator.integers(0, n, (n, size)) * size + np.arange(size)
    return np.bincount(cells.ravel(), minlength=n * size).reshape(n, size).astype(np.int32)


def _cumulative(counts):
    total = np.zeros((counts.shape[0] + 1, counts.shape[1]), dtype=np.int32)
    for row, count in enumerate(counts):
        np.add(total[row], count, out=total[row + 1])
    return total
