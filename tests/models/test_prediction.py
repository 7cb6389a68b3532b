"""Noise from any prediction type, against the forward process itself."""

from __future__ import annotations

import pytest
import torch

from ldviz.errors import ModelError
from ldviz.models.prediction import to_noise


@pytest.fixture
def forward() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(5, 4, 2, 2, dtype=torch.float64, generator=generator)
    noise = torch.randn(5, 4, 2, 2, dtype=torch.float64, generator=generator)
    alphas = torch.linspace(0.1, 0.95, 5, dtype=torch.float64)
    signal, spread = (part.sqrt().reshape(-1, 1, 1, 1) for part in (alphas, 1.0 - alphas))
    return {
        "alphas": alphas,
        "noisy": signal * latents + spread * noise,
        "epsilon": noise,
        "sample": latents,
        "v_prediction": signal * noise - spread * latents,
    }


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_a_perfect_prediction_of_any_kind_gives_the_noise(forward, kind: str) -> None:
    noise = to_noise(forward[kind], forward["noisy"], forward["alphas"], kind)
    torch.testing.assert_close(noise, forward["epsilon"], rtol=1e-10, atol=1e-10)


def test_an_unknown_kind_is_refused(forward) -> None:
    with pytest.raises(ModelError, match=r'"flow".*epsilon, v_prediction, sample'):
        to_noise(forward["epsilon"], forward["noisy"], forward["alphas"], "flow")
