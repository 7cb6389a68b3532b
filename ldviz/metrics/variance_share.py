"""How much of a sample's variance lies along its leading directions, with an interval."""

from __future__ import annotations

import numpy as np

from ldviz.metrics.measured import Measured

_Z = 1.959964


def variance_share(points: np.ndarray, lengths: np.ndarray, *, is_member: np.ndarray) -> Measured:
    """The share of the total variance in some leading principal components.

    To first order a sample moves the share by ((s² - share · r²) / mean r²) / n, where s² is
    what the components hold of it and r² its squared distance from the mean: that the
    directions turn with the sample counts in second order only.  The spread of these
    influences gives the standard error, whatever the distribution.

    Args:
        points: (n, k) coordinates along the components, about their mean.
        lengths: (n,) squared distances from the mean over all directions.
        is_member: (n,) bool, only counted.

    Returns:
        A share in [0, 1]; None where there is no variance.

    Source: Critchley, Influence in principal components analysis, Biometrika 72 (1985).
    """
    held = np.square(np.asarray(points, dtype=np.float64)).sum(axis=1)
    lengths = np.asarray(lengths, dtype=np.float64)
    counts = {"n_member": int(np.sum(is_member)), "n_held_out": int(np.sum(~is_member))}
    total = float(lengths.mean())
    if total <= 0.0:
        return Measured(value=None, note="All are the same, so there is no variance.", **counts)
    share = float(held.mean()) / total
    reach = _Z * float(np.std((held - share * lengths) / total, ddof=1)) / np.sqrt(len(lengths))
    return Measured(value=share, ci95=(max(0.0, share - reach), min(1.0, share + reach)), **counts)
