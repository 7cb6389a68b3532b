"""PIAN: PIA with its noise rescaled to the size of Gaussian noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ldviz.attacks.loss import prediction_error
from ldviz.attacks.registry import Attack, NoParameters, register_attack
from ldviz.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import torch


def attack_vector(
    model: Any,
    latents: torch.Tensor,
    sample_ids: np.ndarray,
    timestep: int,
    *,
    parameters: NoParameters,
    seed: int,
    conditioning: Any = None,
) -> torch.Tensor:
    """PIA's S(z) with ε₀ rescaled, per sample, to mean absolute value √(2/π).

    That is E|ε| of a standard normal, so the denoiser is asked about a noise of
    the size it was trained on.  ``sample_ids`` only name a sample in errors.

    Args: see :meth:`ldviz.attacks.registry.Attack.attack_vector`.

    Returns:
        (n, C, h, w), in units of the noise.

    Raises:
        ModelError: where ε̂(z, 0) is exactly zero: it has no direction to rescale.

    Cost: two denoiser evaluations per sample.

    Source: Kong et al. 2024, arXiv:2305.18355, the normalised variant; p = 4.
    """
    import torch

    with torch.no_grad():
        latents = latents.to(model.device)
        own_noise = model.predict_noise(latents, 0, conditioning)
        size = own_noise.abs().flatten(1).mean(dim=1)
        zero = (size == 0).nonzero().flatten()
        if len(zero):
            raise ModelError(
                f"PIAN: the denoiser predicts exactly zero noise at timestep 0 for {len(zero)} of "
                f"{len(latents)} latents (first: sample {sample_ids[int(zero[0])]}), which cannot "
                "be rescaled. Check the denoiser's weights, or use PIA."
            )
        own_noise = own_noise * (math.sqrt(2 / math.pi) / size).reshape(-1, 1, 1, 1)
        return prediction_error(model, latents, own_noise, timestep, conditioning)


PIAN = register_attack(
    Attack(
        name="pian",
        title="PIAN",
        citation="Kong et al., An Efficient Membership Inference Attack for the Diffusion Model "
        "by Proximal Initialization, ICLR 2024, arXiv:2305.18355",
        url="https://arxiv.org/abs/2305.18355",
        summary="PIA with the denoiser's own noise rescaled to the size of Gaussian noise, the "
        "size that it was trained on.",
        assumptions="Two denoiser queries, at timestep 0 and at a chosen one. Nothing is random.",
        power=4.0,
        has_timesteps=True,
        default_timesteps=tuple(range(0, 300, 10)),
        parameters=NoParameters,
        queries=lambda timestep, parameters: 2,
        entry="ldviz.attacks.pian:attack_vector",
        version=1,
    )
)
