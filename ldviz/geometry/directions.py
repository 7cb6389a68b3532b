"""Directions in latent space and where in the image they act."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ldviz.errors import InputError
from ldviz.geometry.control import Cancelled, Control, Progress
from ldviz.geometry.exact import full_jacobian
from ldviz.geometry.indicatrix import check_plane
from ldviz.geometry.products import Decoder, Linearizer, check_latents, in_chunks
from ldviz.geometry.results import SingularDirections


def singular_directions(
    decoder: Decoder,
    latents: Tensor,
    *,
    ranks: Sequence[int] | None = None,
    route: str = "auto",
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> SingularDirections:
    """Right singular vectors of J: the latent directions in order of their effect.

    Args:
        decoder: any callable (n, *latent) -> (n, *image).
        latents: (n, *latent), with min(m, d) at most 1,024.
        ranks: which, 0 for the strongest; by default top, middle and bottom of the
            min(m, d). Negative ranks count from the bottom.
        route: see :class:`ldviz.geometry.products.Linearizer`.
        progress: called with (done, total) products.
        cancelled: asked after each chunk whether to stop.

    Returns:
        SingularDirections. The sign of a singular vector is arbitrary: here its
        entry of largest modulus is positive.

    Raises:
        InputError: bad latents or ranks, or min(m, d) above 1,024; for larger decoders
            :func:`randomized_spectrum` gives the leading ``right_vectors``.

    Cost: min(m, d) products per sample and one m·d singular value decomposition.
    """
    check_latents(latents)
    linearizer = Linearizer(decoder, route)
    control = None
    values, vectors, images = [], [], []
    for row in range(len(latents)):
        linear = linearizer(latents[row : row + 1])
        size = min(linear.latents.numel(), linear.images.numel())
        if control is None:
            chosen = _chosen_ranks(ranks, size)
            control = Control(len(latents) * size, progress, cancelled)
        jacobian = full_jacobian(linear, control)
        _, sigma, right = torch.linalg.svd(jacobian, full_matrices=False)
        right = right[chosen]
        largest = right.gather(1, right.abs().argmax(dim=1, keepdim=True))
        right = right * largest.sign()
        values.append(sigma.cpu())
        vectors.append(right.reshape(-1, *latents.shape[1:]).cpu())
        images.append((right @ jacobian.T).reshape(-1, *linear.images.shape[1:]).cpu())
    dtype = latents.dtype
    return SingularDirections(
        singular_values=torch.stack(values).to(dtype).numpy(),
        ranks=np.array(chosen),
        right_vectors=torch.stack(vectors).to(dtype).numpy(),
        pushed=torch.stack(images).to(dtype).numpy(),
        route=linear.route,
    )


def pixel_maps(
    decoder: Decoder, latents: Tensor, dimensions: Sequence[int], *, route: str = "auto"
) -> np.ndarray:
    """Where in the image a latent dimension acts: the length of ∂D/∂z_i at each pixel.

    The squares of a map sum to G_ii.

    Args:
        decoder: any callable (n, *latent) -> (n, *image).
        latents: (n, *latent).
        dimensions: k flat latent indices, each in [0, d).
        route: see :class:`ldviz.geometry.products.Linearizer`.

    Returns:
        (n, k, H, W) for images (c, H, W), the length taken over the colour channels;
        (n, k, *image) absolute values for images of another form. Pixel units per latent unit.

    Raises:
        InputError: bad latents or dimensions.

    Cost: k products per sample.
    """
    check_latents(latents)
    d = latents[0].numel()
    outside = [one for one in dimensions if not 0 <= one < d]
    if outside or not len(dimensions):
        raise InputError(
            f"`dimensions` must name at least one of the latent dimensions 0 to {d - 1}, "
            f"got {list(dimensions)}."
        )
    units = torch.eye(d, dtype=latents.dtype, device=latents.device)[list(dimensions)]
    moved = _moved(decoder, latents, units, route)
    if moved.ndim == 5:
        moved = torch.linalg.vector_norm(moved, dim=2)
    return moved.abs().cpu().numpy()


def plane_products(
    decoder: Decoder, latents: Tensor, basis: np.ndarray, *, route: str = "auto"
) -> np.ndarray:
    """J B at each latent: what the decoder does to a plane, for ``indicatrices``.

    Args:
        decoder: any callable (n, *latent) -> (n, *image).
        latents: (n, *latent), such as the points of a grid in the plane.
        basis: (d, 2) with orthonormal columns.
        route: see :class:`ldviz.geometry.products.Linearizer`.

    Returns:
        (n, m, 2) float64.

    Raises:
        InputError: bad latents or a basis that is not orthonormal.

    Cost: two products per latent.
    """
    check_latents(latents)
    basis = check_plane(basis, latents[0].numel())
    moved = _moved(decoder, latents, torch.from_numpy(basis.T).to(latents), route)
    return moved.flatten(2).mT.double().cpu().numpy()


def _moved(decoder: Decoder, latents: Tensor, directions: Tensor, route: str) -> Tensor:
    """J applied to the same (k, d) directions at every latent: (n, k, *image)."""
    linearizer = Linearizer(decoder, route)
    group = linearizer.samples_per_pass(latents, len(directions))
    control = Control(len(latents) * len(directions))
    moved = []
    for block in latents.split(group):
        linear = linearizer(block)
        tangents = directions.reshape(-1, 1, *block.shape[1:]).expand(-1, *block.shape)
        moved.append(in_chunks(linear, linear.jvp, tangents, control).transpose(0, 1))
        del linear
    return torch.cat(moved)


def _chosen_ranks(ranks: Sequence[int] | None, size: int) -> list[int]:
    """The ranks asked for as indices from the top."""
    if ranks is None:
        return [0, (size - 1) // 2, size - 1]
    outside = [one for one in ranks if not -size <= one < size]
    if outside or not len(ranks):
        raise InputError(
            f"`ranks` must be between {-size} and {size - 1} for this decoder, got {list(ranks)}."
        )
    return [one % size for one in ranks]
