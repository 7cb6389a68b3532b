"""Two attacks on the same samples: do they order them alike, do they find the same members?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.roc import allowed_accusations, checked_scores


@dataclass(frozen=True)
class Agreement:
    """How far two attacks agree.

    Attributes:
        rank_correlation: Spearman's, over all samples, in [-1, 1]; nan when an attack
            gives all samples one score.
        rank_correlation_members, rank_correlation_held_out: within each class, where the
            difference between the classes cannot make two attacks look alike.
        found_a, found_b, found_both: members found at ``fpr`` by each and by both.
        overlap: found_both / found by at least one (Jaccard); nan when none is found.
        expected_overlap: what it would be if the two found members independently.
        fpr: the false positive rate; None counts where it allows no accusation.
    """

    rank_correlation: float
    rank_correlation_members: float
    rank_correlation_held_out: float
    found_a: int | None
    found_b: int | None
    found_both: int | None
    overlap: float | None
    expected_overlap: float | None
    fpr: float


def found_members(is_member: np.ndarray, membership_score: np.ndarray, fpr: float) -> np.ndarray:
    """Which members the exact ROC's point at an FPR of at most ``fpr`` finds.

    Args:
        is_member: (n,) bool.
        membership_score: (n,), higher = member.
        fpr: target in (0, 1].

    Returns:
        (n,) bool, True only for members; their share is ``tpr_at_fpr``.

    Raises:
        InputError: shapes that do not fit, scores that are not finite, ``fpr`` outside
            (0, 1] or below 1 / n_held_out.
    """
    labels, scores = checked_scores(is_member, membership_score)
    held_out = np.sort(scores[~labels])[::-1]
    allowed = allowed_accusations(fpr, held_out.size)
    if allowed == 0:
        raise InputError(
            f"An FPR of {fpr} needs at least {math.ceil(1 / fpr)} held-out images, "
            f"there are {held_out.size}."
        )
    if allowed == held_out.size:
        return labels
    return labels & (scores > held_out[allowed])


def attack_agreement(
    is_member: np.ndarray, score_a: np.ndarray, score_b: np.ndarray, *, fpr: float = 0.01
) -> Agreement:
    """Rank correlation of two attacks and overlap of the members they find.

    Args:
        is_member: (n,) bool.
        score_a, score_b: (n,), higher = member.
        fpr: where members count as found.

    Returns:
        The agreement; counts and overlaps are None where too few held-out images are
        there for ``fpr``.

    Raises:
        InputError: shapes that do not fit, scores that are not finite.

    Source: Spearman 1904; Jaccard 1912.
    """
    labels, first = checked_scores(is_member, score_a)
    _, second = checked_scores(is_member, score_b)
    correlations = [
        rank_correlation(first[rows], second[rows])
        for rows in (np.ones_like(labels), labels, ~labels)
    ]
    if allowed_accusations(fpr, int((~labels).sum())) == 0:
        return Agreement(*correlations, None, None, None, None, None, fpr)
    by_a = found_members(labels, first, fpr)
    by_b = found_members(labels, second, fpr)
    both, either = int((by_a & by_b).sum()), int((by_a | by_b).sum())
    share_a, share_b = by_a.sum() / labels.sum(), by_b.sum() / labels.sum()
    union = share_a + share_b - share_a * share_b
    return Agreement(
        *correlations,
        found_a=int(by_a.sum()),
        found_b=int(by_b.sum()),
        found_both=both,
        overlap=both / either if either else float("nan"),
        expected_overlap=float(share_a * share_b / union) if either else float("nan"),
        fpr=fpr,
    )


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation with mid-ranks for ties; nan where one side is constant."""
    from scipy.stats import rankdata

    if first.size < 2:
        return float("nan")
    a, b = rankdata(first), rankdata(second)
    a -= a.mean()
    b -= b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale else float("nan")
