"""PFAMI against a slow twin, hand-worked crops, and signs and zeros that must be."""

import math

import numpy as np
import pytest
import torch

from ldviz.attacks import get_attack
from ldviz.attacks.pfami import centre_crop
from ldviz.attacks.statistic import masked_statistic, powered
from ldviz.errors import InputError
from ldviz.randomness import keyed_generator
from tests.attacks.toy_denoisers import (
    ToyModel,
    memorising_denoiser,
    random_latents,
    smooth_denoiser,
)

PFAMI = get_attack("pfami")


def slow_crop(latent, share):
    """Each cell read at its place in the centred box, between its four neighbours."""
    channels, height, width = latent.shape
    cropped = np.empty_like(latent)
    for channel, row, column in np.ndindex(channels, height, width):
        y = (row + 0.5) * share + (1 - share) / 2 * height - 0.5
        x = (column + 0.5) * share + (1 - share) / 2 * width - 0.5
        value = 0.0
        for i in range(height):
            for j in range(width):
                weight = max(0.0, 1 - abs(y - i)) * max(0.0, 1 - abs(x - j))
                value += weight * latent[channel, i, j]
        cropped[channel, row, column] = value
    return cropped


def slow_loss(model, latent, noise, timestep):
    alpha = float(model.alphas_cumprod[timestep])
    noisy = math.sqrt(alpha) * latent + math.sqrt(1 - alpha) * noise
    return (noise - model.predict_noise(torch.from_numpy(noisy)[None], timestep)[0].numpy()) ** 2


def slow_vector(model, latent, sample_id, seed):
    differences = []
    for timestep in range(0, 451, 50):
        generator = keyed_generator("loss-noise", seed, sample_id, timestep)
        noise = generator.standard_normal(latent.shape, dtype=np.float32).astype(np.float64)
        for share in np.linspace(0.95, 0.70, 10):
            differences.append(
                slow_loss(model, latent, noise, timestep)
                - slow_loss(model, slow_crop(latent, share), noise, timestep)
            )
    return np.mean(differences, axis=0)


def test_equals_its_slow_twin():
    model, latents = smooth_denoiser(), random_latents(2)
    fast = PFAMI.attack_vector(model, latents, np.array([6, 2]), seed=9)
    for row, sample_id in enumerate([6, 2]):
        slow = slow_vector(model, latents[row].numpy(), sample_id, 9)
        np.testing.assert_allclose(fast[row].numpy(), slow, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("share", [0.95, 0.7, 0.1, 1.0])
@pytest.mark.parametrize("shape", [(2, 4, 4), (1, 3, 8), (1, 1, 5)])
def test_crops_equal_a_slow_twin_and_torch_grid_sample(share, shape):
    latents = random_latents(2, shape)
    crops = centre_crop(latents, share)
    for latent, crop in zip(latents.numpy(), crops.numpy(), strict=True):
        np.testing.assert_allclose(crop, slow_crop(latent, share), rtol=1e-12, atol=1e-12)
    affine = torch.tensor([[[share, 0, 0], [0, share, 0]]], dtype=torch.float64).expand(2, 2, 3)
    grid = torch.nn.functional.affine_grid(affine, list(latents.shape), align_corners=False)
    sampled = torch.nn.functional.grid_sample(
        latents, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    torch.testing.assert_close(crops, sampled, rtol=1e-12, atol=1e-12)


def test_hand_worked():
    """ε̂ = z_t, ᾱ = 1, one crop of ½: (0, 1) is read at ¼ and ¾, and ℓ = (ε − z)²."""
    model = ToyModel(lambda z, t, conditioning: z, (1, 1, 2), torch.ones(10, dtype=torch.float64))
    latents = torch.tensor([[[[0.0, 1.0]]]], dtype=torch.float64)
    parameters = PFAMI.parse_parameters({"timesteps": [3], "crops": [0.5]})
    vector = PFAMI.attack_vector(model, latents, np.array([1]), parameters=parameters)
    noise = keyed_generator("loss-noise", 0, 1, 3).standard_normal(2, dtype=np.float32)
    first, second = noise.astype(np.float64)
    expected = [first**2 - (first - 0.25) ** 2, (second - 1) ** 2 - (second - 0.75) ** 2]
    np.testing.assert_allclose(vector.flatten().numpy(), expected, rtol=0, atol=1e-12)


def test_the_latent_and_its_crops_share_their_noise():
    """A denoiser that ignores its input has the same loss at both, but not with fresh noise."""
    model = ToyModel(lambda z, t, conditioning: torch.full_like(z, t / 100))
    assert PFAMI.attack_vector(model, random_latents(3), np.arange(3)).abs().max() == 0


def test_a_flat_latent_is_its_own_crop():
    latents = torch.ones(2, 2, 4, 4, dtype=torch.float64) * torch.tensor([0.3, -2.0])[:, None, None]
    vectors = PFAMI.attack_vector(smooth_denoiser(), latents[:1].expand(2, 2, 4, 4), np.arange(2))
    assert vectors.abs().max() < 1e-12


def test_signed_and_most_negative_at_the_memorised_latent():
    latents = random_latents(4)
    model = memorising_denoiser(latents[:1])
    vectors = PFAMI.attack_vector(model, latents, np.arange(4))
    statistic = masked_statistic(powered(vectors.numpy(), PFAMI))
    np.testing.assert_allclose(statistic, vectors.flatten(1).sum(1).numpy(), rtol=1e-9)
    assert statistic.argmin() == 0
    assert (vectors[0] <= 0).all()
    assert (statistic[1:] > 0).any()


def test_a_short_schedule_is_refused():
    model = ToyModel(lambda z, t, conditioning: z, alphas_cumprod=torch.ones(400))
    with pytest.raises(InputError, match=r"in 0\.\.399, got 400"):
        PFAMI.attack_vector(model, random_latents(1), np.arange(1))
    assert model.calls == []


def test_no_timestep_axis_and_crops_must_be_shares():
    with pytest.raises(InputError, match="PFAMI has no timestep axis, got timestep 100"):
        PFAMI.attack_vector(smooth_denoiser(), random_latents(1), np.arange(1), 100)
    for crops in ([1.2], [0.0], []):
        with pytest.raises(InputError, match="PFAMI: `crops`"):
            PFAMI.parse_parameters({"crops": crops})


def test_default_parameters_are_the_method():
    parameters = PFAMI.parameters()
    assert parameters.timesteps == (0, 50, 100, 150, 200, 250, 300, 350, 400, 450)
    np.testing.assert_allclose(parameters.crops, np.linspace(0.95, 0.70, 10), rtol=1e-15)
