"""The worked example of the docs: found, computed right, and light to import."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from ldviz import attacks
from ldviz.attacks import registry
from ldviz.attacks.forward_process import keyed_noise
from tests.attacks.toy_denoisers import random_latents, smooth_denoiser

MODULE = "docs.examples.expected_loss"


@pytest.fixture
def expected_loss(monkeypatch):
    """The example, loaded as a user would, and gone after the test."""
    monkeypatch.setattr(registry, "_ATTACKS", dict(registry._ATTACKS))
    sys.modules.pop(MODULE, None)
    assert attacks.load_plugins([MODULE]) == ("expected_loss",)
    yield attacks.get_attack("expected_loss")
    sys.modules.pop(MODULE)


def test_equals_the_mean_of_its_draws(expected_loss):
    model, latents, ids = smooth_denoiser(), random_latents(3), np.array([4, 0, 9])
    parameters = expected_loss.parse_parameters({"num_draws": 3})
    vectors = expected_loss.attack_vector(model, latents, ids, 80, parameters=parameters, seed=2)
    assert len(model.calls) == expected_loss.queries(80, parameters) == 3
    alpha = float(model.alphas_cumprod[80])
    draws = []
    for draw in range(3):
        noise = keyed_noise(f"expected-loss/{draw}", 2, ids, 80, latents)
        noisy = alpha**0.5 * latents + (1 - alpha) ** 0.5 * noise
        draws.append((noise - model.predict_noise(noisy, 80)) ** 2)
    torch.testing.assert_close(vectors, torch.stack(draws).mean(0), rtol=1e-12, atol=1e-12)


def test_more_draws_vary_less_with_the_seed(expected_loss):
    def spread(num_draws):
        parameters = expected_loss.parse_parameters({"num_draws": num_draws})
        statistics = [
            expected_loss.attack_vector(
                smooth_denoiser(), random_latents(), np.arange(5), 80, parameters=parameters, seed=s
            ).sum((1, 2, 3))
            for s in range(8)
        ]
        return torch.stack(statistics).std(0).mean()

    assert spread(16) < 0.5 * spread(1)


def test_importing_the_card_leaves_torch_alone():
    code = (
        f"import sys, ldviz.attacks as a; a.load_plugins(['{MODULE}']);"
        "a.get_attack('expected_loss'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
