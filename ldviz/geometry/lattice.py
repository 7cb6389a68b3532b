"""Decoded grids: a plane of latent space, its grid points decoded, and how long its edges became.

The functions take a decoder of arrays, ``(n, d) float -> (n, m) float``;
:func:`decoder_of_arrays` makes one of any torch decoder, and is the only part that needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ldviz.errors import InputError, ModelError
from ldviz.geometry.indicatrix import Indicatrices, data_ellipses

ArrayDecoder = Callable[[np.ndarray], np.ndarray]

DECODE_BATCH = 64
_ORTHONORMAL_TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Grid lines of a plane in latent space, decoded.

    Lines are decoded at ``substeps`` points per edge, so that they can be drawn as bent as
    they are; every ``substeps``-th point is a node.

    Attributes:
        basis: (2, d) orthonormal rows; the plane is origin + a basis[0] + b basis[1].
        offsets: (r,) ascending coordinates of the grid lines, in latent units; the middle is 0.
        substeps: points per edge.
        rows: (r, q, m) images along the lines of constant b = offsets[j].
        columns: (r, q, m) images along the lines of constant a = offsets[i].
    """

    basis: np.ndarray
    offsets: np.ndarray
    substeps: int
    rows: np.ndarray
    columns: np.ndarray

    @property
    def nodes(self) -> np.ndarray:
        """(r, r, m) images at the grid points; [j, i] lies at (offsets[i], offsets[j])."""
        return self.rows[:, :: self.substeps]

    @property
    def center(self) -> np.ndarray:
        """(m,) the image at the origin."""
        middle = len(self.offsets) // 2
        return self.nodes[middle, middle]

    @property
    def reach(self) -> float:
        """Half the square's side, in latent units."""
        return float(self.offsets[-1])

    @property
    def row_edges(self) -> np.ndarray:
        """(r, r - 1) pixel distance (L2) between neighbours in a row: [j, i] to [j, i + 1]."""
        return np.linalg.norm(np.diff(self.nodes, axis=1), axis=-1)

    @property
    def column_edges(self) -> np.ndarray:
        """(r, r - 1) pixel distance (L2) between neighbours in a column i: [j, i] to [j + 1, i]."""
        return np.linalg.norm(np.diff(self.nodes, axis=0), axis=-1).T

    @property
    def edges(self) -> np.ndarray:
        """Every edge's pixel distance, flat."""
        return np.concatenate([self.row_edges.ravel(), self.column_edges.ravel()])

    @property
    def distances(self) -> np.ndarray:
        """(r, r) pixel distance (L2) of every node's image from the image at the origin."""
        return np.linalg.norm(self.nodes - self.center, axis=-1)


@dataclass(frozen=True, kw_only=True)
class Components:
    """Principal components that several lattices share.

    Attributes:
        mean: (m,) of all lattices' nodes together.
        axes: (k, m) orthonormal rows, most variance first.
        explained: (k,) share of all nodes' variance along each axis.
        explained_by_lattice: (number of lattices, k) share of each lattice's own variance.
    """

    mean: np.ndarray
    axes: np.ndarray
    explained: np.ndarray
    explained_by_lattice: np.ndarray

    def project(self, images: np.ndarray) -> np.ndarray:
        """(..., m) images to (..., k) coordinates, in pixel distance."""
        return (images - self.mean) @ self.axes.T

    def project_directions(self, directions: np.ndarray) -> np.ndarray:
        """(..., m) differences of images to (..., k): without the mean."""
        return directions @ self.axes.T


def grid_offsets(reach: float, resolution: int) -> np.ndarray:
    """(resolution,) evenly spaced coordinates from -reach to reach, exactly 0 in the middle.

    Raises:
        InputError: if ``reach`` is not positive, or ``resolution`` not odd and at least 3.
    """
    if not (math.isfinite(reach) and reach > 0):
        raise InputError(f"`reach` must be a positive number of latent units, got {reach}.")
    if resolution < 3 or resolution % 2 == 0:
        raise InputError(
            f"`resolution` must be odd and at least 3, got {resolution}: "
            "the middle line runs through the image itself."
        )
    half = resolution // 2
    return reach * (np.arange(-half, half + 1) / half)


def dimension_basis(dimensions: Sequence[int], latent_dim: int) -> np.ndarray:
    """(k, d) unit vectors of k different latent dimensions.

    Raises:
        InputError: if one is out of range or named twice.
    """
    chosen = list(dimensions)
    for index in chosen:
        if not 0 <= index < latent_dim:
            raise InputError(f"Latent dimension {index} is out of range 0 ... {latent_dim - 1}.")
    if len(set(chosen)) < len(chosen):
        raise InputError(f"A plane needs two different latent dimensions, got {chosen}.")
    basis = np.zeros((len(chosen), latent_dim))
    basis[np.arange(len(chosen)), chosen] = 1.0
    return basis


