"""What attacks and geometry need of a model: anything with these members will do."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch


@runtime_checkable
class LatentModel(Protocol):
    """A latent diffusion model, duck-typed.

    Attributes:
        latent_shape: (C, h, w) of the latents that the denoiser sees.
        image_shape: (c, H, W) of the images.
        num_train_timesteps: T; timesteps are 0 ... T - 1.
        alphas_cumprod: (T,) float64 on the CPU, the schedule's cumulative product.
        device: where the weights are; arguments must be there too.
    """

    latent_shape: tuple[int, int, int]
    image_shape: tuple[int, int, int]
    num_train_timesteps: int
    alphas_cumprod: torch.Tensor
    device: torch.device

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(n, c, H, W) images in [-1, 1] to (n, C, h, w) scaled latents (the encoder's mean)."""
        ...

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) scaled latents to (n, c, H, W) images; differentiable, not clipped."""
        ...

    def predict_noise(
        self,
        noisy_latents: torch.Tensor,
        timesteps: torch.Tensor | int,
        conditioning: Any = None,
    ) -> torch.Tensor:
        """The noise in (n, C, h, w) noisy latents at a timestep, or at (n,) of them."""
        ...
