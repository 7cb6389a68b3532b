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
    """Pearson's correlation with a 95 % bootstrap interval.

    Percentiles of resampled pairs, because Fisher's z holds for normal pairs only, and
    distortions and log magnitudes are skewed.

    Args:
        first, second: (n,) finite.
        is_member: (n,) bool, for the sample counts of the result only.
        num_resamples: bootstrap resamples, at least 100.
        seed: of the resamples.

    Returns:
        r in [-1, 1]; None where one side is constant or n < 3; no interval below ten
        samples.

    Raises:
        InputError: shapes that do not fit, values that are not finite, too few resamples.

    Source: Efron and Tibshirani 1993, chapter 13; the formula in sums over weighted pairs.
    """
    a = np.asarray(first, dtype=np.float64)
    b = np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise InputError(f"A correlation needs two equally long rows, got {a.shape}, {b.shape}.")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("A correlation over values that are not finite would be meaningless.")
    if num_resamples < 100:
        raise InputError(f"`num_resamples` must be at least 100, got {num_resamples}.")
    counts: dict[str, int] = {}
    if is_member is not None:
        members = int(np.asarray(is_member, dtype=bool).sum())
        counts = {"n_member": members, "n_held_out": a.size - members}
    if a.size < 3 or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return Measured(value=None, note="Undefined: constant or too few values.", **counts)
    a = (a - a.mean()) / a.std()
    b = (b - b.mean()) / b.std()
    value = float(np.clip((a * b).mean(), -1.0, 1.0))
    if a.size < 10:
        return Measured(value=value, note="No interval: it needs ten samples.", **counts)
    moments = np.stack([a, b, a * b, a * a, b * b])
    draws = []
    for start in range(0, num_resamples, 250):
        generator = keyed_generator("pearson-bootstrap", seed, start)
        weights = resample_counts(generator, a.size, min(250, num_resamples - start))
        mean_a, mean_b, mean_ab, mean_aa, mean_bb = moments @ weights.astype(np.float64) / a.size
        spread = (mean_aa - mean_a**2) * (mean_bb - mean_b**2)
        # A resample of equal values has no correlation; it counts as none at all.
        defined = spread > 1e-24
        covariance = mean_ab - mean_a * mean_b
        draws.append(np.where(defined, covariance / np.sqrt(np.where(defined, spread, 1.0)), 0.0))
    low, high = np.quantile(np.concatenate(draws), (0.025, 0.975))
    return Measured(
        value=value,
        ci95=(float(max(-1.0, low)), float(min(1.0, high))),
        seed=seed,
        num_resamples=num_resamples,
        **counts,
    )
