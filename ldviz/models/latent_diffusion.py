"""A diffusers autoencoder, denoiser and scheduler as one latent diffusion model."""

from __future__ import annotations

from typing import Any

import torch

from ldviz.errors import ModelError
from ldviz.models.prediction import to_noise


class LatentDiffusionModel:
    """An ``AutoencoderKL`` and a ``UNet2DModel`` behind the LatentModel protocol.

    Weights are frozen and in evaluation mode.  Latents are s * (mean - shift), with
    s and shift from the autoencoder's config.

    Args:
        autoencoder: diffusers ``AutoencoderKL``.
        denoiser: diffusers ``UNet2DModel``, or None where only geometry is wanted.
        scheduler: diffusers scheduler with ``alphas_cumprod``, or None likewise.
        image_shape: (c, H, W).
        device: where to compute.
    """

    def __init__(
        self,
        autoencoder: Any,
        denoiser: Any,
        scheduler: Any,
        *,
        image_shape: tuple[int, int, int],
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.autoencoder = autoencoder.to(self.device).eval().requires_grad_(False)
        self.denoiser = (
            None if denoiser is None else denoiser.to(self.device).eval().requires_grad_(False)
        )
        self.scheduler = scheduler
        self.image_shape = tuple(image_shape)
        self.scaling_factor = float(autoencoder.config.scaling_factor)
        self.shift_factor = float(getattr(autoencoder.config, "shift_factor", None) or 0.0)
        factor = 2 ** (len(autoencoder.config.block_out_channels) - 1)
        _, height, width = self.image_shape
        if height % factor or width % factor:
            raise ModelError(
                f"The autoencoder shrinks images {factor}-fold, which {height} x {width} pixels "
                f"are not a multiple of. Resize the images to a multiple of {factor}."
            )
        self.latent_shape = (
            int(autoencoder.config.latent_channels),
            height // factor,
            width // factor,
        )
        if scheduler is None:
            self.alphas_cumprod = torch.ones(0, dtype=torch.float64)
        else:
            self.alphas_cumprod = scheduler.alphas_cumprod.detach().to("cpu", torch.float64)
        self.num_train_timesteps = len(self.alphas_cumprod)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(n, c, H, W) images in [-1, 1] to (n, C, h, w) scaled latents (the encoder's mean)."""
        mean = self.autoencoder.encode(images).latent_dist.mode()
        return (mean - self.shift_factor) * self.scaling_factor

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) scaled latents to (n, c, H, W) images; differentiable, not clipped."""
        unscaled = latents / self.scaling_factor + self.shift_factor
        return self.autoencoder.decode(unscaled, return_dict=False)[0]

    def predict_noise(
        self,
        noisy_latents: torch.Tensor,
        timesteps: torch.Tensor | int,
        conditioning: Any = None,
    ) -> torch.Tensor:
        """Noise prediction for (n, C, h, w) noisy latents at one timestep or (n,) of them.

        Raises:
            ModelError: if there is no denoiser, or a timestep is out of range.
        """
        if self.denoiser is None:
            raise ModelError(
                "This model has no denoiser, so nothing can be attacked; its geometry can be seen."
            )
        timesteps = torch.as_tensor(timesteps, dtype=torch.long)
        if int(timesteps.min()) < 0 or int(timesteps.max()) >= self.num_train_timesteps:
            raise ModelError(
                f"Timesteps must be in 0 ... {self.num_train_timesteps - 1}, "
                f"got {int(timesteps.min())} ... {int(timesteps.max())}."
            )
        alphas = self.alphas_cumprod[timesteps].to(self.device)
        expanded = timesteps.to(self.device).expand(len(noisy_latents))
        output = self.denoiser(noisy_latents, expanded, return_dict=False)[0]
        output = output[:, : self.latent_shape[0]]
        return to_noise(output, noisy_latents, alphas, self.scheduler.config.prediction_type)

    @torch.no_grad()
    def sample(self, count: int, *, seed: int, num_inference_steps: int = 100) -> torch.Tensor:
        """Draw images by deterministic DDIM.

        Args:
            count: how many images.
            seed: of the starting noise, drawn on the CPU.
            num_inference_steps: denoiser evaluations per image.

        Returns:
            (count, c, H, W), roughly in [-1, 1].

        Source: Song, Meng and Ermon 2021 (arXiv:2010.02502), by diffusers' DDIMScheduler.
        """
        from diffusers import DDIMScheduler

        scheduler = DDIMScheduler.from_config(self.scheduler.config)
        scheduler.set_timesteps(num_inference_steps)
        generator = torch.Generator().manual_seed(seed)
        latents = torch.randn((count, *self.latent_shape), generator=generator).to(self.device)
        for timestep in scheduler.timesteps:
            expanded = timestep.to(self.device).expand(count)
            output = self.denoiser(latents, expanded, return_dict=False)[0]
            latents = scheduler.step(output, timestep, latents).prev_sample
        return self.decode(latents)
