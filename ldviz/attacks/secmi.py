"""SecMI: how well one deterministic step up and down again returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ldviz.attacks.forward_process import signal_and_noise_scale
from ldviz.attacks.registry import Attack, NoParameters, register_attack
from ldviz.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch

STEP = 10
"""Timesteps per deterministic step, as in the authors' code."""


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
    """S(z) = z̃_t − z_t: from z_t one DDIM step up to t + 10, and back down.

    z_t is reached from z (taken as the latent at timestep 0) in DDIM steps of 10.
    With e = ε̂(z_t, t), e' = ε̂(z_{t+10}, t+10) and a, b = √ᾱ_t, √(1−ᾱ_t) (primes at
    t + 10), the step up is z_{t+10} = a' x₀ + b' e, x₀ = (z_t − b e)/a; the step down
    is z̃_t = a x₀' + b e', x₀' = (z_{t+10} − b' e')/a' = x₀ + (b'/a')(e − e').  Hence

        z̃_t − z_t = (a b'/a' − b)(e − e'),

    which is what is computed: the difference itself would lose digits to cancellation
    in float32.  So S is zero exactly where the denoiser agrees with
    itself along the step: for a constant ε̂, and for every z where ε̂ is exact for
    a training set of one point.  No clipping.  ``sample_ids``, ``seed`` are unused.

    Args: see :meth:`ldviz.attacks.registry.Attack.attack_vector`; ``timestep`` is a
        multiple of 10, at most T − 11.

    Returns:
        (n, C, h, w), in units of the latent.

    Raises:
        InputError: where ᾱ vanishes at t + 10, so that the step has no way back.

    Cost: t/10 + 2 denoiser evaluations per sample.

    Source: Duan et al. 2023, arXiv:2302.01316, the approximated t-error of SecMI_stat; p = 2.
    """
    import torch

    signal_up, noise_up = signal_and_noise_scale(model, timestep + STEP)
    if signal_up == 0:
        raise InputError(
            f"SecMI at timestep {timestep} steps up to {timestep + STEP}, where this schedule "
            "keeps no signal (zero terminal SNR); choose a lower timestep."
        )
    with torch.no_grad():
        noisy_latents = latents.to(model.device)
        for lower in range(0, timestep, STEP):
            noise_pred = model.predict_noise(noisy_latents, lower, conditioning)
            noisy_latents = _ddim_step(model, noisy_latents, noise_pred, lower, lower + STEP)
        before = model.predict_noise(noisy_latents, timestep, conditioning)
        noisy_latents = _ddim_step(model, noisy_latents, before, timestep, timestep + STEP)
        after = model.predict_noise(noisy_latents, timestep + STEP, conditioning)
        signal, noise = signal_and_noise_scale(model, timestep)
        return (signal * noise_up / signal_up - noise) * (before - after)


def check_timestep(timestep: int, num_train_timesteps: int) -> None:
    """Raise InputError unless the steps of 10 meet ``timestep`` and leave one above it."""
    last = (num_train_timesteps - STEP - 1) // STEP * STEP
    if timestep % STEP or timestep > last:
        raise InputError(
            f"SecMI's `timestep` must be a multiple of {STEP} in 0..{last}, got {timestep}: it "
            f"walks in steps of {STEP} and takes one more beyond."
        )


def _ddim_step(
    model: Any, noisy_latents: torch.Tensor, noise_pred: torch.Tensor, start: int, stop: int
) -> torch.Tensor:
    """Deterministic DDIM from timestep ``start`` to ``stop``: Song et al. 2021, eq. 12 at σ = 0."""
    signal, noise = signal_and_noise_scale(model, start)
    signal_next, noise_next = signal_and_noise_scale(model, stop)
    ratio = signal_next / signal
    return ratio * noisy_latents + (noise_next - ratio * noise) * noise_pred


SECMI = register_attack(
    Attack(
        name="secmi",
        title="SecMI",
        citation="Duan et al., Are Diffusion Models Vulnerable to Membership Inference Attacks?, "
        "ICML 2023, arXiv:2302.01316",
        url="https://arxiv.org/abs/2302.01316",
        summary="The latent is walked deterministically up to a timestep, one step further and "
        "back. At a member the way back ends where it began.",
        assumptions="Many denoiser queries, one for every ten timesteps and two more; the "
        "timestep is a multiple of ten. Nothing is random.",
        power=2.0,
        has_timesteps=True,
        default_timesteps=tuple(range(0, 300, STEP)),
        parameters=NoParameters,
        queries=lambda timestep, parameters: timestep // STEP + 2,
        entry="ldviz.attacks.secmi:attack_vector",
        version=1,
        check_timestep=check_timestep,
    )
)
