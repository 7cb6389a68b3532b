"""What the computations return: plain NumPy, no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ExactGeometry:
    """Spectrum and diagonal of G from the full Jacobian.

    Attributes:
        singular_values: (n, min(m, d)) of J, descending, in the latents' precision.
        diagonal: (n, *latent) exact G_ii, pixel units squared per latent unit squared.
        numerical_rank: (n,) singular values above 1e-5 of the largest.
        num_products: Jacobian products spent on each sample.
        route: how the products were computed.
    """

    singular_values: np.ndarray
    diagonal: np.ndarray
    numerical_rank: np.ndarray
    num_products: int
    route: str


@dataclass(frozen=True, kw_only=True)
class DiagonalEstimate:
    """Diagonal of G from random probes.

    Attributes:
        diagonal: (n, *latent) estimated G_ii, never negative.
        standard_error: (n, *latent) of the estimate, from the spread of the probes.
        num_probes: (n,) probes spent on each sample.
        converged: (n,) whether the requested precision was reached; True where none was asked.
        route: how the products were computed.
    """

    diagonal: np.ndarray
    standard_error: np.ndarray
    num_probes: np.ndarray
    converged: np.ndarray
    route: str