def decode_lattice(
    decode: ArrayDecoder,
    origin: np.ndarray,
    basis: np.ndarray,
    *,
    reach: float,
    resolution: int,
    substeps: int = 1,
) -> Lattice:
    """Decode the grid lines of a square around ``origin``.

    Args:
        decode: (n, d) latents to (n, m) images.
        origin: (d,) the square's middle.
        basis: (2, d) orthonormal rows.
        reach: half the side, in latent units.
        resolution: grid lines each way, odd.
        substeps: decoded points per edge.

    Raises:
        InputError: a wrong reach, resolution, number of substeps or basis.
        ModelError: the decoder's output is not finite.

    Cost: r² + 2 r (r - 1)(substeps - 1) decoder passes.
    """
    offsets = grid_offsets(reach, resolution)
    if substeps < 1:
        raise InputError(f"`substeps` must be at least 1, got {substeps}.")
    basis = checked_basis(basis, np.size(origin))
    nodes = decode(grid_points(origin, basis, offsets, offsets).reshape(-1, basis.shape[1]))
    nodes = nodes.reshape(resolution, resolution, -1)
    between = _points_between(offsets, substeps)
    across = decode_grid(decode, origin, basis, between, offsets) if len(between) else None
    along = decode_grid(decode, origin, basis, offsets, between) if len(between) else None
    return Lattice(
        basis=basis,
        offsets=offsets,
        substeps=substeps,
        rows=_interleaved(nodes, across, substeps),
        columns=_interleaved(
            nodes.transpose(1, 0, 2), None if along is None else along.transpose(1, 0, 2), substeps
        ),
    )


