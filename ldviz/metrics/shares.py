"""The share of a class that scores higher than one image, with an interval for a share."""

from __future__ import annotations

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.measured import Measured


def share_above(scores: np.ndarray, score: float, *, is_member: bool) -> Measured:
    """The share of some images whose score is higher than a given one.

    The images are taken as drawn from their class, so the count is binomial.

    Args:
        scores: (n,) finite, of members or of held-out images; that of the image itself, if it
            is one of them, left out.
        score: of the image that is asked about; equal scores do not count as higher.
        is_member: which class the scores are of.

    Returns:
        The share with its 95 % interval; None, with a note, where the class is empty.

    Raises:
        InputError: if a score is not finite.

    Source: Wilson 1927, the score interval of a binomial share, by SciPy.
    """
    from scipy.stats import binomtest

    scores = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(scores).all() or not np.isfinite(score):
        raise InputError("Scores must be finite to be compared. Look at the model's output first.")
    counts = {"n_member": len(scores)} if is_member else {"n_held_out": len(scores)}
    if not len(scores):
        return Measured(value=None, note="The study has no such images.", **counts)
    test = binomtest(int((scores > score).sum()), len(scores))
    low, high = test.proportion_ci(confidence_level=0.95, method="wilson")
    return Measured(value=test.statistic, ci95=(float(low), float(high)), **counts)
