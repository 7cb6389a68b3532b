"""Exact ROC curves and the numbers read off them.

Everything rests on one staircase, :func:`detection_counts`: for every number j
of false accusations, how many positives are found at most.  AUC, attack success
rate and TPR at a given FPR are sums, maxima and entries of it, so many curves
(a mask swept over its drop fractions) cost one sort each.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from ldviz.errors import InputError
from ldviz.threads import in_threads

Positive = Literal["member", "held_out"]

#: False positive rates at which the true positive rate is reported.
FPRS = (0.1, 0.01, 0.001)

_CHUNK = 1 << 17  # scores sorted at a time: the working set stays in cache


class UndefinedMetricWarning(UserWarning):
    """A metric needs both classes and got one; its value is nan."""


@dataclass(frozen=True)
class RocCurve:
    """An exact empirical ROC curve, one point per distinct score.

    Attributes:
        fpr, tpr: (k,) shares in [0, 1], from (0, 0) to (1, 1).
        thresholds: (k,) membership scores.  With members positive, a sample is
            called a member when its score is at least the threshold; with held-out
            images positive, it is called held-out when its score is at most that.
        positive: the class that counts as detected.
        n_member, n_held_out: sample counts.
    """

    fpr: np.ndarray
    tpr: np.ndarray
    thresholds: np.ndarray
    positive: Positive
    n_member: int
    n_held_out: int


def checked_scores(
    is_member: np.ndarray, membership_score: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The labels as (n,) bool and the scores as (n,) or (K, n) float64.

    Raises:
        InputError: labels are not one bool per sample, shapes differ, or a score is
            NaN or infinite (an infinite score is an overflow, and its rank is noise).
    """
    labels = np.asarray(is_member)
    scores = np.asarray(membership_score, dtype=np.float64)
    if labels.ndim != 1 or not np.isin(labels, (0, 1)).all():
        raise InputError(
            "`is_member` must hold one True (member) or False (held-out) per sample, "
            f"got an array of shape {labels.shape} and type {labels.dtype}."
        )
    if scores.ndim not in (1, 2) or scores.shape[-1] != labels.shape[0]:
        raise InputError(
            f"Scores of shape {scores.shape} do not fit {labels.shape[0]} samples: "
            "give one score per sample, shape (n,) or (K, n)."
        )
    bad = ~np.isfinite(scores)
    if bad.any():
        samples = np.flatnonzero(bad.reshape(-1, scores.shape[-1]).any(axis=0))
        raise InputError(
            f"The scores of {samples.size} of {labels.shape[0]} samples are NaN or infinite "
            f"(first: {samples[0]}). A ROC over them would be meaningless; recompute the attack."
        )
    return labels.astype(bool), scores


def detection_counts(
    is_member: np.ndarray, membership_score: np.ndarray, *, positive: Positive = "member"
) -> np.ndarray:
    """The exact ROC staircase in counts.

    Entry j is the largest number of positives found by any threshold that accuses at
    most j negatives: with the negatives sorted from most to least suspicious,
    h_0 >= h_1 >= ..., the threshold just above h_j accuses at most j of them and finds
    the positives that score strictly above h_j.

    Args:
        is_member: (n,) bool.
        membership_score: (n,) or (K, n), higher = member.
        positive: ``"member"``, or ``"held_out"`` for the convention of the paper's code.

    Returns:
        (n_negative,) or (K, n_negative) int64, not decreasing along the last axis.

    Raises:
        InputError: shapes that do not fit, NaN or infinite scores.

    Cost: one sort of n scores per row.
    """
    labels, scores = checked_scores(is_member, membership_score)
    above, _ = staircase(*_oriented(labels, np.atleast_2d(scores), positive))
    return above[0] if scores.ndim == 1 else above


def curve_metrics(
    is_member: np.ndarray,
    membership_score: np.ndarray,
    *,
    positive: Positive = "member",
    fprs: Sequence[float] = FPRS,
) -> dict[str, np.ndarray]:
    """AUC, ASR and TPR at each of ``fprs`` for many score vectors in one pass.

    Args:
        is_member: (n,) bool.
        membership_score: (n,) or (K, n), higher = member.
        positive: the class that counts as detected.
        fprs: target false positive rates in (0, 1].

    Returns:
        ``{"auc", "asr", tpr_key(fpr), ...}``, each () or (K,) float64 in [0, 1]; ``nan``
        where there is one class only (with a warning) or, for a TPR, where there are
        too few negatives for its FPR.

    Raises:
        InputError: as :func:`detection_counts`; an FPR outside (0, 1].
    """
    labels, scores = checked_scores(is_member, membership_score)
    above, at_or_above = staircase(*_oriented(labels, np.atleast_2d(scores), positive))
    num_positive, num_negative = _class_counts(labels, positive)
    metrics = metrics_of_counts(above, at_or_above, num_positive, num_negative, fprs=fprs)
    if scores.ndim == 1:
        return {key: values[0] for key, values in metrics.items()}
    return metrics


