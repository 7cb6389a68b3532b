"""Products with a decoder's Jacobian, many at a time, and which route ran.

J is block diagonal over the samples of a batch, so one call serves all of
them: tangents ``(t, n, *latent)`` hold t directions for each of n samples.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ldviz.errors import InputError, ModelError
from ldviz.geometry.control import Control
from ldviz.geometry.tape import FusedAttentionError, NotRecordableError, record

Decoder = Callable[[torch.Tensor], torch.Tensor]

ROUTES = ("recorded", "forward-mode", "double-backward")
PASS_NUMBERS = {"cpu": 2**22}
PASS_NUMBERS_ELSEWHERE = 2**27
ASSUMED_CHANNELS = 16
MAX_SAMPLES_PER_PASS = 16


class Linearization(Protocol):
    """A decoder's first-order behaviour at a batch of latents.

    Attributes:
        latents: (n, *latent) where J is taken.
        images: (n, *image) the decoder's output there.
        route: how the products were computed so far.
        products_per_pass: directions per sample that one call should take, for speed and memory.
    """

    latents: torch.Tensor
    images: torch.Tensor
    route: str
    products_per_pass: int

    def jvp(self, tangents: torch.Tensor) -> torch.Tensor:
        """J v for each tangent: (t, n, *latent) -> (t, n, *image)."""

    def vjp(self, cotangents: torch.Tensor) -> torch.Tensor:
        """Jᵀ u for each cotangent: (t, n, *image) -> (t, n, *latent)."""


class Linearizer:
    """Chooses the route for a decoder once and linearises it at many latents.

    The recorded route is taken where the decoder can be recorded and agrees
    with torch's own derivative on one random product at the first latent; else
    torch's automatic differentiation does the work.

    Args:
        decoder: any callable (n, *latent) -> (n, *image) that treats samples
            independently and that torch can differentiate.
        route: ``"auto"`` takes the fastest that works; or one of ``ROUTES``.

    Raises:
        InputError: the route is unknown.
    """

    def __init__(self, decoder: Decoder, route: str = "auto") -> None:
        if route not in ("auto", *ROUTES):
            raise InputError(
                f"`route` must be 'auto' or one of {', '.join(ROUTES)}, got {route!r}."
            )
        self._decoder = decoder
        self._asked = route
        self._record = route in ("auto", "recorded")
        self._checked = False
        self._first: Linearization | None = None

    def __call__(self, latents: torch.Tensor) -> Linearization:
        """The products at ``latents``.

        Raises:
            InputError: latents are not a finite floating-point batch, or the
                decoder does not support the route that was asked for.
            ModelError: the decoder returned non-finite values or another number of samples.

        Cost: one decoder pass; a few more the first time.
        """
        check_latents(latents)
        latents = latents.detach()
        linear = self._recorded(latents) if self._record else None
        if linear is None:
            route = "forward-mode" if self._asked in ("auto", "recorded") else self._asked
            linear = AutogradLinearization(
                self._decoder, latents, route=route, fall_back=self._asked == "auto"
            )
        return linear

    def samples_per_pass(self, latents: torch.Tensor, directions: int) -> int:
        """Samples that share a pass well when each has that many directions."""
        return max(1, min(self(latents[:1]).products_per_pass // directions, MAX_SAMPLES_PER_PASS))

    def _recorded(self, latents: torch.Tensor) -> Linearization | None:
        """The recorded route, or None where it does not serve this decoder."""
        try:
            if not self._checked:
                self._first = checked_recording(self._decoder, latents[:1])
                self._checked = True
            if self._first is not None and torch.equal(latents, self._first.latents):
                return self._first
            self._first = None
            return RecordedLinearization(self._decoder, latents)
        except NotRecordableError as reason:
            if self._asked == "recorded":
                raise InputError(
                    f"This decoder cannot take the recorded route: {reason}. Ask for route 'auto'."
                ) from reason
            self._record = False
            return None


def linearize(decoder: Decoder, latents: torch.Tensor, route: str = "auto") -> Linearization:
    """Jacobian products of ``decoder`` at ``latents``: one use of :class:`Linearizer`."""
    return Linearizer(decoder, route)(latents)


def in_chunks(
    linear: Linearization,
    product: Callable[[torch.Tensor], torch.Tensor],
    directions: torch.Tensor,
    control: Control,
    chunk: int | None = None,
) -> torch.Tensor:
    """``product`` of all directions, as many at a time as fit, counted by ``control``."""
    done = []
    for block in directions.split(chunk or linear.products_per_pass):
        done.append(product(block))
        control.advance(len(block) * len(linear.latents))
    return torch.cat(done) if len(done) > 1 else done[0]


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


def check_sample_ids(sample_ids: np.ndarray, count: int) -> np.ndarray:
    """The ids as an array; raises InputError unless there is one integer per latent."""
    ids = np.asarray(sample_ids)
    if ids.shape != (count,) or not np.issubdtype(ids.dtype, np.integer):
        raise InputError(
            f"`sample_ids` must hold one integer per latent: ({count},), "
            f"got {ids.dtype} {ids.shape}."
        )
    return ids


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


class RecordedLinearization:
    """Products by replaying the derivative of one recorded pass (see ``tape``)."""

    def __init__(self, decoder: Decoder, latents: torch.Tensor) -> None:
        self.latents = latents
        try:
            self.images, self._tape = record(decoder, latents)
            self.route = "recorded"
        except FusedAttentionError:
            with sdpa_kernel(SDPBackend.MATH):
                self.images, self._tape = record(decoder, latents)
            self.route = "recorded, math attention"
        check_images(self.images, latents)
        self.products_per_pass = _products_per_pass(latents, self._tape.largest_value())

    def jvp(self, tangents: torch.Tensor) -> torch.Tensor:
        """J v for each tangent: (t, n, *latent) -> (t, n, *image)."""
        with torch.no_grad():
            return self._tape.push(tangents)

    def vjp(self, cotangents: torch.Tensor) -> torch.Tensor:
        """Jᵀ u for each cotangent: (t, n, *image) -> (t, n, *latent)."""
        with torch.no_grad():
            return self._tape.pull(cotangents)


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
        self.products_per_pass = _products_per_pass(latents, self.images.numel() * ASSUMED_CHANNELS)

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
            images = self._differentiable(latents)
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

    def _differentiable(self, latents: torch.Tensor) -> torch.Tensor:
        """The decoder's images with their graph."""
        images = self._decoder(latents)
        if not images.requires_grad:
            raise ModelError(
                "The decoder's output does not depend differentiably on the latents. Usual causes: "
                "(a) it runs under torch.no_grad, (b) it detaches or leaves torch on the way."
            )
        return images

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
            images = self._differentiable(latents)
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


