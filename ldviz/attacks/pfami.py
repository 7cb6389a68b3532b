"""PFAMI: whether the loss is lower at the image than at crops of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ldviz.attacks.forward_process import keyed_noise
from ldviz.attacks.loss import NOISE, prediction_error
from ldviz.attacks.registry import Attack, check_timestep_in_range, register_attack

if TYPE_CHECKING:
    import numpy as np
    import torch


class PFAMIParameters(BaseModel):
    """Where the loss is probed, and how the latent is perturbed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timesteps: tuple[int, ...] = Field(
        tuple(range(0, 500, 50)), min_length=1, description="timesteps that ℓ is averaged over"
    )
    crops: tuple[float, ...] = Field(
        tuple(0.95 - 0.25 * step / 9 for step in range(10)),
        min_length=1,
        description="side of each centre crop as a share of the latent's",
    )

    @field_validator("crops")
    @classmethod
    def _shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < share < 1 for share in value):
            raise ValueError("every crop must be a share strictly between 0 and 1")
        return value


def attack_vector(
    model: Any,
    latents: torch.Tensor,
    sample_ids: np.ndarray,
    timestep: None,
    *,
    parameters: PFAMIParameters,
    seed: int,
    conditioning: Any = None,
) -> torch.Tensor:
    """S_i(z) = mean over t and crops of ℓ_i(z, t) − ℓ_i(crop(z), t), signed.

    ℓ_i is the square of the Loss vector's entry i, and the same ε serves z and all
    its crops at a timestep, so that S compares latents and not draws.  At a member
    the likelihood peaks: its own loss is below its neighbours', and S is negative.

    The masked, per-dimension form is ours.  The paper has one loss per image, and
    its authors' two codes differ (a signed mean in one, a squared scalar in the
    other, both with fresh noise and crops truncated to whole cells); without a
    mask, Σ S_i / d is the signed mean with common noise and fractional crops.

    Args: see :meth:`ldviz.attacks.registry.Attack.attack_vector`; ``timestep`` is None.

    Returns:
        (n, C, h, w), in squared units of the noise; small means member.

    Raises:
        InputError: where a timestep of ``parameters`` is not one of the model's.

    Cost: (1 + crops) · timesteps denoiser evaluations per sample, 110 by default.

    Source: Fu et al. 2023, arXiv:2308.12143, the metric-based variant, section 4.3.
    """
    import torch

    for probed in parameters.timesteps:
        check_timestep_in_range(probed, model.num_train_timesteps)
    with torch.no_grad():
        latents = latents.to(model.device)
        crops = [centre_crop(latents, share) for share in parameters.crops]
        fluctuation = torch.zeros_like(latents)
        for probed in parameters.timesteps:
            noise = keyed_noise(NOISE, seed, sample_ids, probed, latents)
            own = prediction_error(model, latents, noise, probed, conditioning).square()
            for crop in crops:
                theirs = prediction_error(model, crop, noise, probed, conditioning).square()
                fluctuation += own - theirs
        return fluctuation / (len(crops) * len(parameters.timesteps))


def centre_crop(latents: torch.Tensor, share: float) -> torch.Tensor:
    """The centred box of ``share`` of each side, resized back bilinearly.

    The box is fractional: along a side, cell i is read at m + share·(i − m), m the middle,
    which lies within the grid, so nothing is padded.

    Args:
        latents: (n, C, h, w).
        share: in (0, 1].

    Returns:
        (n, C, h, w).
    """
    import torch

    for axis, shape in ((-2, (-1, 1)), (-1, (-1,))):
        side = latents.shape[axis]
        middle = (side - 1) / 2
        positions = middle + share * (torch.arange(side, dtype=torch.float64) - middle)
        below = positions.floor().long()
        weights = (positions - below).to(latents.device, latents.dtype).reshape(shape)
        below = below.to(latents.device)
        lower = latents.index_select(axis, below)
        upper = latents.index_select(axis, (below + 1).clamp(max=side - 1))
        latents = lower + weights * (upper - lower)
    return latents


PFAMI = register_attack(
    Attack(
        name="pfami",
        title="PFAMI",
        citation="Fu et al., A Probabilistic Fluctuation based Membership Inference Attack for "
        "Diffusion Models, 2023, arXiv:2308.12143",
        url="https://arxiv.org/abs/2308.12143",
        summary="Whether the loss is lower at the latent than at centre crops of it, as at a "
        "peak of the likelihood. The masked, per-dimension form is ours; the paper has one "
        "number per image.",
        assumptions="110 denoiser queries over ten timesteps and ten crops, with seeded noise "
        "that the latent and its crops share. It has no timestep axis.",
        power=None,
        has_timesteps=False,
        default_timesteps=(),
        parameters=PFAMIParameters,
        queries=lambda timestep, parameters: (
            len(parameters.timesteps) * (1 + len(parameters.crops))
        ),
        entry="ldviz.attacks.pfami:attack_vector",
        version=1,
    )
)