def decode_grid(
    decode: ArrayDecoder, origin: np.ndarray, basis: np.ndarray, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """(len(b), len(a), m) images at origin + a basis[0] + b basis[1]."""
    images = decode(grid_points(origin, basis, a, b).reshape(-1, basis.shape[1]))
    return images.reshape(len(b), len(a), -1)


def grid_points(origin: np.ndarray, basis: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(len(b), len(a), d) latents at origin + a basis[0] + b basis[1]."""
    return (
        np.asarray(origin, dtype=np.float64)
        + a[None, :, None] * basis[0]
        + b[:, None, None] * basis[1]
    )


def decode_line(
    decode: ArrayDecoder,
    origin: np.ndarray,
    direction: np.ndarray,
    *,
    reach: float,
    num_frames: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Images along a straight line of latent space, for a journey played frame by frame.

    Args:
        decode: (n, d) latents to (n, m) images.
        origin: (d,) the middle frame's latent.
        direction: (d,) of unit length.
        reach: latent units to the first and to the last frame.
        num_frames: odd.

    Returns:
        offsets (num_frames,) in latent units, and images (num_frames, m).

    Raises:
        InputError: a wrong reach, number of frames or direction.

    Cost: num_frames decoder passes.
    """
    offsets = grid_offsets(reach, num_frames)
    unit = checked_basis(np.asarray(direction)[None], np.size(origin))[0]
    return offsets, decode(np.asarray(origin, dtype=np.float64) + offsets[:, None] * unit)


def common_components(lattices: Sequence[Lattice], num_components: int = 2) -> Components:
    """Principal components of all lattices' nodes together, each node counted once.

    Signs are such that the last corner of the first lattice has no negative coordinate, so
    that its axes run to the right and upwards.

    Args:
        lattices: at least one, of one image size.
        num_components: at most the number of pixels and of nodes.

    Returns:
        Components; ``explained`` is 0 where there is no variance at all.

    Raises:
        InputError: no lattice, or too many components.

    Cost: one symmetric eigendecomposition of size min(nodes, pixels).
    """
    if not lattices:
        raise InputError("Principal components need at least one lattice.")
    groups = [lattice.nodes.reshape(-1, lattice.nodes.shape[-1]) for lattice in lattices]
    stacked = np.concatenate(groups).astype(np.float64)
    if not 1 <= num_components <= min(stacked.shape):
        raise InputError(
            f"`num_components` must be between 1 and {min(stacked.shape)}, got {num_components}."
        )
    mean = stacked.mean(axis=0)
    axes = np.linalg.svd(stacked - mean, full_matrices=False)[2][:num_components]
    corner = (lattices[0].nodes[-1, -1] - mean) @ axes.T
    axes = axes * np.where(corner < 0, -1.0, 1.0)[:, None]
    return Components(
        mean=mean,
        axes=axes,
        explained=explained_variance(stacked, axes),
        explained_by_lattice=np.array([explained_variance(group, axes) for group in groups]),
    )


def explained_variance(images: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(k,) share of the variance of (n, m) images along each of (k, m) orthonormal axes."""
    centered = images.astype(np.float64) - images.mean(axis=0)
    total = np.square(centered).sum()
    along = np.square(centered @ axes.T).sum(axis=0)
    return along / total if total > 0 else np.zeros(len(axes))


def checked_basis(basis: np.ndarray, latent_dim: int) -> np.ndarray:
    """``basis`` as (k, d) float64; raises InputError unless its rows are orthonormal."""
    basis = np.asarray(basis, dtype=np.float64)
    if basis.ndim != 2 or basis.shape[1] != latent_dim:
        raise InputError(
            f"A basis for this latent needs shape (k, {latent_dim}), got {basis.shape}."
        )
    error = np.abs(basis @ basis.T - np.eye(len(basis))).max()
    if not error <= _ORTHONORMAL_TOLERANCE:
        raise InputError(
            f"The rows of a basis must be orthonormal; these miss it by {error:.2g}. "
            "Lengths in the plane would not be lengths in latent space."
        )
    return basis


def decoder_of_arrays(
    decoder: Callable[[Any], Any],
    latent_shape: tuple[int, ...],
    *,
    device: Any = "cpu",
    batch_size: int = DECODE_BATCH,
) -> ArrayDecoder:
    """A torch decoder as a function of arrays, in batches and without gradients.

    Args:
        decoder: (n, *latent) tensor -> (n, *image) tensor.
        latent_shape: (C, h, w).
        device: where the decoder's weights are.
        batch_size: latents per decoder pass; bounds the memory.

    Returns:
        (n, d) -> (n, m) float32; raises ModelError where the output is not finite.
    """
    import torch

    def decode(latents: np.ndarray) -> np.ndarray:
        tensor = torch.from_numpy(np.array(latents, dtype=np.float32))
        batches = tensor.reshape(-1, *latent_shape).split(batch_size)
        with torch.inference_mode():
            decoded = [decoder(batch.to(device)).flatten(1).cpu().numpy() for batch in batches]
        images = np.concatenate(decoded)
        finite = np.isfinite(images).all(axis=1)
        if not finite.all():
            raise ModelError(
                f"The decoder returned non-finite values for {int((~finite).sum())} of "
                f"{len(finite)} latents (first: {int(np.argmin(finite))}). Usual causes: "
                "(a) latents far outside the data, (b) latents scaled twice."
            )
        return images

    return decode


def flat_ellipses(found: Indicatrices, num_points: int = 64) -> np.ndarray:
    """The data-space ellipses laid flat in the plane: true in shape, to be drawn where they stand.

    JB = U S Wᵀ is an isometry U Wᵀ of the plane into data space after the stretch W S Wᵀ, so
    what the stretch makes of the unit circle is congruent to the ellipse in data space.

    Args:
        found: at n points.
        num_points: on each closed curve; the last repeats the first.

    Returns:
        (n, num_points, 2) offsets in coordinates of the plane, pixel distance, semi-axes √λ.
    """
    axes = found.plane_directions
    return data_ellipses((axes * found.data_semi_axes[:, None, :]) @ axes.mT, num_points)


def orthonormal_rows(directions: np.ndarray) -> np.ndarray:
    """(k, d) float64 rows made orthonormal to rounding, each as near its own as can be.

    Singular vectors computed in float32 miss it by 1e-7; a basis must not.
    """
    left, _, right = np.linalg.svd(np.asarray(directions, dtype=np.float64), full_matrices=False)
    return left @ right


def _points_between(offsets: np.ndarray, substeps: int) -> np.ndarray:
    """Coordinates strictly between neighbouring grid lines, substeps - 1 per edge."""
    fractions = np.arange(1, substeps) / substeps
    return (offsets[:-1, None] + fractions * np.diff(offsets)[:, None]).ravel()


def _interleaved(nodes: np.ndarray, between: np.ndarray | None, substeps: int) -> np.ndarray:
    """(r, r, m) nodes and (r, (r-1)(s-1), m) points between them as (r, (r-1)s + 1, m)."""
    if between is None:
        return nodes
    lines, count, pixels = nodes.shape
    merged = np.empty((lines, (count - 1) * substeps + 1, pixels), dtype=nodes.dtype)
    merged[:, ::substeps] = nodes
    split = between.reshape(lines, count - 1, substeps - 1, pixels)
    for step in range(1, substeps):
        merged[:, step::substeps] = split[:, :, step - 1]
    return merged
