"""The whole spectrum and the exact diagonal of G, from the full Jacobian."""

from __future__ import annotations

import torch

from ldviz.errors import InputError
from ldviz.geometry.control import Cancelled, Control, Progress
from ldviz.geometry.distortion import numerical_rank
from ldviz.geometry.memory import kept_memory
from ldviz.geometry.products import Decoder, Linearization, Linearizer, check_latents, in_chunks
from ldviz.geometry.results import ExactGeometry

MAX_EXACT_DIM = 1024


@kept_memory()
def exact_geometry(
    decoder: Decoder,
    latents: torch.Tensor,
    *,
    chunk: int | None = None,
    route: str = "auto",
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> ExactGeometry:
    """Every singular value of J and the exact diagonal of G = JᵀJ.

    Builds one sample's Jacobian at a time from min(m, d) batched products, so
    memory is bounded by one Jacobian and one chunk of products.  Decompositions
    are in float64: what error there is comes from the products.

    Args:
        decoder: any callable (n, *latent) -> (n, *image).
        latents: (n, *latent), with min(m, d) at most 1,024.
        chunk: products per decoder pass; by default as many as fit the cache.
        route: see :func:`ldviz.geometry.products.linearize`.
        progress: called with (done, total) products.
        cancelled: asked after each chunk whether to stop.

    Returns:
        ExactGeometry; arrays are NumPy in the latents' precision.

    Raises:
        InputError: bad latents, or min(m, d) above 1,024.
        ModelError: the decoder's output is not finite.
        CancelledError: ``cancelled`` returned True.

    Cost: min(m, d) products per sample; m·d numbers of memory.
    """
    check_latents(latents)
    if chunk is not None and chunk < 1:
        raise InputError(f"`chunk` must be at least 1, got {chunk}.")
    linearizer = Linearizer(decoder, route)
    spectra, diagonals = [], []
    control = None
    for row in range(len(latents)):
        linear = linearizer(latents[row : row + 1])
        size = min(latents[row].numel(), linear.images[0].numel())
        if control is None:
            control = Control(len(latents) * size, progress, cancelled)
        jacobian = full_jacobian(linear, control, chunk)
        spectra.append(_singular_values(jacobian).cpu())
        diagonals.append(jacobian.square().sum(dim=0).reshape(latents[row].shape).cpu())
        route_taken = linear.route
        # A recording is large: not two of them at a time.
        del linear
    dtype = latents.dtype
    singular_values = torch.stack(spectra).to(dtype).numpy()
    return ExactGeometry(
        singular_values=singular_values,
        diagonal=torch.stack(diagonals).to(dtype).numpy(),
        numerical_rank=numerical_rank(singular_values),
        num_products=size,
        route=route_taken,
    )


def full_jacobian(
    linear: Linearization, control: Control, chunk: int | None = None
) -> torch.Tensor:
    """J at the one latent of ``linear``, (m, d) float64, by the cheaper side's unit vectors.

    Raises:
        InputError: min(m, d) is above 1,024.
    """
    latent, image = linear.latents, linear.images
    d, m = latent.numel(), image.numel()
    if min(m, d) > MAX_EXACT_DIM:
        raise InputError(
            f"The exact spectrum needs min(m, d) <= {MAX_EXACT_DIM} Jacobian products, this "
            f"decoder needs {min(m, d)}. Use randomized_spectrum and hutchinson_diagonal."
        )
    forward = d <= m
    units = torch.eye(d if forward else m, dtype=latent.dtype, device=latent.device)
    units = units.reshape(-1, *(latent.shape if forward else image.shape))
    products = linear.jvp if forward else linear.vjp
    control.begin(len(units))
    rows = in_chunks(linear, products, units, control, chunk).flatten(1).double()
    control.end()
    return rows.T if forward else rows


def _singular_values(jacobian: torch.Tensor) -> torch.Tensor:
    """All singular values of a float64 J, descending."""
    return torch.linalg.svdvals(jacobian)
