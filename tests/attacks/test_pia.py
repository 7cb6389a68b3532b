"""PIA and PIAN against slow twins, hand-worked cases, and zeros that must be."""

import math

import numpy as np
import pytest
import torch

from ldviz.attacks import get_attack
from ldviz.errors import ModelError
from tests.attacks.toy_denoisers import (
    ToyModel,
    memorising_denoiser,
    random_latents,
    smooth_denoiser,
)

PIA, PIAN = get_attack("pia"), get_attack("pian")


def slow_vector(model, latent, timestep, *, normalised):
    own = model.predict_noise(torch.from_numpy(latent)[None], 0)[0].numpy().copy()
    if normalised:
        total = sum(abs(float(value)) for value in own.flat)
        own = own * (math.sqrt(2 / math.pi) * own.size / total)
    alpha = float(model.alphas_cumprod[timestep])
    noisy = np.empty_like(own)
    for index in np.ndindex(own.shape):
        noisy[index] = math.sqrt(alpha) * latent[index] + math.sqrt(1 - alpha) * own[index]
    return own - model.predict_noise(torch.from_numpy(noisy)[None], timestep)[0].numpy()


@pytest.mark.parametrize(("attack", "normalised"), [(PIA, False), (PIAN, True)])
def test_equal_their_slow_twins(attack, normalised):
    model, latents = smooth_denoiser(), random_latents()
    fast = attack.attack_vector(model, latents, np.arange(5), 170)
    for row in range(5):
        slow = slow_vector(model, latents[row].numpy(), 170, normalised=normalised)
        np.testing.assert_allclose(fast[row].numpy(), slow, rtol=1e-12, atol=1e-12)


def test_hand_worked_on_a_linear_denoiser():
    """ε̂ = z_t, a = 0.6, b = 0.8: PIA z − (0.6 z + 0.8 z) = −0.4 z.

    PIAN: ε₀ = k z with k = √(2/π) / mean|z|, so S = k z − 0.6 z − 0.8 k z = (0.2 k − 0.6) z.
    """
    alphas_cumprod = torch.full((20,), 0.36, dtype=torch.float64)
    model = ToyModel(lambda z, t, conditioning: z, alphas_cumprod=alphas_cumprod)
    latents = random_latents(2)
    pia = PIA.attack_vector(model, latents, np.arange(2), 10)
    torch.testing.assert_close(pia, -0.4 * latents, rtol=0, atol=1e-12)
    pian = PIAN.attack_vector(model, latents, np.arange(2), 10)
    for row in range(2):
        k = math.sqrt(2 / math.pi) / float(latents[row].abs().mean())
        torch.testing.assert_close(pian[row], (0.2 * k - 0.6) * latents[row], rtol=0, atol=1e-12)


def test_zero_for_a_constant_denoiser():
    """It answers ε₀ whatever it is asked; PIAN asks with ε₀ rescaled, so it is not zero."""
    model = ToyModel(lambda z, t, conditioning: torch.full_like(z, 0.7))
    latents = random_latents(3)
    assert PIA.attack_vector(model, latents, np.arange(3), 200).abs().max() == 0
    pian = PIAN.attack_vector(model, latents, np.arange(3), 200)
    expected = math.sqrt(2 / math.pi) - 0.7
    torch.testing.assert_close(pian, torch.full_like(latents, expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize("attack", [PIA, PIAN])
def test_zero_at_a_memorised_latent_and_nowhere_else(attack):
    """At μ, z_t = √ᾱ μ + √(1−ᾱ) ε₀ and the exact denoiser returns ε₀, rescaled or not."""
    latents = random_latents(4)
    model = memorising_denoiser(latents[:1])
    vectors = attack.attack_vector(model, latents, np.arange(4), 100)
    assert vectors[0].abs().max() < 1e-12
    assert (vectors[1:].flatten(1).abs().amax(1) > 0.1).all()


def test_pian_cannot_rescale_nothing():
    model = ToyModel(lambda z, t, conditioning: torch.zeros_like(z))
    with pytest.raises(ModelError, match=r"exactly zero .* 2 of 2 latents \(first: sample 40\)"):
        PIAN.attack_vector(model, random_latents(2), np.array([40, 41]), 10)
