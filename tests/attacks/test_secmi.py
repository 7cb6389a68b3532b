"""SecMI against the walk written out, a hand-worked step, and zeros that must be."""

import math

import numpy as np
import pytest
import torch

from ldviz.attacks import get_attack
from ldviz.errors import InputError
from tests.attacks.toy_denoisers import (
    ToyModel,
    memorising_denoiser,
    random_latents,
    smooth_denoiser,
)

SECMI = get_attack("secmi")


def ddim(model, noisy, noise_pred, start, stop):
    """x̂₀ from the prediction at ``start``, noised again to ``stop``."""
    now, then = float(model.alphas_cumprod[start]), float(model.alphas_cumprod[stop])
    clean = (noisy - math.sqrt(1 - now) * noise_pred) / math.sqrt(now)
    return math.sqrt(then) * clean + math.sqrt(1 - then) * noise_pred


def slow_vector(model, latent, timestep):
    """METHOD.md word for word: up to t, one step further with ε̂ at t, back with ε̂ above."""
    noisy, now = latent[None], 0
    while now < timestep:
        noisy = ddim(model, noisy, model.predict_noise(noisy, now), now, now + 10)
        now += 10
    above = ddim(model, noisy, model.predict_noise(noisy, now), now, now + 10)
    back = ddim(model, above, model.predict_noise(above, now + 10), now + 10, now)
    return (back - noisy)[0]


@pytest.mark.parametrize("timestep", [0, 10, 100, 980])
def test_equals_its_slow_twin(timestep):
    """Up to 1e-6 relative near t = T, where the schedule divides by √ᾱ ≈ 0.007."""
    model, latents = smooth_denoiser(), random_latents(3)
    fast = SECMI.attack_vector(model, latents, np.arange(3), timestep)
    for row in range(3):
        slow = slow_vector(model, latents[row], timestep)
        torch.testing.assert_close(fast[row], slow, rtol=1e-9, atol=1e-12)


def test_hand_worked_step():
    """ε̂ = t, a, b = 0.8, 0.6 at t = 10 and 0.6, 0.8 at 20: (0.8·0.8/0.6 − 0.6)(10 − 20) = −14/3."""
    alphas_cumprod = torch.full((21,), 0.64, dtype=torch.float64)
    alphas_cumprod[20] = 0.36
    model = ToyModel(
        lambda z, t, conditioning: torch.full_like(z, t), alphas_cumprod=alphas_cumprod
    )
    vectors = SECMI.attack_vector(model, random_latents(2), np.arange(2), 10)
    torch.testing.assert_close(vectors, torch.full_like(vectors, -14 / 3), rtol=0, atol=1e-12)
    assert [timestep for timestep, _, _ in model.calls] == [0, 10, 20]


def test_zero_for_a_constant_denoiser():
    model = ToyModel(lambda z, t, conditioning: torch.full_like(z, -1.3))
    assert SECMI.attack_vector(model, random_latents(3), np.arange(3), 200).abs().max() == 0


def test_zero_everywhere_for_the_exact_denoiser_of_one_point():
    """Each z lies on a straight deterministic path to μ, which the step up and down follows."""
    latents = random_latents(4)
    model = memorising_denoiser(torch.full((1, 2, 4, 4), 0.4, dtype=torch.float64))
    vectors = SECMI.attack_vector(model, latents, np.arange(4), 150)
    assert vectors.abs().max() < 1e-10
    others = SECMI.attack_vector(smooth_denoiser(), latents, np.arange(4), 150)
    assert (others.flatten(1).abs().amax(1) > 1e-3).all()


def test_float32_keeps_the_digits_that_the_bare_difference_loses():
    model, latents = smooth_denoiser(), random_latents(4)
    exact = SECMI.attack_vector(model, latents, np.arange(4), 20)
    single = SECMI.attack_vector(model, latents.float(), np.arange(4), 20)
    bare = torch.stack([slow_vector(model, latent, 20) for latent in latents.float()])
    assert single.dtype == torch.float32
    error, bare_error = ((v.double() - exact).norm() / exact.norm() for v in (single, bare))
    assert error < 1e-5
    assert error < bare_error / 3


@pytest.mark.parametrize("timestep", [5, 101, 990, 999])
def test_timesteps_off_the_walk_are_refused(timestep):
    model = smooth_denoiser()
    with pytest.raises(InputError, match=rf"multiple of 10 in 0\.\.980, got {timestep}"):
        SECMI.attack_vector(model, random_latents(1), np.arange(1), timestep)
    assert model.calls == []


def test_the_last_timestep_is_t_minus_eleven():
    alphas_cumprod = torch.linspace(0.99, 0.5, 51, dtype=torch.float64)
    model = ToyModel(lambda z, t, conditioning: z, alphas_cumprod=alphas_cumprod)
    SECMI.attack_vector(model, random_latents(1), np.arange(1), 40)
    with pytest.raises(InputError, match=r"0\.\.40, got 50"):
        SECMI.attack_vector(model, random_latents(1), np.arange(1), 50)


def test_a_schedule_that_ends_without_signal_has_no_way_back():
    alphas_cumprod = torch.linspace(1.0, 0.0, 21, dtype=torch.float64)
    model = ToyModel(lambda z, t, conditioning: z, alphas_cumprod=alphas_cumprod)
    with pytest.raises(InputError, match="zero terminal SNR"):
        SECMI.attack_vector(model, random_latents(1), np.arange(1), 10)