def metrics_of_counts(
    above: np.ndarray,
    at_or_above: np.ndarray,
    num_positive: int,
    num_negative: int,
    *,
    fprs: Sequence[float] = FPRS,
) -> dict[str, np.ndarray]:
    """The metrics of staircases (K, num_negative), as :func:`curve_metrics` returns them.

    Args:
        above: positives scoring strictly above each negative, negatives descending.
        at_or_above: the same, equal scores included; they count half in the AUC.
        num_positive, num_negative: sample counts.
        fprs: target false positive rates.
    """
    rows = above.shape[0]
    if not _both_classes(num_positive, num_negative):
        return {key: np.full(rows, np.nan) for key in metric_keys(fprs)}
    pairs = num_positive * num_negative
    metrics = {
        "auc": (above.sum(axis=1) + at_or_above.sum(axis=1)) / (2 * pairs),
        # TPR - FPR is largest where a negative is about to be accused, or at the ends (0).
        "asr": (above * num_negative - np.arange(num_negative) * num_positive).max(axis=1)
        / (2 * pairs)
        + 0.5,
    }
    for fpr in fprs:
        allowed = allowed_accusations(fpr, num_negative)
        if allowed == 0:
            tpr = np.full(rows, np.nan)
        elif allowed == num_negative:
            tpr = np.ones(rows)
        else:
            tpr = above[:, allowed] / num_positive
        metrics[tpr_key(fpr)] = tpr
    return metrics


def roc_curve(
    is_member: np.ndarray, membership_score: np.ndarray, *, positive: Positive = "member"
) -> RocCurve:
    """The exact ROC curve, one point per distinct score, nothing thinned out.

    Equal scores move the curve by one straight segment, whose area counts ties half.

    Args:
        is_member: (n,) bool.
        membership_score: (n,), higher = member.
        positive: the class that counts as detected.

    Returns:
        The curve; a rate whose class is empty is ``nan`` throughout, with a warning.

    Raises:
        InputError: shapes that do not fit, NaN or infinite scores.

    Source: Fawcett 2006, algorithm 1; as scikit-learn's with ``drop_intermediate=False``.
    """
    labels, scores = checked_scores(is_member, membership_score)
    _check_one_vector(scores)
    is_positive, ranking = _oriented(labels, scores, positive)
    num_positive, num_negative = _class_counts(labels, positive)
    _both_classes(num_positive, num_negative)
    order = np.argsort(-ranking, kind="stable")
    found = np.cumsum(is_positive[order])
    last_of_score = np.append(np.flatnonzero(np.diff(ranking[order])), labels.size - 1)
    if labels.size == 0:
        last_of_score = last_of_score[:0]
    true_positives = np.concatenate([[0], found[last_of_score]])
    false_positives = np.concatenate([[0], last_of_score + 1]) - true_positives
    sign = 1.0 if positive == "member" else -1.0
    return RocCurve(
        fpr=_share(false_positives, num_negative),
        tpr=_share(true_positives, num_positive),
        thresholds=np.concatenate([[sign * np.inf], scores[order][last_of_score]]),
        positive=positive,
        n_member=int(labels.sum()),
        n_held_out=int((~labels).sum()),
    )


def roc_auc(
    is_member: np.ndarray, membership_score: np.ndarray, *, positive: Positive = "member"
) -> float:
    """The chance that a member outscores a held-out image, ties counted half.

    It does not depend on ``positive``.  One class only: ``nan`` and a warning.

    Raises:
        InputError: shapes that do not fit, NaN or infinite scores.

    Source: Hanley and McNeil 1982 (the Mann-Whitney statistic).
    """
    return _one_metric(is_member, membership_score, positive, "auc")


def attack_success_rate(
    is_member: np.ndarray, membership_score: np.ndarray, *, positive: Positive = "member"
) -> float:
    """ASR: the largest (TPR + 1 - FPR) / 2 over all thresholds, in [0.5, 1].

    The threshold is chosen on the samples it is scored on, so the value is
    optimistic; :mod:`ldviz.metrics.intervals` says by how much.  It does not depend
    on ``positive``.  One class only: ``nan`` and a warning.

    Raises:
        InputError: shapes that do not fit, NaN or infinite scores.
    """
    return _one_metric(is_member, membership_score, positive, "asr")


