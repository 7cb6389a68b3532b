"""``analyze MODEL --images PLACE`` as a user types it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ldviz.study.store import open_study
from tests.models.test_paper_models import autoencoder_weights, denoiser_weights
from tests.models.tiny_models import autoencoder_kl, edit_json, save_stable_diffusion_xl
from tests.test_command_line import files, ldviz


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with checkpoints in the paper's layout and pictures."""
    torch.save(autoencoder_weights(8, 2, 3), tmp_path / "vae_last.pt")
    torch.save(denoiser_weights(8, (1, 2), 2), tmp_path / "unet_last.pt")
    generator = np.random.default_rng(0)
    for side in ("member", "held_out"):
        (tmp_path / "pictures" / side).mkdir(parents=True)
        for number in range(4):
            pixels = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / side / f"{number}.png")
    return tmp_path


def test_a_model_and_a_folder_become_a_study(place: Path) -> None:
    result = ldviz(
        *("analyze", "vae_last.pt", "--denoiser", "unet_last.pt", "--images", "pictures"),
        *("--image-size", "16", "--timesteps", "0,50", "--name", "mine", "--device", "cpu"),
        cwd=place,
    )
    assert result.returncode == 0, result.stderr
    assert "recognised: paper" in result.stdout
    assert "Analysed mine: 8 samples, d = 32" in result.stdout
    study = open_study(place / "studies" / "mine")
    assert study.stored_timesteps("sima") == (0, 50)
    assert study.manifest.model.kind == "paper"
    again = ldviz("analyze", "mine", "--device", "cpu", cwd=place)
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_two_text_encoders_from_a_dry_run_to_a_study(place: Path) -> None:
    scales = {"latents_mean": [0.1, 0.0, -0.2, 0.3], "latents_std": [0.8, 0.6, 1.2, 0.5]}
    save_stable_diffusion_xl(place / "xl", vae=autoencoder_kl(**scales))
    for number, image in enumerate(sorted((place / "pictures").rglob("*.png"))):
        image.with_suffix(".txt").write_text("a small dog" if number % 2 else "two cats")
    before = files(place)
    command = ("analyze", "xl", "--images", "pictures", "--timesteps", "0,50", "--device", "cpu")
    dry = ldviz(*command, "--dry-run", cwd=place)
    assert dry.returncode == 0, dry.stderr
    assert "second text encoder: CLIPTextModelWithProjection (float32)" in dry.stdout
    assert "denoiser 16" in dry.stdout
    assert files(place) == before
    result = ldviz(*command, "--name", "mine", cwd=place)
    assert result.returncode == 0, result.stderr
    model = open_study(place / "studies" / "mine").manifest.model
    assert (model.kind, model.num_text_encoders) == ("StableDiffusionXLPipeline", 2)
    assert model.latents_std == (0.8, 0.6, 1.2, 0.5)
    edit_json(place / "xl" / "vae" / "config.json", latents_std=[0.8, 0.0, 1.2, 0.5])
    before = files(place)
    result = ldviz(*command, "--name", "other", cwd=place)
    assert result.returncode == 2
    assert "deviation of 0 in `latents_std` (channel 1)" in result.stderr.splitlines()[-1]
    assert files(place) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["./nowhere", "--images", "pictures"], "no such folder or file"),
        (["pictures", "--images", "pictures"], "No model in"),
        (["vae_last.pt", "--images", "nowhere.zip"], "nowhere.zip"),
        (["vae_last.pt", "--images", "pictures", "--image-size", "18"], "multiple of 4"),
        (["vae_last.pt", "--images", "pictures", "--precision", "int4"], "`precision`"),
        (["vae_last.pt", "--images", "pictures", "--timesteps", "soon"], "whole numbers"),
        ([".", "--images", "pictures", "--timesteps", "5000"], "`timestep`"),
        (["vae_last.pt", "--images", "pictures", "--device", "abacus"], 'no device "abacus"'),
        (["code.pt", "--images", "pictures"], "Nothing in it was executed"),
        (["mine", "--timesteps", "50"], "--timesteps belongs to a model of your own"),
        (["mine"], 'There is no study "mine"'),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, list) else None,
)
def test_bad_input_ends_with_one_message_and_writes_nothing(
    place: Path, arguments: list[str], message: str
) -> None:
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(place / "executed"),)

    (place / "code.pt").write_bytes(pickle.dumps({"enc.0.weight": Payload()}))
    before = files(place)
    result = ldviz("analyze", *arguments, cwd=place)
    assert result.returncode == 2, result.stderr
    assert result.stdout in ("", "recognised: paper\n") or "recognised" in result.stdout
    assert message in result.stderr.strip().splitlines()[-1]
    assert files(place) == before
    assert not (place / "executed").exists()
    assert not (place / "studies").exists() or not list((place / "studies").iterdir())
