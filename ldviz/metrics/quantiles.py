"""Quantiles of a sample, with intervals that assume no distribution."""

from __future__ import annotations

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.measured import Measured


def sample_quantile(values: np.ndarray, share: float, *, is_member: np.ndarray) -> Measured:
    """A quantile with its 95 % interval between two order statistics.

    How many of n values lie below the true quantile is binomial with n and ``share``, so
    two order statistics enclose it with at least 95 % probability, whatever the distribution.

    Args:
        values: (n,) finite.
        share: in (0, 1): 0.5 for the median.
        is_member: (n,) bool, only counted.

    Returns:
        In the unit of the values.  Without an interval where n is too small for one that
        ends inside the sample, and without a value where n is 0; the note says so.

    Raises:
        InputError: for a share outside (0, 1) or values that are not finite.

    Source: David and Nagaraja, Order Statistics (2003), section 7.1.
    """
    from scipy.stats import binom

    values = np.sort(np.asarray(values, dtype=np.float64))
    if not 0.0 < share < 1.0:
        raise InputError(f"`share` must be in (0, 1), got {share}. The median has share 0.5.")
    if not np.isfinite(values).all():
        raise InputError("A quantile needs finite values. Look at where they come from first.")
    count = values.size
    counts = {"n_member": int(np.sum(is_member)), "n_held_out": int(np.sum(~is_member))}
    if not count:
        return Measured(value=None, note="There are no such images.", **counts)
    value = float(np.quantile(values, share))
    first, last = int(binom.ppf(0.025, count, share)), int(binom.ppf(0.975, count, share)) + 1
    if first < 1 or last > count:
        return Measured(value=value, note=f"No interval: {count} images are too few.", **counts)
    return Measured(value=value, ci95=(float(values[first - 1]), float(values[last - 1])), **counts)
