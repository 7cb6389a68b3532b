"""Numbers read off a spectrum or a diagonal that is already there: no torch."""

from __future__ import annotations

import numpy as np

from ldviz.errors import InputError

INFLUENCE_FLOOR = 1e-12
NUMERICAL_RANK_THRESHOLD = 1e-5


def local_distortion(singular_values: np.ndarray, rank: int = 20) -> np.ndarray:
    """Sum of the logarithms of the ``rank`` largest singular values of J.

    With every singular value this is log √det G, the logarithm of how much the
    decoder stretches volume at that point.  Distortions of different rank are
    different quantities: store ``rank`` with the number, never compare across it.

    Args:
        singular_values: (..., k) in descending order, non-negative.
        rank: how many to use, 1 to k.

    Returns:
        (...) float64, in nats; -inf where one of the values is zero.

    Raises:
        InputError: ``rank`` is out of range, or the values do not descend from
            non-negative.

    Source: Rao, Qu, Moyer, arXiv:2511.20592, the volume change of the pullback metric.
    """
    values = _descending(singular_values)
    if not 1 <= rank <= values.shape[-1]:
        raise InputError(
            f"`rank` must be between 1 and the {values.shape[-1]} singular values at hand, "
            f"got {rank}. Compute more singular values or ask for a smaller rank."
        )
    with np.errstate(divide="ignore"):
        return np.log(values[..., :rank]).sum(axis=-1)


def numerical_rank(
    singular_values: np.ndarray, threshold: float = NUMERICAL_RANK_THRESHOLD
) -> np.ndarray:
    """How many singular values exceed ``threshold`` times the largest.

    Values below that are rounding noise in float32: a distortion whose rank is
    above the numerical rank measures the noise.

    Args:
        singular_values: (..., k) in descending order, non-negative.
        threshold: relative to the largest; 1e-5 suits float32 products.

    Returns:
        (...) int64; 0 where all values are zero.

    Raises:
        InputError: the values do not descend from non-negative.
    """
    values = _descending(singular_values)
    return (values > threshold * values[..., :1]).sum(axis=-1)


def influence_from_diagonal(diagonal: np.ndarray) -> np.ndarray:
    """Influence ½ log(G_ii + 1e-12) of each latent dimension.

    Half the logarithm of the squared length of ∂D/∂z_i: the logarithm of how
    far the image moves per unit of z_i.

    Args:
        diagonal: diagonal of G, any shape, non-negative.

    Returns:
        float64, same shape, in nats, at least ½ log 1e-12 ≈ -13.8.

    Raises:
        InputError: an entry is negative or not a number.

    Source: Rao, Qu, Moyer, arXiv:2511.20592, with the authors' floor of 1e-12.
    """
    values = np.asarray(diagonal, dtype=np.float64)
    bad = ~(values >= 0)
    if bad.any():
        raise InputError(
            f"The diagonal of G must be non-negative, got {values[bad][0]} "
            f"({int(bad.sum())} such entries). It is a sum of squares; check what was passed."
        )
    return 0.5 * np.log(values + INFLUENCE_FLOOR)


def _descending(singular_values: np.ndarray) -> np.ndarray:
    """The values as float64, checked to be a descending non-negative spectrum."""
    values = np.asarray(singular_values, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise InputError(
            f"`singular_values` must have shape (..., k) with k >= 1, got {values.shape}."
        )
    if not (values >= 0).all() or (np.diff(values, axis=-1) > 0).any():
        raise InputError(
            "`singular_values` must be non-negative and in descending order. "
            "Take them from ldviz.geometry, or sort them first."
        )
    return values
