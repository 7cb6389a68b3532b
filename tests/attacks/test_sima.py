"""SimA against pen and paper: its vector is the prediction at the clean latent."""

import numpy as np
import pytest
import torch

from ldviz.attacks import get_attack
from ldviz.attacks.statistic import masked_statistic, powered
from ldviz.errors import InputError, ModelError
from tests.attacks.toy_denoisers import (
    ToyModel,
    memorising_denoiser,
    random_latents,
    smooth_denoiser,
)

SIMA = get_attack("sima")


def test_hand_worked_vector_and_statistic():
    """ε̂ = 2 z + t/100: at t = 100 and z = (1, −1, 0, …) the statistic is 3⁴ + 1⁴ + 30 · 1⁴."""
    model = ToyModel(lambda z, t, conditioning: 2 * z + t / 100)
    latents = torch.zeros(1, 2, 4, 4, dtype=torch.float64)
    latents[0, 0, 0, 0], latents[0, 0, 0, 1] = 1.0, -1.0
    vector = SIMA.attack_vector(model, latents, np.array([7]), 100)
    assert vector.flatten()[:3].tolist() == [3.0, -1.0, 1.0]
    values = powered(vector.numpy(), SIMA)
    assert masked_statistic(values).tolist() == [81.0 + 1.0 + 30.0]


def test_equals_its_slow_twin_sample_by_sample():
    model, latents = smooth_denoiser(), random_latents()
    fast = SIMA.attack_vector(model, latents, np.arange(5), 40)
    slow = torch.stack([model.predict_noise(z[None], 40)[0] for z in latents])
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)


def test_memorised_latent_has_a_smaller_statistic_than_any_other():
    """For one memorised point ε̂(z, t) = (z − √ᾱ μ)/√(1−ᾱ): smallest near μ."""
    latents = random_latents(6)
    model = memorising_denoiser(latents[:1])
    vectors = SIMA.attack_vector(model, latents, np.arange(6), 100)
    statistic = masked_statistic(powered(vectors.numpy(), SIMA))
    assert statistic.argmin() == 0
    alpha = float(model.alphas_cumprod[100])
    expected = ((1 - alpha**0.5) / (1 - alpha) ** 0.5) ** 4 * (latents[0] ** 4).sum()
    assert statistic[0] == pytest.approx(float(expected), rel=1e-12)


def test_asks_once_with_an_int_timestep_and_passes_conditioning_through():
    model, latents = smooth_denoiser(), random_latents(3)
    conditioning = torch.ones(3, 32, dtype=torch.float64)
    SIMA.attack_vector(model, latents, np.arange(3), 10, conditioning=conditioning)
    ((timestep, num_samples, seen),) = model.calls
    assert (timestep, num_samples) == (10, 3)
    assert seen is conditioning
    assert SIMA.queries(10, SIMA.parameters()) == 1


def test_no_gradient_is_kept():
    model, latents = smooth_denoiser(), random_latents(2).requires_grad_()
    assert not SIMA.attack_vector(model, latents, np.arange(2), 10).requires_grad


@pytest.mark.parametrize("timestep", [-1, 1000, 10.5])
def test_timestep_outside_the_model_is_refused(timestep):
    with pytest.raises(InputError, match=r"whole number in 0\.\.999, got"):
        SIMA.attack_vector(smooth_denoiser(), random_latents(1), np.arange(1), timestep)


def test_timestep_is_needed():
    with pytest.raises(InputError, match="SimA needs a timestep"):
        SIMA.attack_vector(smooth_denoiser(), random_latents(1), np.arange(1))


def test_ids_must_match_latents():
    with pytest.raises(InputError, match="2 latents but 3 sample ids"):
        SIMA.attack_vector(smooth_denoiser(), random_latents(2), np.arange(3), 10)


def test_non_finite_predictions_name_the_sample():
    model = ToyModel(
        lambda z, t, conditioning: z / (z.flatten(1).abs().sum(1) > 0)[:, None, None, None]
    )
    latents = random_latents(3)
    latents[1] = 0
    with pytest.raises(
        ModelError, match=r"non-finite values for 1 of 3 latents \(first: sample 11\)"
    ):
        SIMA.attack_vector(model, latents, np.array([10, 11, 12]), 10)


def test_a_denoiser_that_changes_the_shape_is_refused():
    model = ToyModel(lambda z, t, conditioning: z[:, :1])
    with pytest.raises(ModelError, match="must keep its input's shape"):
        SIMA.attack_vector(model, random_latents(2), np.arange(2), 10)
