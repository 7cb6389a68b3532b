"""Loss against a slow twin, a hand-worked case, and its two powers."""

import math

import numpy as np
import pytest
import torch

from ldviz.attacks import get_attack
from ldviz.attacks.statistic import masked_statistic, powered
from ldviz.errors import InputError
from ldviz.randomness import keyed_generator
from tests.attacks.toy_denoisers import (
    ToyModel,
    memorising_denoiser,
    random_latents,
    smooth_denoiser,
)

LOSS = get_attack("loss")


def draw(seed, sample_id, timestep, shape):
    """One sample's noise, drawn alone."""
    generator = keyed_generator("loss-noise", seed, sample_id, timestep)
    return generator.standard_normal(shape, dtype=np.float32).astype(np.float64)


def slow_vector(model, latent, sample_id, timestep, seed):
    noise = draw(seed, sample_id, timestep, latent.shape)
    alpha = float(model.alphas_cumprod[timestep])
    noisy = np.empty_like(noise)
    for index in np.ndindex(noise.shape):
        noisy[index] = math.sqrt(alpha) * latent[index] + math.sqrt(1 - alpha) * noise[index]
    predicted = model.predict_noise(torch.from_numpy(noisy)[None], timestep)[0].numpy()
    return noise - predicted


def test_equals_its_slow_twin():
    model, latents, ids = smooth_denoiser(), random_latents(), np.array([3, 1, 4, 15, 9])
    fast = LOSS.attack_vector(model, latents, ids, 120, seed=5)
    for row, sample_id in enumerate(ids):
        slow = slow_vector(model, latents[row].numpy(), int(sample_id), 120, 5)
        np.testing.assert_allclose(fast[row].numpy(), slow, rtol=1e-12, atol=1e-12)


def test_hand_worked():
    """ε̂ = z_t and ᾱ = 0.36: S = ε − 0.6 z − 0.8 ε = 0.2 ε − 0.6 z."""
    alphas_cumprod = torch.full((20,), 0.36, dtype=torch.float64)
    model = ToyModel(lambda z, t, conditioning: z, alphas_cumprod=alphas_cumprod)
    latents = random_latents(2)
    vectors = LOSS.attack_vector(model, latents, np.array([8, 9]), 10)
    for row, sample_id in enumerate([8, 9]):
        expected = 0.2 * draw(0, sample_id, 10, (2, 4, 4)) - 0.6 * latents[row].numpy()
        np.testing.assert_allclose(vectors[row].numpy(), expected, rtol=0, atol=1e-12)


def test_a_memorised_latent_has_no_loss_whatever_the_noise():
    latents = random_latents(3)
    model = memorising_denoiser(latents[:1])
    for seed in range(3):
        vectors = LOSS.attack_vector(model, latents, np.arange(3), 100, seed=seed)
        assert vectors[0].abs().max() < 1e-12
        assert vectors[1:].abs().max() > 0.1


def test_power_two_is_an_option_that_leaves_the_vectors_alone():
    textbook, ours = LOSS.parse_parameters({"power": "2"}), LOSS.parameters()
    assert (LOSS.power_for(textbook), LOSS.power_for(ours)) == (2.0, 4.0)
    assert LOSS.vector_parameters(textbook) == LOSS.vector_parameters(ours) == {}
    model, latents = smooth_denoiser(), random_latents()
    vectors = [
        LOSS.attack_vector(model, latents, np.arange(5), 50, parameters=parameters)
        for parameters in (textbook, ours)
    ]
    assert torch.equal(*vectors)
    statistic = masked_statistic(powered(vectors[0].numpy(), LOSS.power_for(textbook)))
    expected = (vectors[0].flatten(1) ** 2).sum(1).numpy()
    np.testing.assert_allclose(statistic, expected, rtol=1e-12)


def test_other_powers_are_refused():
    with pytest.raises(InputError, match=r"Loss: `power`: .* got 3"):
        LOSS.parse_parameters({"power": 3})