def checked_recording(decoder: Decoder, latents: torch.Tensor) -> RecordedLinearization:
    """The recorded route; raises NotRecordableError unless it agrees with autograd.

    One random cotangent is pulled back both ways, and one random tangent pushed
    forward must pair with it the same way; the tolerance is the square root of
    the precision.  The automatic derivative comes first and frees its graph.
    """
    generator = torch.Generator().manual_seed(0)

    def random_like(value: torch.Tensor) -> torch.Tensor:
        return torch.randn(1, *value.shape, generator=generator).to(value)

    reference = AutogradLinearization(decoder, latents, route="forward-mode", fall_back=True)
    cotangent, tangent = random_like(reference.images), random_like(latents)
    expected = reference.vjp(cotangent)
    del reference
    linear = RecordedLinearization(decoder, latents)
    tolerance = torch.finfo(latents.dtype).eps ** 0.5
    error = torch.linalg.vector_norm(linear.vjp(cotangent) - expected)
    paired = (linear.jvp(tangent).double() * cotangent).sum() - (expected.double() * tangent).sum()
    size = torch.linalg.vector_norm(expected)
    if error > tolerance * size or paired.abs() > tolerance * size * tangent.norm():
        raise NotRecordableError("its recorded derivative differs from the automatic one")
    return linear


def _products_per_pass(latents: torch.Tensor, largest: int) -> int:
    """Directions per sample whose largest tangent fills the cache, or a device's share."""
    numbers = PASS_NUMBERS.get(latents.device.type, PASS_NUMBERS_ELSEWHERE)
    return max(1, min(numbers // largest, 1024))
