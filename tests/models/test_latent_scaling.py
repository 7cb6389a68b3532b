"""Means and standard deviations by channel, against diffusers' own pipelines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
)

from ldviz.errors import ModelError
from ldviz.models import load_model
from ldviz.models.plan import plan_model
from ldviz.models.scaling import latent_scaling
from ldviz.models.settings import ModelSettings
from tests.models.tiny_models import (
    CLOSE,
    autoencoder_kl,
    edit_json,
    save_stable_diffusion_xl,
    seeded_images,
    seeded_latents,
    vq_model,
)

MEAN = (-1.6574, 1.886, -1.383, 2.5155)
STD = (8.4927, 5.9022, 6.5498, 5.2299)
BOTH = {"latents_mean": MEAN, "latents_std": STD, "scaling_factor": 0.5}
ONE_ALONE = [
    {"latents_mean": MEAN, "scaling_factor": 0.5},
    {"latents_std": STD, "scaling_factor": 0.5},
]


def certain(autoencoder: AutoencoderKL) -> AutoencoderKL:
    """The same with a posterior so narrow that a draw from it is its mean."""
    with torch.no_grad():
        autoencoder.quant_conv.weight[4:] = 0.0
        autoencoder.quant_conv.bias[4:] = -30.0
    return autoencoder


def saved(folder: Path, **config) -> Path:
    return save_stable_diffusion_xl(folder / "xl", vae=certain(autoencoder_kl(**config)))


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("config", [BOTH, {"scaling_factor": 0.5}, *ONE_ALONE])
def test_images_are_those_that_the_pipeline_decodes(config: dict, tmp_path: Path) -> None:
    place = saved(tmp_path, **config)
    pipeline = StableDiffusionXLPipeline.from_pretrained(place, add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    finished = {
        kind: pipeline(
            "dog",
            latents=seeded_latents(1, (4, 4, 4)) * 0.1,
            num_inference_steps=1,
            guidance_scale=1.0,
            output_type=kind,
        ).images
        for kind in ("latent", "pt")
    }
    model = load_model(place, device="cpu")
    ours = (model.decode(finished["latent"]) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(ours, finished["pt"], **CLOSE)
    assert 0.0 < ours.mean() < 1.0


@torch.no_grad()
@pytest.mark.parametrize("config", [BOTH, {"scaling_factor": 0.5}, *ONE_ALONE])
def test_latents_are_those_that_the_pipeline_encodes(config: dict, tmp_path: Path) -> None:
    place = saved(tmp_path, **config)
    pipeline = StableDiffusionXLImg2ImgPipeline.from_pretrained(place, add_watermarker=False)
    images = seeded_images(3)
    expected = pipeline.prepare_latents(
        images, None, 3, 1, torch.float32, "cpu", torch.Generator().manual_seed(0), add_noise=False
    )
    model = load_model(place, device="cpu")
    latents = model.encode(images)
    torch.testing.assert_close(latents, expected, **CLOSE)
    # There and back again: what is decoded is the encoder's mean.
    means = AutoencoderKL.from_pretrained(place / "vae").eval().encode(images).latent_dist.mean
    torch.testing.assert_close(model.scaling.to_means(latents), means, **CLOSE)


@torch.no_grad()
def test_channels_differ(tmp_path: Path) -> None:
    autoencoder_kl(**BOTH).save_pretrained(tmp_path)
    model, latents = load_model(tmp_path, device="cpu"), seeded_latents(2, (4, 4, 4))
    reference = AutoencoderKL.from_pretrained(tmp_path).eval()
    by_hand = torch.stack([latents[:, row] * STD[row] / 0.5 + MEAN[row] for row in range(4)], dim=1)
    torch.testing.assert_close(model.decode(latents), reference.decode(by_hand).sample, **CLOSE)
    plain = reference.decode(latents / 0.5).sample
    assert (model.decode(latents) - plain).abs().max() > 1e-2
    assert (model.card.latents_mean, model.card.latents_std) == (MEAN, STD)


def test_the_jacobian_is_taken_of_the_scaled_latents(tmp_path: Path) -> None:
    """One channel's columns are the unscaled decoder's, times that channel's std / s."""
    autoencoder_kl(**BOTH).save_pretrained(tmp_path)
    model, latents = load_model(tmp_path, device="cpu"), seeded_latents(1, (4, 4, 4))
    raw = torch.autograd.functional.jacobian(
        lambda means: model.autoencoder.decode(means).sample, model.scaling.to_means(latents)
    )
    jacobian = torch.autograd.functional.jacobian(model.decode, latents)
    expected = raw * (torch.tensor(STD) / 0.5).reshape(4, 1, 1)
    torch.testing.assert_close(jacobian, expected, rtol=1e-4, atol=1e-5)


def test_one_alone_is_shown_and_not_used(tmp_path: Path) -> None:
    autoencoder_kl(latents_std=STD).save_pretrained(tmp_path)
    model = load_model(tmp_path, device="cpu")
    assert (model.card.latents_mean, model.card.latents_std) == (None, STD)
    assert not model.scaling.is_by_channel


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latents_std": [1.0, 2.0, 3.0]}, "3 numbers in `latents_std` for 4 latent channels"),
        ({"latents_mean": [1.0] * 5}, "5 numbers in `latents_mean` for 4 latent channels"),
        ({"latents_mean": []}, "0 numbers in `latents_mean`"),
        ({"latents_std": [1.0, 0.0, 3.0, 1.0]}, r"deviation of 0 in `latents_std` \(channel 1\)"),
        ({"latents_std": [1.0, 1.0, 3.0, -2.0]}, r"deviation of -2 .*\(channel 3\)"),
        ({"latents_std": 2.0}, "has 2.0 as `latents_std`; expected a list"),
        ({"latents_mean": ["a"] * 4}, "as `latents_mean`; expected a list"),
        ({"latents_mean": [float("nan")] * 4}, "as `latents_mean`; expected a list of one finite"),
        ({"shift_factor": 0.1}, r"both a `shift_factor` \(0.1\) and `latents_mean`"),
        ({"scaling_factor": 0}, "has 0 as `scaling_factor`"),
        ({"scaling_factor": None}, "has None as `scaling_factor`"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(changes: dict, words: str, tmp_path: Path) -> None:
    autoencoder_kl(**BOTH).save_pretrained(tmp_path)
    edit_json(tmp_path / "config.json", **changes)
    with pytest.raises(ModelError, match=words):
        plan_model(ModelSettings(source=str(tmp_path)))
    with pytest.raises(ModelError, match=words):
        latent_scaling(json.loads((tmp_path / "config.json").read_text()))


def test_autoencoders_of_other_kinds_have_none(tmp_path: Path) -> None:
    vq_model().save_pretrained(tmp_path)
    scaling = load_model(tmp_path, device="cpu").scaling
    assert (scaling.factor, scaling.shift, scaling.is_by_channel) == (0.5, 0.0, False)
