"""Local distortion against what is fine and what is coarse in an image (Table 3).

Grey image, 2-D FFT without a window, mean log magnitude inside and outside a radius.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.measured import Measured
from ldviz.metrics.resampling import resample_counts
from ldviz.randomness import keyed_generator

#: Cut-off between low and high, in cycles per pixel: a quarter of the sampling frequency.
DEFAULT_CUTOFF = 0.25

#: Added to magnitudes of images in [0, 1], so that a flat image has a logarithm.
MAGNITUDE_FLOOR = 1e-6

_LUMA = np.array([0.299, 0.587, 0.114])
_CHUNK = 512  # images transformed at a time
_RESAMPLES = 250  # drawn at a time
_MOMENT_CELLS = 1 << 21  # weighed at a time, 16 MB of them


@dataclass(frozen=True)
class RadialSpectrum:
    """Log magnitudes of images, added up by spatial frequency.

    Attributes:
        radii: (r,) distinct frequencies, ascending, in cycles per pixel, from 0 (the
            mean of the image) to at most sqrt(0.5).
        num_terms: (r,) Fourier terms at or below each radius.
        log_magnitude: (n, r) sum of natural logarithms of their magnitudes.
    """

    radii: np.ndarray
    num_terms: np.ndarray
    log_magnitude: np.ndarray

    def bands(self, cutoff: float = DEFAULT_CUTOFF) -> tuple[np.ndarray, np.ndarray]:
        """Mean log magnitude at or below ``cutoff`` and above it.

        Args:
            cutoff: cycles per pixel, in (0, largest radius).

        Returns:
            low (n,) and high (n,), natural logarithms.

        Raises:
            InputError: a cut-off with nothing on one side.

        Cost: two columns; a cut-off can follow a slider.
        """
        if not 0.0 < cutoff < self.radii[-1]:
            raise InputError(
                f"The cut-off must lie between 0 and {self.radii[-1]:.4g} cycles per pixel, "
                f"got {cutoff}. A quarter of the sampling frequency is 0.25."
            )
        inside = int(np.searchsorted(self.radii, cutoff + 1e-9, side="right")) - 1
        low = self.log_magnitude[:, inside]
        total = self.log_magnitude[:, -1]
        below, all_terms = self.num_terms[inside], self.num_terms[-1]
        return low / below, (total - low) / (all_terms - below)


def radial_spectrum(images: np.ndarray) -> RadialSpectrum:
    """Fourier magnitudes of grey images, ready for any cut-off.

    Args:
        images: (n, H, W), (n, H, W, 1) or (n, H, W, 3); uint8, or float in [0, 1].
            Colours become grey by ITU-R 601 luma.

    Returns:
        The spectrum; no window, no zero padding, the mean (frequency 0) included.

    Raises:
        InputError: another shape, images of one pixel, values that are not finite.

    Source: the paper, Table 3.  *Differs:* the paper does not say how it makes images grey
    nor whether the mean counts as a low frequency.
    """
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise InputError(
            f"Images of shape {images.shape} cannot be made grey: expected (n, H, W), "
            "(n, H, W, 1) or (n, H, W, 3)."
        )
    height, width = images.shape[1:3]
    if height * width < 2:
        raise InputError("Images of one pixel have no spatial frequencies.")
    scale = 1.0 / 255.0 if images.dtype == np.uint8 else 1.0
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    radii, place = np.unique(np.round(radius.ravel(), 12), return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(radii.size))
    log_magnitude = np.empty((images.shape[0], radii.size))
    for start in range(0, images.shape[0], _CHUNK):
        block = images[start : start + _CHUNK].astype(np.float64) * scale
        grey = block @ _LUMA if block.ndim == 4 else block
        if not np.isfinite(grey).all():
            raise InputError("Some images hold values that are not finite; read them again.")
        logs = np.log(np.abs(np.fft.fft2(grey)) + MAGNITUDE_FLOOR)
        by_radius = np.add.reduceat(logs.reshape(len(block), -1)[:, order], starts, axis=1)
        log_magnitude[start : start + _CHUNK] = np.cumsum(by_radius, axis=1)
    num_terms = np.cumsum(np.bincount(place, minlength=radii.size))
    return RadialSpectrum(radii=radii, num_terms=num_terms, log_magnitude=log_magnitude)


def pearson(
    first: np.ndarray,
    second: np.ndarray,
    *,
    is_member: np.ndarray | None = None,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Measured:
    """Pearson's correlation with a 95 % bootstrap interval: :func:`pearsons` of one row."""
    return pearsons(
        np.asarray(first)[None],
        second,
        is_member=is_member,
        num_resamples=num_resamples,
        seed=seed,
    )[0]


