"""PIA: the loss at a noise that the denoiser itself chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ldviz.attacks.loss import prediction_error
from ldviz.attacks.registry import Attack, NoParameters, register_attack

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
    """S(z) = ε₀ − ε̂(√ᾱ_t z + √(1−ᾱ_t) ε₀, t) with ε₀ = ε̂(z, 0).

    ε₀ fixes the deterministic trajectory through z; S is how far the denoiser at
    t disagrees about it.  It is zero for a denoiser that always says the same,
    and at the point μ of a training set of one, where ε̂ = (z_t − √ᾱ_t μ)/√(1−ᾱ_t)
    returns whatever noise was added to μ.  ``sample_ids`` and ``seed`` are unused.

    Args: see :meth:`ldviz.attacks.registry.Attack.attack_vector`.

    Returns:
        (n, C, h, w), in units of the noise.

    Cost: two denoiser evaluations per sample.

    Source: Kong et al. 2024, arXiv:2305.18355, proximal initialisation; p = 4.
    """
    import torch

    with torch.no_grad():
        latents = latents.to(model.device)
        own_noise = model.predict_noise(latents, 0, conditioning)
        return prediction_error(model, latents, own_noise, timestep, conditioning)


PIA = register_attack(
    Attack(
        name="pia",
        title="PIA",
        citation="Kong et al., An Efficient Membership Inference Attack for the Diffusion Model "
        "by Proximal Initialization, ICLR 2024, arXiv:2305.18355",
        url="https://arxiv.org/abs/2305.18355",
        summary="The noise that the denoiser sees in the clean latent is added to it, and the "
        "denoiser asked again. At a member the two answers agree.",
        assumptions="Two denoiser queries, at timestep 0 and at a chosen one. Nothing is random.",
        power=4.0,
        has_timesteps=True,
        default_timesteps=tuple(range(0, 300, 10)),
        parameters=NoParameters,
        queries=lambda timestep, parameters: 2,
        entry="ldviz.attacks.pia:attack_vector",
        version=1,
    )
)
