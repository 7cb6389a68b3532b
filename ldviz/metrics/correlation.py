"""Pearson's correlation with its interval."""

from __future__ import annotations

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.measured import Measured
from ldviz.randomness import keyed_generator

_CHUNK = 250


def pearson(x: np.ndarray, y: np.ndarray, *, num_resamples: int = 2000, seed: int = 0) -> Measured:
    """Pearson's r of paired values; percentile interval over resampled pairs.

    Args:
        x, y: (n,) finite, n >= 3.
        num_resamples, seed: of the bootstrap.

    Returns:
        r in [-1, 1]; without a value where one side is constant, since r is undefined there.

    Raises:
        InputError: shapes that differ, fewer than three pairs, or values that are not finite.

    Source: Efron and Tibshirani 1993, chapter 13.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or x.size < 3:
        raise InputError(
            f"A correlation needs two vectors of equal length, at least 3, got {x.shape} and "
            f"{y.shape}."
        )
    bad = np.flatnonzero(~(np.isfinite(x) & np.isfinite(y)))
    if bad.size:
        raise InputError(f"{bad.size} of {x.size} pairs are not finite (first: {bad[0]}).")
    # Standardising first changes no correlation and keeps the sums of squares accurate.
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return Measured(value=None, note="Undefined: one of the two quantities is constant.")
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    draws = np.concatenate(
        [
            _weighted(x, y, _weights(x.size, min(_CHUNK, num_resamples - start), seed, start))
            for start in range(0, num_resamples, _CHUNK)
        ]
    )
    low, high = np.nanquantile(draws, (0.025, 0.975))
    return Measured(
        value=float((x * y).mean()),
        ci95=(float(low), float(high)),
        seed=seed,
        num_resamples=num_resamples,
    )


def _weights(n: int, count: int, seed: int, start: int) -> np.ndarray:
    """(count, n) how often each pair is drawn in each resample."""
    generator = keyed_generator("pearson-bootstrap", seed, start)
    drawn = generator.integers(0, n, (count, n)) + n * np.arange(count)[:, None]
    return np.bincount(drawn.ravel(), minlength=n * count).reshape(count, n).astype(np.float64)


def _weighted(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(count,) r of each resample; nan where a resample is constant."""
    moments = weights @ np.stack([x, y, x * x, y * y, x * y], axis=1) / x.size
    mean_x, mean_y, xx, yy, xy = moments.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return (xy - mean_x * mean_y) / np.sqrt((xx - mean_x**2) * (yy - mean_y**2))