def tpr_at_fpr(
    is_member: np.ndarray,
    membership_score: np.ndarray,
    fpr: float,
    *,
    positive: Positive = "member",
) -> float | None:
    """The largest TPR on the exact ROC with a false positive rate of at most ``fpr``.

    Args:
        is_member: (n,) bool.
        membership_score: (n,), higher = member.
        fpr: target in (0, 1].
        positive: the class that counts as detected; it changes this metric.

    Returns:
        A share in [0, 1]; None when ``fpr`` is below 1 / n_negative, where not even one
        false accusation is allowed and the number would rest on a single image;
        ``nan`` and a warning with one class only.

    Raises:
        InputError: shapes that do not fit, NaN or infinite scores, ``fpr`` outside (0, 1].

    Source: Carlini et al. 2022, section IV (members positive).
    """
    labels, _ = checked_scores(is_member, membership_score)
    num_negative = _class_counts(labels, positive)[1]
    if num_negative and allowed_accusations(fpr, num_negative) == 0:
        return None
    return _one_metric(is_member, membership_score, positive, tpr_key(fpr), fprs=(fpr,))


def confusion_counts(
    is_member: np.ndarray, membership_score: np.ndarray, threshold: float
) -> dict[str, int]:
    """Who is called a member when every score of at least ``threshold`` is.

    Returns:
        ``{"members_found", "members_missed", "held_out_accused", "held_out_cleared"}``.

    Raises:
        InputError: shapes that do not fit, NaN or infinite scores.
    """
    labels, scores = checked_scores(is_member, membership_score)
    _check_one_vector(scores)
    called = scores >= threshold
    return {
        "members_found": int((called & labels).sum()),
        "members_missed": int((~called & labels).sum()),
        "held_out_accused": int((called & ~labels).sum()),
        "held_out_cleared": int((~called & ~labels).sum()),
    }


def display_columns(num_negative: int, max_columns: int = 200) -> np.ndarray:
    """Which entries of a staircase to draw: every one where few are accused, then fewer.

    A quarter of them is the start of the staircase, entry by entry, so that the
    low-FPR end of a logarithmic axis is exact; the others are spread evenly over the
    logarithmic and over the linear axis, so that neither shows a gap.

    Args:
        num_negative: length of the staircase.
        max_columns: most entries to keep, at least 8.

    Returns:
        Ascending int64 columns in [0, num_negative), first and last among them; all of
        them when they are few.
    """
    if max_columns < 8:
        raise InputError(f"`max_columns` must be at least 8, got {max_columns}.")
    if num_negative <= max_columns:
        return np.arange(num_negative)
    quarter = max_columns // 4
    last = num_negative - 1
    log_spaced = np.rint(np.geomspace(1, last, quarter)).astype(np.int64)
    evenly_spaced = np.rint(np.linspace(0, last, max_columns - 2 * quarter)).astype(np.int64)
    return np.unique(np.concatenate([np.arange(quarter), log_spaced, evenly_spaced]))


