"""Attack vectors of many latents, in fixed batches of the denoiser."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pydantic import BaseModel

from ldviz.attacks.registry import Attack
from ldviz.models import LatentModel
from ldviz.progress import Progress, no_progress

DENOISER_BATCH = 256
"""Most latents in one pass of the denoiser."""
DENOISER_NUMBERS = 2**16
"""Most numbers in one pass of the denoiser, so that large latents fit into memory."""


def denoiser_batch(latent_dim: int) -> int:
    """How many latents go through the denoiser at once."""
    return max(1, min(DENOISER_BATCH, DENOISER_NUMBERS // latent_dim))


def compute_vectors(
    model: LatentModel,
    latents: torch.Tensor,
    sample_ids: np.ndarray,
    attack: Attack,
    timestep: int | None,
    *,
    parameters: BaseModel | None = None,
    seed: int = 0,
    conditioning: Any = None,
    progress: Progress = no_progress,
) -> np.ndarray:
    """S(z) of every latent, in the stored precision.

    Args:
        model, latents, sample_ids, timestep, parameters, seed: as ``Attack.attack_vector``.
        conditioning: one caption or class per latent, in their order, or None.
        progress: told after every batch; may cancel.

    Returns:
        (n, C, h, w) float16.
    """
    parts = []
    prepare = getattr(model, "prepare_conditioning", lambda values: values)
    batch = denoiser_batch(latents[0].numel())
    for start in range(0, len(latents), batch):
        progress(start, len(latents), f"{attack.title} at timestep {timestep}")
        rows = slice(start, start + batch)
        vectors = attack.attack_vector(
            model,
            latents[rows],
            sample_ids[rows],
            timestep,
            parameters=parameters,
            seed=seed,
            conditioning=None if conditioning is None else prepare(conditioning[rows]),
        )
        parts.append(vectors.to(torch.float16).cpu().numpy())
    return np.concatenate(parts)
