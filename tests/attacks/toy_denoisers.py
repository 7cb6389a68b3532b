"""Denoisers with known answers, in the shape that attacks expect of a model."""

from __future__ import annotations

import math

import torch

NUM_TRAIN_TIMESTEPS = 1000


def linear_alphas_cumprod() -> torch.Tensor:
    """ᾱ of the linear schedule from 1e-4 to 2e-2, float64."""
    return torch.cumprod(
        1 - torch.linspace(1e-4, 2e-2, NUM_TRAIN_TIMESTEPS, dtype=torch.float64), 0
    )


class ToyModel:
    """A LatentModel whose noise prediction is any function of (z_t, t, conditioning)."""

    image_shape = (1, 32, 32)
    num_train_timesteps = NUM_TRAIN_TIMESTEPS
    device = torch.device("cpu")

    def __init__(self, noise_prediction, latent_shape=(2, 4, 4), alphas_cumprod=None):
        self.latent_shape = latent_shape
        self.noise_prediction = noise_prediction
        if alphas_cumprod is None:
            alphas_cumprod = linear_alphas_cumprod()
        self.alphas_cumprod = alphas_cumprod
        self.num_train_timesteps = len(alphas_cumprod)
        self.calls = []

    def predict_noise(self, noisy_latents, timesteps, conditioning=None):
        self.calls.append((int(timesteps), len(noisy_latents), conditioning))
        return self.noise_prediction(noisy_latents, int(timesteps), conditioning)


def smooth_denoiser(latent_shape=(2, 4, 4), seed=0):
    """A small non-linear denoiser that mixes dimensions and depends on t, in float64."""
    generator = torch.Generator().manual_seed(seed)
    latent_dim = math.prod(latent_shape)
    weight = torch.randn(latent_dim, latent_dim, generator=generator, dtype=torch.float64)
    weight /= math.sqrt(latent_dim)

    def noise_prediction(noisy_latents, timestep, conditioning):
        hidden = torch.tanh(noisy_latents.flatten(1) @ weight.to(noisy_latents.dtype).T)
        if conditioning is not None:
            hidden = hidden + conditioning.to(hidden.dtype)
        hidden = hidden * (1 + timestep / 500) + math.cos(timestep / 50)
        return hidden.reshape(noisy_latents.shape)

    return ToyModel(noise_prediction, latent_shape)


def memorising_denoiser(memorised):
    """The exact denoiser of a distribution that is one point: ε̂ = (z_t − √ᾱ μ) / √(1−ᾱ)."""
    alphas_cumprod = linear_alphas_cumprod()

    def noise_prediction(noisy_latents, timestep, conditioning):
        alpha = float(alphas_cumprod[timestep])
        return (noisy_latents - math.sqrt(alpha) * memorised) / math.sqrt(1 - alpha)

    return ToyModel(noise_prediction, tuple(memorised.shape[-3:]))


def random_latents(num_samples=5, latent_shape=(2, 4, 4), seed=1, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_samples, *latent_shape, generator=generator, dtype=dtype)
