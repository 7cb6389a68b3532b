"""Tissot's indicatrices: what the decoder does to unit circles of a latent plane.

A plane through a latent is spanned by an orthonormal basis B (d, 2).  Restricted
to it the pullback metric is BᵀGB = (JB)ᵀ(JB), with eigenvalues λ.  Two ellipses
tell the same story and must not be confused:

- in data space, the image of the unit circle has semi-axes √λ: long where the
  decoder stretches;
- in the latent plane, the points that the decoder moves by one unit form an
  ellipse of semi-axes 1/√λ: short where the decoder stretches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.errors import InputError

ORTHONORMAL_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Indicatrices:
    """The two ellipses at each of n points of a plane.

    Attributes:
        metric: (n, 2, 2) BᵀGB.
        data_semi_axes: (n, 2) √λ, descending, pixel units per latent unit.
        latent_semi_axes: (n, 2) 1/√λ in the same order, so ascending; inf where λ = 0.
        plane_directions: (n, 2, 2), column k the unit vector of the plane, in coordinates
            of B, that the k-th axis belongs to: the same for both ellipses.
        data_directions: (n, m, 2), column k the unit image direction of the k-th data axis.
    """

    metric: np.ndarray
    data_semi_axes: np.ndarray
    latent_semi_axes: np.ndarray
    plane_directions: np.ndarray
    data_directions: np.ndarray


def indicatrices(pushed: np.ndarray) -> Indicatrices:
    """Tissot's indicatrices from the plane's basis pushed through the decoder.

    The singular value decomposition JB = U S Wᵀ holds everything: S are the
    semi-axes √λ, U their directions in data space, W those in the plane.

    Args:
        pushed: (n, m, 2) J B at each point, m at least 2; B orthonormal.

    Returns:
        Indicatrices, float64.

    Raises:
        InputError: wrong shape.

    Source: Tissot 1859; Arvanitidis et al. 2018 for decoders.
    """
    pushed = np.asarray(pushed, dtype=np.float64)
    if pushed.ndim != 3 or pushed.shape[2] != 2 or pushed.shape[1] < 2:
        raise InputError(
            f"`pushed` must have shape (n, m, 2) with m >= 2, got {pushed.shape}. "
            f"Take it from plane_products."
        )
    data_directions, semi_axes, transposed = np.linalg.svd(pushed, full_matrices=False)
    with np.errstate(divide="ignore"):
        latent_semi_axes = 1.0 / semi_axes
    return Indicatrices(
        metric=pushed.mT @ pushed,
        data_semi_axes=semi_axes,
        latent_semi_axes=latent_semi_axes,
        plane_directions=transposed.mT,
        data_directions=data_directions,
    )


def data_ellipses(pushed: np.ndarray, num_points: int = 64) -> np.ndarray:
    """The image of the unit circle of the plane: what each data-space ellipse looks like.

    Args:
        pushed: (n, p, 2) J B, or its projection to any p coordinates to draw in.
        num_points: points on each closed curve; the last repeats the first.

    Returns:
        (n, num_points, p) offsets from the decoded point, pixel units.
    """
    return np.einsum("npk,tk->ntp", np.asarray(pushed, dtype=np.float64), unit_circle(num_points))


def latent_ellipses(found: Indicatrices, num_points: int = 64) -> np.ndarray:
    """The points of the plane that the decoder moves by one pixel unit, to first order.

    Args:
        found: from :func:`indicatrices`, without zero eigenvalues.
        num_points: points on each closed curve; the last repeats the first.

    Returns:
        (n, num_points, 2) offsets in coordinates of B, latent units: wᵀ(BᵀGB)w = 1.

    Raises:
        InputError: an eigenvalue is zero, so that the ellipse has no end.
    """
    flat = ~np.isfinite(found.latent_semi_axes).all(axis=1)
    if flat.any():
        raise InputError(
            f"The decoder flattens the plane at {int(flat.sum())} of {len(flat)} points (first: "
            f"{int(flat.argmax())}), so the latent ellipse is infinitely long there. "
            f"Choose another pair of dimensions or draw the data-space ellipses."
        )
    axes = found.plane_directions * found.latent_semi_axes[:, None, :]
    return np.einsum("npk,tk->ntp", axes, unit_circle(num_points))


def unit_circle(num_points: int) -> np.ndarray:
    """(num_points, 2) around the unit circle, the last point repeating the first."""
    if num_points < 4:
        raise InputError(f"`num_points` must be at least 4, got {num_points}.")
    angle = np.linspace(0.0, 2.0 * np.pi, num_points)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def check_plane(basis: np.ndarray, latent_dim: int) -> np.ndarray:
    """The basis as float64 (d, 2); raises InputError unless its columns are orthonormal."""
    basis = np.asarray(basis, dtype=np.float64)
    if basis.shape != (latent_dim, 2):
        raise InputError(f"`basis` must have shape ({latent_dim}, 2), got {basis.shape}.")
    error = np.abs(basis.T @ basis - np.eye(2)).max()
    if not error <= ORTHONORMAL_TOLERANCE:
        raise InputError(
            f"`basis` must have orthonormal columns, but BᵀB differs from the identity by "
            f"{error:.2g}. Orthonormalise it first: numpy.linalg.qr(basis)[0]."
        )
    return basis
