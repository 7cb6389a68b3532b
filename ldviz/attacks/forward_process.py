"""The forward process and its keyed noise, as attacks use them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ldviz.randomness import keyed_normal

if TYPE_CHECKING:
    import numpy as np
    import torch


def signal_and_noise_scale(model: Any, timestep: int) -> tuple[float, float]:
    """(√ᾱ_t, √(1−ᾱ_t)) of the model's own schedule, in double precision."""
    alpha_cumprod = float(model.alphas_cumprod[timestep])
    return math.sqrt(alpha_cumprod), math.sqrt(1 - alpha_cumprod)


def noised(model: Any, latents: torch.Tensor, noise: torch.Tensor, timestep: int) -> torch.Tensor:
    """z_t = √ᾱ_t z + √(1−ᾱ_t) ε, in the latents' dtype."""
    signal, scale = signal_and_noise_scale(model, timestep)
    return signal * latents + scale * noise


def keyed_noise(
    purpose: str, seed: int, sample_ids: np.ndarray, timestep: int, like: torch.Tensor
) -> torch.Tensor:
    """Standard normal noise for each sample, shaped and placed as ``like``.

    Drawn on the CPU in float32 and keyed by (purpose, seed, sample id, timestep),
    so it depends neither on the batch nor on the device, and a float64 model
    sees the same noise as a float32 one.
    """
    import torch

    draws = keyed_normal(purpose, seed, sample_ids, timestep, tuple(like.shape[1:]))
    return torch.from_numpy(draws).to(device=like.device, dtype=like.dtype)