def pearsons(
    firsts: np.ndarray,
    second: np.ndarray,
    *,
    is_member: np.ndarray | None = None,
    num_resamples: int = 2000,
    seed: int = 0,
) -> list[Measured]:
    """Pearson's correlations of several rows with one, each with a 95 % bootstrap interval.

    Percentiles of resampled pairs, because Fisher's z holds for normal pairs only, and
    distortions and log magnitudes are skewed.  All rows share the resamples, which are drawn
    once.

    Args:
        firsts: (k, n) finite.
        second: (n,) finite.
        is_member: (n,) bool, for the sample counts of the results only.
        num_resamples: bootstrap resamples, at least 100.
        seed: of the resamples.

    Returns:
        k times r in [-1, 1]; None where one side is constant or n < 3; no interval below ten
        samples.

    Raises:
        InputError: shapes that do not fit, values that are not finite, too few resamples.

    Cost: drawing the resamples, and 3 k · n · ``num_resamples`` multiplications.

    Source: Efron and Tibshirani 1993, chapter 13; the formula in sums over weighted pairs.
    """
    rows = np.asarray(firsts, dtype=np.float64)
    b = np.asarray(second, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1:] != b.shape:
        raise InputError(
            f"A correlation needs two equally long rows, got {rows.shape[1:]}, {b.shape}."
        )
    if not (np.isfinite(rows).all() and np.isfinite(b).all()):
        raise InputError("A correlation over values that are not finite would be meaningless.")
    if num_resamples < 100:
        raise InputError(f"`num_resamples` must be at least 100, got {num_resamples}.")
    counts: dict[str, int] = {}
    if is_member is not None:
        members = int(np.asarray(is_member, dtype=bool).sum())
        counts = {"n_member": members, "n_held_out": b.size - members}
    undefined = Measured(value=None, note="Undefined: constant or too few values.", **counts)
    if b.size < 3 or np.ptp(b) == 0.0:
        return [undefined] * len(rows)
    varied = np.ptp(rows, axis=1) > 0.0
    a = rows[varied]
    a = (a - a.mean(axis=1, keepdims=True)) / a.std(axis=1, keepdims=True)
    b = (b - b.mean()) / b.std()
    values = np.clip((a * b).mean(axis=1), -1.0, 1.0).tolist()
    if b.size < 10:
        note = "No interval: it needs ten samples."
        found = [Measured(value=value, note=note, **counts) for value in values]
    else:
        ends = np.quantile(_resampled(a, b, num_resamples, seed), (0.025, 0.975), axis=1).T
        found = [
            Measured(
                value=value,
                ci95=(max(-1.0, low), min(1.0, high)),
                seed=seed,
                num_resamples=num_resamples,
                **counts,
            )
            for value, (low, high) in zip(values, ends.tolist(), strict=True)
        ]
    measured = iter(found)
    return [next(measured) if there else undefined for there in varied]


def _resampled(a: np.ndarray, b: np.ndarray, num_resamples: int, seed: int) -> np.ndarray:
    """(k, num_resamples) correlations of resampled pairs, of standardised (k, n) and (n,)."""
    # As few products as memory allows: between small ones threads wait for each other.
    rows = max(1, _MOMENT_CELLS // (3 * b.size))
    draws = []
    for start in range(0, num_resamples, _RESAMPLES):
        size = min(_RESAMPLES, num_resamples - start)
        generator = keyed_generator("pearson-bootstrap", seed, start)
        weights = resample_counts(generator, b.size, size).astype(np.float64)
        of_rows = []
        for few in np.split(a, range(rows, len(a), rows)):
            moments = np.concatenate([few, few * b, few * few, [b, b * b]]) @ weights / b.size
            mean_a, mean_ab, mean_aa = moments[:-2].reshape(3, len(few), size)
            mean_b, mean_bb = moments[-2:]
            spread = (mean_aa - mean_a**2) * (mean_bb - mean_b**2)
            # A resample of equal values has no correlation; it counts as none at all.
            defined = spread > 1e-24
            covariance = mean_ab - mean_a * mean_b
            safe = np.sqrt(np.where(defined, spread, 1.0))
            of_rows.append(np.where(defined, covariance / safe, 0.0))
        draws.append(np.concatenate(of_rows))
    return np.concatenate(draws, axis=1)
