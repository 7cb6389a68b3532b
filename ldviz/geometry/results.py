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
        method: which probes ran: ``"independent"``, ``"beside a spectrum"`` or ``"designed"``.
        route: how the products were computed.
    """

    diagonal: np.ndarray
    standard_error: np.ndarray
    num_probes: np.ndarray
    converged: np.ndarray
    method: str
    route: str


@dataclass(frozen=True, kw_only=True)
class ProbeDesign:
    """Probes fitted to a decoder, for :func:`ldviz.geometry.hutchinson_diagonal`.

    Attributes:
        basis: (m, r) orthonormal directions of image space, in the latents' precision.
        classes: (r,) which probe each direction belongs to, ascending, in [0, num_probes).
        num_probes: probes in one round.
        relative_error: of G_ii from one round, root mean square, on latents held back.
        error_factor: by which Σ (Jᵀv)_i⁴ of a round is its squared standard error.
        num_products: Jacobian products that the fit cost.
        route: how they were computed.
    """

    basis: np.ndarray
    classes: np.ndarray
    num_probes: int
    relative_error: float
    error_factor: float
    num_products: int
    route: str


@dataclass(frozen=True, kw_only=True)
class LeftBasis:
    """What a spectrum's products leave behind for one sample, for reuse.

    Attributes:
        left: (m, c) orthonormal, spanning the images that J stretches most.
        pulled: (d, c), Jᵀ left.
    """

    left: np.ndarray
    pulled: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Leading singular values of J by random projection.

    Attributes:
        singular_values: (n, rank) descending, in the latents' precision.
        right_vectors: (n, rank, *latent) unit latent directions, in that order.
        numerical_rank: (n,) of these values above 1e-5 of the largest.
        error_estimate: (n, rank) float64, absolute, of each singular value.
        converged: (n,) whether every estimate met the tolerance.
        num_products: (n,) Jacobian products until then.
        method: ``"krylov"`` or ``"halko"``.
        route: how the products were computed.
        basis: one LeftBasis per sample where it was asked for, else None.
    """

    singular_values: np.ndarray
    right_vectors: np.ndarray
    numerical_rank: np.ndarray
    error_estimate: np.ndarray
    converged: np.ndarray
    num_products: np.ndarray
    method: str
    route: str
    basis: list[LeftBasis] | None = None


@dataclass(frozen=True, kw_only=True)
class SingularDirections:
    """Right singular vectors of J.

    Attributes:
        singular_values: (n, min(m, d)) the whole spectrum, descending.
        ranks: (r,) which of them the vectors belong to, 0 for the strongest.
        right_vectors: (n, r, *latent) unit latent directions.
        pushed: (n, r, *image) J v: the image's first-order change along each.
        route: how the products were computed.
    """

    singular_values: np.ndarray
    ranks: np.ndarray
    right_vectors: np.ndarray
    pushed: np.ndarray
    route: str
