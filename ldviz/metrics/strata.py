"""Parts of a study: quartiles, random groups of their size, balanced halves."""

from __future__ import annotations

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.roc import curve_metrics
from ldviz.randomness import keyed_generator


def quartiles(values: np.ndarray) -> np.ndarray:
    """The quartile of each value, cut jointly over members and held-out images.

    Equal values share a quartile, so the sizes of the four differ by more than one
    only where ties straddle a cut.

    Args:
        values: (n,) finite, n >= 4; usually local distortion.

    Returns:
        (n,) int64 in 0..3, 0 = lowest.

    Raises:
        InputError: fewer than four values, or one that is not finite.

    Source: the paper, section 4.2 and Fig. 3 (cut over both classes together).
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size < 4:
        raise InputError(f"Quartiles need at least 4 values, got an array of {values.shape}.")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise InputError(
            f"{bad.size} of {values.size} values are not finite (first: {bad[0]}). "
            "Quartiles over them would be meaningless; recompute the geometry."
        )
    cuts = np.quantile(values, (0.25, 0.5, 0.75))
    return np.searchsorted(cuts, values, side="left")


def random_groups(n: int, size: int, num_groups: int = 10, *, seed: int = 0) -> np.ndarray:
    """Groups of samples drawn without replacement: what a quartile would be by chance.

    Returns:
        (num_groups, size) int64, ascending rows of sample positions in [0, n).

    Raises:
        InputError: ``size`` outside 1..n.
    """
    if not 1 <= size <= n:
        raise InputError(f"`size` must be between 1 and the {n} samples, got {size}.")
    return np.stack(
        [
            np.sort(keyed_generator("random-group", seed, group).permutation(n)[:size])
            for group in range(num_groups)
        ]
    )


def random_band(
    is_member: np.ndarray,
    membership_score: np.ndarray,
    size: int,
    *,
    num_groups: int = 10,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the AUC over random groups of ``size`` samples.

    Args:
        is_member: (n,) bool.
        membership_score: (K, n), for example one row per timestep.
        size: samples per group; a quarter of n beside quartiles.
        num_groups: trials; ten in the paper.
        seed: of the groups.

    Returns:
        Two (K,) float64 arrays; the standard deviation is the sample one (n - 1).

    Source: the random baseline of the paper's Fig. 3.
    """
    labels = np.asarray(is_member)
    aucs = np.stack(
        [
            curve_metrics(labels[rows], np.asarray(membership_score)[:, rows], fprs=())["auc"]
            for rows in random_groups(labels.size, size, num_groups, seed=seed)
        ]
    )
    return aucs.mean(axis=0), aucs.std(axis=0, ddof=1)


def stratified_halves(
    is_member: np.ndarray, *, seed: int = 0, labels: np.ndarray | None = None
) -> np.ndarray:
    """A random half of the members and a random half of the held-out images.

    Args:
        is_member: (n,) bool.
        seed: of the halves.
        labels: (n,) integers; each label of each class is halved too.  Give them where
            the split into members and held-out was stratified by them.

    Returns:
        (n,) bool, True = first half; where a class is odd, the first half has one more.
    """
    members = np.asarray(is_member, dtype=bool)
    first = np.zeros(members.size, dtype=bool)
    for stratum in (True, False):
        rows = np.flatnonzero(members == stratum)
        shuffled = keyed_generator("halves", seed, int(stratum)).permutation(rows)
        if labels is not None:
            shuffled = shuffled[np.argsort(np.asarray(labels)[shuffled], kind="stable")]
        first[shuffled[::2]] = True
    return first
