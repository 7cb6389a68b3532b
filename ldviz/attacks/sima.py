"""SimA: the denoiser's prediction at the clean latent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    """S(z) = ε̂(z, t): the latent as it is, no noise added.

    ε̂(·, t) estimates −√(1−ᾱ_t) times the score of the noised training
    distribution, which is small near its modes: at members, once the model has
    overfitted.  ``sample_ids`` and ``seed`` are unused: nothing is drawn.

    Args: see :meth:`ldviz.attacks.registry.Attack.attack_vector`.

    Returns:
        (n, C, h, w), in units of the noise.

    Cost: one denoiser evaluation per sample.

    Source: Rao, Qu and Moyer 2025, arXiv:2509.25003, the single-query attack; p = 4 as
    in its code.
    """
    import torch

    with torch.no_grad():
        return model.predict_noise(latents.to(model.device), timestep, conditioning)


SIMA = register_attack(
    Attack(
        name="sima",
        title="SimA",
        citation="Rao, Qu and Moyer, Score-based Membership Inference on Diffusion Models, 2025, "
        "arXiv:2509.25003",
        url="https://arxiv.org/abs/2509.25003",
        summary="The size of the noise that the denoiser sees in the clean latent. "
        "Near a memorised image it sees almost none.",
        assumptions="One denoiser query at a chosen timestep; the attacker has the autoencoder "
        "and can query the denoiser with any input. Nothing is random.",
        power=4.0,
        has_timesteps=True,
        default_timesteps=tuple(range(0, 300, 10)),
        parameters=NoParameters,
        queries=lambda timestep, parameters: 1,
        entry="ldviz.attacks.sima:attack_vector",
        version=1,
    )
)