def display_curve(
    counts: np.ndarray, num_positive: int, *, max_columns: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """Staircases reduced to what a screen can show, on one common FPR axis.

    Every point lies on the exact curve.  Joined by straight lines they are the exact
    staircase wherever consecutive entries are kept, its chords elsewhere.

    Args:
        counts: (n_negative,) or (K, n_negative) from :func:`detection_counts`.
        num_positive: number of positives.
        max_columns: most entries to keep; each is a vertical line of two points.

    Returns:
        fpr (p,) and tpr (p,) or (K, p), from (0, 0) to (1, 1), p <= 2 max_columns + 2.
    """
    num_negative = counts.shape[-1]
    columns = display_columns(num_negative, max_columns)
    padding = [(0, 0)] * (counts.ndim - 1)
    reached = np.pad(counts, [*padding, (1, 1)], constant_values=(0, num_positive))
    corners = np.concatenate([columns, [num_negative]])
    found = np.stack([reached[..., corners], reached[..., corners + 1]], axis=-1)
    tpr = found.reshape(*counts.shape[:-1], -1) / num_positive
    return np.repeat(corners / num_negative, 2), tpr


def tpr_key(fpr: float) -> str:
    """The name of "TPR at this FPR" in tables: 0.001 gives ``tpr_at_0_1pct_fpr``."""
    if not 0.0 < fpr <= 1.0:
        raise InputError(
            f"A target FPR must be in (0, 1], got {fpr}. Percentages are written as fractions: "
            "0.01."
        )
    return f"tpr_at_{f'{100 * fpr:.10g}'.replace('.', '_')}pct_fpr"


def metric_keys(fprs: Sequence[float] = FPRS) -> tuple[str, ...]:
    """The names of the metrics of one curve, in reading order."""
    return ("auc", "asr", *(tpr_key(fpr) for fpr in fprs))


def allowed_accusations(fpr: float, num_negative: int) -> int:
    """How many negatives an FPR of at most ``fpr`` lets one accuse (0.29 of 100 is 29)."""
    tpr_key(fpr)  # the range check
    return math.floor(fpr * num_negative + 1e-9)


def staircase(is_positive: np.ndarray, ranking: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positives strictly above, and at or above, each negative in descending order.

    Args:
        is_positive: (n,) bool.
        ranking: (K, n) float64, finite; higher = more likely positive.

    Returns:
        Two (K, n_negative) int64 arrays; one and the same where no row has ties.

    Cost: one argsort of n per row.  A negative at place p of the descending order has
    p - j positives before it, j being its number among the negatives; only rows with
    equal scores need more than that.
    """
    num_rows, num_samples = ranking.shape
    step = max(1, _CHUNK // max(1, num_samples))
    blocks = [ranking[start : start + step] for start in range(0, num_rows, step)]
    parts = in_threads(partial(_staircase_rows, is_positive), blocks, pays=len(blocks) > 1)
    if not parts:
        above = np.empty((0, num_samples - int(is_positive.sum())), dtype=np.int64)
        return above, above
    above = np.concatenate([part[0] for part in parts])
    if all(part[0] is part[1] for part in parts):
        return above, above
    return above, np.concatenate([part[1] for part in parts])


def _staircase_rows(is_positive: np.ndarray, ranking: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:func:`staircase` of some rows."""
    descending = -ranking
    order = np.argsort(descending, axis=1)
    negatives = len(is_positive) - int(is_positive.sum())
    place = np.nonzero(~is_positive[order])[1].reshape(len(ranking), negatives)
    above = place - np.arange(negatives)
    ordered = np.take_along_axis(descending, order, axis=1)
    tied_rows = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    at_or_above = above.copy() if tied_rows.size else above
    for row in tied_rows:
        found = np.sort(descending[row, is_positive])
        accused = np.sort(descending[row, ~is_positive])
        above[row] = np.searchsorted(found, accused, side="left")
        at_or_above[row] = np.searchsorted(found, accused, side="right")
    return above, at_or_above


def _oriented(
    labels: np.ndarray, scores: np.ndarray, positive: Positive
) -> tuple[np.ndarray, np.ndarray]:
    """Who is positive, and scores that are higher for positives."""
    if positive == "member":
        return labels, scores
    if positive == "held_out":
        return ~labels, -scores
    raise InputError(f'`positive` must be "member" or "held_out", got {positive!r}.')


def _class_counts(labels: np.ndarray, positive: Positive) -> tuple[int, int]:
    """Number of positives and of negatives."""
    num_member = int(labels.sum())
    num_held_out = labels.size - num_member
    return (num_member, num_held_out) if positive == "member" else (num_held_out, num_member)


def _both_classes(num_positive: int, num_negative: int) -> bool:
    """Whether a ROC is defined; warns when it is not."""
    if num_positive and num_negative:
        return True
    warnings.warn(
        f"A ROC needs members and held-out images; got {num_positive} positives and "
        f"{num_negative} negatives. The metrics are undefined (nan).",
        UndefinedMetricWarning,
        stacklevel=3,
    )
    return False


def _check_one_vector(scores: np.ndarray) -> None:
    if scores.ndim != 1:
        raise InputError(f"Expected one score per sample, shape (n,), got {scores.shape}.")


def _one_metric(
    is_member: np.ndarray,
    membership_score: np.ndarray,
    positive: Positive,
    key: str,
    *,
    fprs: Sequence[float] = (),
) -> float:
    """One number of one score vector."""
    _check_one_vector(np.asarray(membership_score))
    return float(curve_metrics(is_member, membership_score, positive=positive, fprs=fprs)[key])


def _share(counts: np.ndarray, total: int) -> np.ndarray:
    """Counts as shares of ``total``; nan when there is nothing to share."""
    return counts / total if total else np.full(counts.shape, np.nan)
