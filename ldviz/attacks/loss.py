"""Loss: how well the denoiser predicts a noise that was added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ldviz.attacks.forward_process import keyed_noise, noised
from ldviz.attacks.registry import Attack, register_attack

if TYPE_CHECKING:
    import numpy as np
    import torch

NOISE = "loss-noise"
"""What the noise is keyed by; PFAMI reuses it, its ℓ being this loss squared."""


class LossParameters(BaseModel):
    """The statistic's p; the stored vectors do not depend on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    power: Annotated[
        Literal[2, 4], BeforeValidator(lambda value: int(value) if value in ("2", "4") else value)
    ] = Field(4, description="p of Σ|S|^p: 4 as in the paper's code, 2 is the textbook loss")


def attack_vector(
    model: Any,
    latents: torch.Tensor,
    sample_ids: np.ndarray,
    timestep: int,
    *,
    parameters: LossParameters,
    seed: int,
    conditioning: Any = None,
) -> torch.Tensor:
    """S(z) = ε − ε̂(√ᾱ_t z + √(1−ᾱ_t) ε, t), ε one draw per sample and timestep.

    Its squared norm is the training loss at z, which training lowered at members.

    Args: see :meth:`ldviz.attacks.registry.Attack.attack_vector`.

    Returns:
        (n, C, h, w), in units of the noise.

    Cost: one denoiser evaluation per sample.

    Source: Matsumoto, Miura and Yanai 2023, arXiv:2302.03262, its loss-based attack.
    *Differs:* the statistic sums fourth powers by default, as the code of
    arXiv:2511.20592 does; ``power=2`` is the textbook's.
    """
    import torch

    with torch.no_grad():
        latents = latents.to(model.device)
        noise = keyed_noise(NOISE, seed, sample_ids, timestep, latents)
        return prediction_error(model, latents, noise, timestep, conditioning)


def prediction_error(
    model: Any, latents: torch.Tensor, noise: torch.Tensor, timestep: int, conditioning: Any
) -> torch.Tensor:
    """ε − ε̂(z_t, t) for the given ε."""
    noisy_latents = noised(model, latents, noise, timestep)
    return noise - model.predict_noise(noisy_latents, timestep, conditioning)


LOSS = register_attack(
    Attack(
        name="loss",
        title="Loss",
        citation="Matsumoto, Miura and Yanai, Membership Inference Attacks against Diffusion "
        "Models, 2023, arXiv:2302.03262",
        url="https://arxiv.org/abs/2302.03262",
        summary="The training loss itself: noise is added to the latent and compared with what "
        "the denoiser says was added. Training made it small at members.",
        assumptions="One denoiser query at a chosen timestep, with noise of the attacker's own: "
        "one seeded draw, so the score varies with the seed.",
        power=4.0,
        has_timesteps=True,
        default_timesteps=tuple(range(0, 300, 10)),
        parameters=LossParameters,
        queries=lambda timestep, parameters: 1,
        entry="ldviz.attacks.loss:attack_vector",
        version=1,
        statistic_parameters=("power",),
    )
)
