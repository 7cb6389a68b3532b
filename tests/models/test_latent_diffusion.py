"""Our model against diffusers' own components, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DModel

from ldviz.errors import ModelError
from ldviz.models import load_model, pick_device


@pytest.fixture(scope="module")
def model(trained_folder: Path):
    return load_model(trained_folder, image_shape=(1, 16, 16), device="cpu")


def test_latents_images_and_noise_equal_diffusers(model, trained_folder: Path) -> None:
    autoencoder = AutoencoderKL.from_pretrained(trained_folder / "vae").eval()
    denoiser = UNet2DModel.from_pretrained(trained_folder / "unet").float().eval()
    images = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scale = autoencoder.config.scaling_factor
    with torch.no_grad():
        latents = model.encode(images)
        torch.testing.assert_close(latents, autoencoder.encode(images).latent_dist.mean * scale)
        torch.testing.assert_close(
            model.decode(latents), autoencoder.decode(latents / scale).sample
        )
        expected = denoiser(latents, torch.tensor([10, 500, 999])).sample
        torch.testing.assert_close(
            model.predict_noise(latents, torch.tensor([10, 500, 999])), expected
        )


def test_one_timestep_serves_the_whole_batch(model) -> None:
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(
            model.predict_noise(latents, 7), model.predict_noise(latents, torch.tensor([7, 7]))
        )


def test_samples_are_seeded(model) -> None:
    first, again, other = (model.sample(2, seed=seed, num_inference_steps=3) for seed in (0, 0, 1))
    torch.testing.assert_close(first, again)
    assert not torch.allclose(first, other)


@pytest.mark.parametrize("timestep", [-1, 1000])
def test_timesteps_out_of_range_are_refused(model, timestep: int) -> None:
    with pytest.raises(ModelError, match=r"0 \.\.\. 999, got"):
        model.predict_noise(torch.zeros(1, 4, 4, 4), timestep)


def test_a_size_that_does_not_fit_is_refused(trained_folder: Path) -> None:
    with pytest.raises(ModelError, match="multiple of 4"):
        load_model(trained_folder, image_shape=(1, 18, 16), device="cpu")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"No model in .*vae/config\.json"):
        load_model(tmp_path, image_shape=(1, 16, 16))


def test_truncated_weights_are_refused(trained_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(trained_folder, folder)
    weights = next((folder / "vae").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(folder, image_shape=(1, 16, 16), device="cpu")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ModelError, match='no device "abacus"'):
        pick_device("abacus")
