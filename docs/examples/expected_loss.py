"""A seventh attack as a plugin: the loss expected over several draws of the noise.

One draw of the noise makes the Loss attack's score vary with its seed.  This one
averages the squared error over a few draws, which is closer to what training
minimised.  Try it on a study::

    python -m ldviz report digits --plugin docs.examples.expected_loss --attack expected_loss

Torch is imported inside the function, so that pages which only read the card stay
without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from ldviz.attacks import Attack, register_attack
from ldviz.attacks.forward_process import keyed_noise
from ldviz.attacks.loss import prediction_error

if TYPE_CHECKING:
    import numpy as np
    import torch


class ExpectedLossParameters(BaseModel):
    """How many draws to average over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_draws: int = Field(4, ge=1, le=100, description="draws of the noise per sample")


def attack_vector(
    model: Any,
    latents: torch.Tensor,
    sample_ids: np.ndarray,
    timestep: int,
    *,
    parameters: ExpectedLossParameters,
    seed: int,
    conditioning: Any = None,
) -> torch.Tensor:
    """S_i(z) = mean over draws of (ε − ε̂(z_t, t))_i², at least 0; small means member.

    Each draw has a purpose of its own, so more draws leave the first ones as they are.
    """
    import torch

    with torch.no_grad():
        latents = latents.to(model.device)
        total = torch.zeros_like(latents)
        for draw in range(parameters.num_draws):
            noise = keyed_noise(f"expected-loss/{draw}", seed, sample_ids, timestep, latents)
            total += prediction_error(model, latents, noise, timestep, conditioning).square()
        return total / parameters.num_draws


EXPECTED_LOSS = register_attack(
    Attack(
        name="expected_loss",
        title="Expected loss",
        citation="after Yeom et al., Privacy Risk in Machine Learning, CSF 2018, arXiv:1709.01604",
        url="https://arxiv.org/abs/1709.01604",
        summary="The Loss attack averaged over several draws of the noise, "
        "so that its score depends less on the seed.",
        assumptions="A few denoiser queries at a chosen timestep, with the attacker's own noise.",
        power=1.0,
        has_timesteps=True,
        default_timesteps=tuple(range(0, 300, 10)),
        parameters=ExpectedLossParameters,
        queries=lambda timestep, parameters: parameters.num_draws,
        entry=f"{__name__}:attack_vector",
        version=1,
    )
)
