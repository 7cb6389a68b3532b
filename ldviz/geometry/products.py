"""Products with a decoder's Jacobian, many at a time, and which route ran.

J is block diagonal over the samples of a batch, so one call serves all of
them: tangents ``(t, n, *latent)`` hold t directions for each of n samples.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Protocol

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ldviz.errors import InputError, ModelError

Decoder = Callable[[torch.Tensor], torch.Tensor]

ROUTES = ("forward-mode", "double-backward")


class Linearization(Protocol):
    """A decoder's first-order behaviour at a batch of latents.

    Attributes:
        latents: (n, *latent) where J is taken.
        images: (n, *image) the decoder's output there.
        route: how the products were computed so far.
    """

    latents: torch.Tensor
    images: torch.Tensor
    route: str

    def jvp(self, tangents: torch.Tensor) -> torch.Tensor:
        """J v for each tangent: (t, n, *latent) -> (t, n, *image)."""

    def vjp(self, cotangents: torch.Tensor) -> torch.Tensor:
        """Jᵀ u for each cotangent: (t, n, *image) -> (t, n, *latent)."""


def linearize(decoder: Decoder, latents: torch.Tensor, route: str = "auto") -> Linearization:
    """Prepares Jacobian products of ``decoder`` at ``latents``.

    Args:
        decoder: any callable (n, *latent) -> (n, *image) that treats samples
            independently and that torch can differentiate.
        latents: (n, *latent) floating point, finite.
        route: ``"auto"`` takes the fastest that works; or one of ``ROUTES``.

    Returns:
        The products at these latents.

    Raises:
        InputError: latents are not a finite floating-point batch, or the route is unknown.
        ModelError: the decoder returned non-finite values or another number of samples.

    Cost: one decoder pass.
    """
    if route not in ("auto", *ROUTES):
        raise InputError(f"`route` must be 'auto' or one of {', '.join(ROUTES)}, got {route!r}.")
    check_latents(latents)
    latents = latents.detach()
    return AutogradLinearization(
        decoder, latents, route=ROUTES[0] if route == "auto" else route, fall_back=route == "auto"
    )


def check_latents(latents: torch.Tensor) -> None:
    """Raises InputError unless ``latents`` is a finite floating-point batch."""
    if not isinstance(latents, torch.Tensor) or not latents.is_floating_point():
        found = getattr(latents, "dtype", type(latents).__name__)
        raise InputError(f"`latents` must be a floating-point torch tensor, got {found}.")
    if latents.ndim < 2 or latents.shape[0] == 0:
        raise InputError(
            f"`latents` must have shape (n, *latent) with n >= 1, got {tuple(latents.shape)}."
        )
    bad = ~torch.isfinite(latents.flatten(1)).all(dim=1)
    if bad.any():
        raise InputError(
            f"`latents` holds non-finite values for {int(bad.sum())} of {len(bad)} samples "
            f"(first: {int(bad.nonzero()[0])}). Drop them or encode them again."
        )


def check_images(images: torch.Tensor, latents: torch.Tensor) -> None:
    """Raises ModelError unless the decoder gave one finite image per latent."""
    if not isinstance(images, torch.Tensor) or images.ndim < 1 or len(images) != len(latents):
        found = tuple(images.shape) if isinstance(images, torch.Tensor) else type(images).__name__
        raise ModelError(
            f"The decoder must return a tensor with one image per latent, got {found} for "
            f"{len(latents)} latents. Wrap it so that it takes (n, *latent) to (n, *image)."
        )
    bad = ~torch.isfinite(images.detach().flatten(1)).all(dim=1)
    if bad.any():
        raise ModelError(
            f"The decoder returned non-finite values for {int(bad.sum())} of {len(bad)} latents "
            f"(first: {int(bad.nonzero()[0])}). Usual causes: (a) float16 decoding, "
            f"(b) latents scaled twice."
        )


class AutogradLinearization:
    """Products by torch's own automatic differentiation.

    Forward mode with the tangents batched by vmap where the decoder's operations
    support it; else J v as the derivative of u ↦ Jᵀu (double backward), which
    needs reverse mode alone.  Fused attention kernels support neither forward
    mode nor a second derivative, so attention runs on the math kernel throughout.
    """

    def __init__(
        self, decoder: Decoder, latents: torch.Tensor, *, route: str, fall_back: bool
    ) -> None:
        self._decoder = decoder
        self._fall_back = fall_back
        self._batched_vjp = True
        self.latents = latents
        self.route = route
        with torch.no_grad(), self._kernels():
            self.images = decoder(latents)
        check_images(self.images, latents)

    def jvp(self, tangents: torch.Tensor) -> torch.Tensor:
        """J v for each tangent: (t, n, *latent) -> (t, n, *image)."""
        if self.route == "forward-mode":
            try:
                return self._forward_mode(tangents)
            except torch.OutOfMemoryError:
                raise
            except (RuntimeError, NotImplementedError):
                if not self._fall_back:
                    raise
                self.route = "double-backward"
        return self._double_backward(tangents)

    def vjp(self, cotangents: torch.Tensor) -> torch.Tensor:
        """Jᵀ u for each cotangent: (t, n, *image) -> (t, n, *latent)."""
        with self._kernels(), torch.enable_grad():
            latents = self.latents.clone().requires_grad_(True)
            images = self._decoder(latents)
            if self._batched_vjp:
                try:
                    return torch.autograd.grad(
                        images, latents, cotangents, is_grads_batched=True, retain_graph=True
                    )[0]
                except torch.OutOfMemoryError:
                    raise
                except RuntimeError:
                    self._batched_vjp = False
            return torch.stack(
                [
                    torch.autograd.grad(images, latents, cotangent, retain_graph=True)[0]
                    for cotangent in cotangents
                ]
            )

    def _forward_mode(self, tangents: torch.Tensor) -> torch.Tensor:
        """vmap over tangents of forward mode: the primal pass is shared by all."""

        def product(tangent: torch.Tensor) -> torch.Tensor:
            return torch.func.jvp(self._decoder, (self.latents,), (tangent,))[1]

        with torch.no_grad(), self._kernels():
            return torch.func.vmap(product)(tangents)

    def _double_backward(self, tangents: torch.Tensor) -> torch.Tensor:
        """J v as the derivative of ⟨Jᵀu, v⟩ in u (Townsend 2017), one tangent at a time."""
        with self._kernels(), torch.enable_grad():
            latents = self.latents.clone().requires_grad_(True)
            images = self._decoder(latents)
            seed = torch.zeros_like(images, requires_grad=True)
            pulled = torch.autograd.grad(images, latents, seed, create_graph=True)[0]
            return torch.stack(
                [
                    torch.autograd.grad(pulled, seed, tangent, retain_graph=True)[0]
                    for tangent in tangents
                ]
            )

    @contextlib.contextmanager
    def _kernels(self):
        """Attention on the math kernel; torch's warnings about its own inside held back."""
        with sdpa_kernel(SDPBackend.MATH), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="There is a performance drop")
            warnings.filterwarnings("ignore", message="`torch.jit.script` is")
            yield
