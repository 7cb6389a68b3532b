"""Training and analysis: real models, resumed runs, what is left on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ldviz.errors import CancelledError, ModelError, StudyError
from ldviz.models import load_model
from ldviz.study.build.analyze import analyze_study
from ldviz.study.build.train import train_study
from ldviz.study.recipe import load_recipe
from ldviz.study.store import open_study


def weights(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for part in ("vae", "unet")
        for path in sorted((folder / part).glob("*.safetensors"))
    }


def arrays(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "arrays").rglob("*.*"))
    }


def test_diffusers_opens_the_weights_without_us(trained_folder: Path) -> None:
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DModel

    autoencoder = AutoencoderKL.from_pretrained(trained_folder / "vae", local_files_only=True)
    denoiser = UNet2DModel.from_pretrained(trained_folder / "unet", local_files_only=True)
    scheduler = DDIMScheduler.from_pretrained(trained_folder / "scheduler")
    assert autoencoder.config.scaling_factor > 0
    assert denoiser.config.in_channels == 4
    assert scheduler.config.clip_sample is False


def test_members_latents_have_unit_spread(tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    assert study.array("latents")[study.is_member].std() == pytest.approx(1.0, abs=1e-3)


def test_training_resumes_as_if_never_interrupted(
    tiny_recipe_file: Path, trained_folder: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(str(tiny_recipe_file))

    def stop_in(what: str, epoch: int):
        def progress(done: int, total: int, now: str) -> None:
            if now == what and done == epoch:
                raise CancelledError("stopped by the test")

        return progress

    folder = tmp_path / "tiny"
    with pytest.raises(CancelledError):
        train_study(recipe, folder, device="cpu", progress=stop_in("training the denoiser", 3))
    assert not (folder / "unet").exists()
    train_study(recipe, folder, device="cpu")
    assert weights(folder) == weights(trained_folder)


def test_a_run_with_other_settings_is_not_resumed(
    tiny_recipe_file: Path, trained_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(trained_folder, folder)
    recipe = load_recipe(str(tiny_recipe_file))
    other = recipe.model_copy(
        update={"autoencoder": recipe.autoencoder.model_copy(update={"epochs": 9})}
    )
    with pytest.raises(ModelError, match="other settings"):
        train_study(other, folder, device="cpu")


def test_the_kept_epoch_is_the_nearest_to_the_target(trained_folder: Path) -> None:
    record = json.loads((trained_folder / "training.json").read_text())
    evaluations = record["evaluations"]
    assert [entry["epoch"] for entry in evaluations] == [2, 4]
    kept = [entry for entry in evaluations if entry["kept"]]
    nearest = min(evaluations, key=lambda entry: abs(entry["best_auc"] - 0.85))
    assert kept == [nearest]


def test_stored_arrays_equal_the_model(tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    model = load_model(tiny_study_folder, image_shape=study.image_shape, device="cpu")
    images = torch.from_numpy(study.images(slice(0, 5)).transpose(0, 3, 1, 2) / 127.5 - 1.0)
    with torch.no_grad():
        latents = model.encode(images.float())
        noise = model.predict_noise(latents, 100)
    np.testing.assert_allclose(study.array("latents")[:5], latents.numpy(), atol=1e-5)
    stored = study.stored_vectors("sima", 100)[:5].astype(np.float32)
    np.testing.assert_allclose(stored, noise.reshape(5, -1).numpy(), atol=2e-3)


def test_the_spectrum_agrees_with_a_float64_reference(tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    model = load_model(tiny_study_folder, image_shape=study.image_shape, device="cpu")
    model.autoencoder.double()
    for row in (0, 50):
        latent = torch.from_numpy(study.array("latents")[row].astype(np.float64))
        jacobian = torch.autograd.functional.jacobian(lambda z: model.decode(z[None])[0], latent)
        exact = torch.linalg.svdvals(jacobian.reshape(-1, study.latent_dim)).numpy()
        stored = study.array("singular_values")[row]
        assert np.abs(stored - exact).max() <= 1e-4 * exact[0]
        diagonal = jacobian.reshape(-1, study.latent_dim).square().sum(0).numpy()
        np.testing.assert_allclose(
            study.influence()[row], 0.5 * np.log(diagonal + 1e-12), atol=1e-4
        )


def test_the_estimate_of_influence_ranks_like_the_exact_one(tiny_study_folder: Path) -> None:
    from scipy.stats import spearmanr

    study = open_study(tiny_study_folder)
    estimate = study.array("influence_estimate").reshape(study.num_samples, -1)
    exact = study.influence()
    correlations = [spearmanr(a, b).statistic for a, b in zip(estimate, exact, strict=True)]
    # Four probes here; the bundled studies use 16 and must reach 0.9.
    assert np.mean(correlations) > 0.6


def test_an_interrupted_analysis_gives_the_same_store(
    trained_folder: Path, tiny_study_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(trained_folder, folder)
    calls = 0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 9:
            raise CancelledError("stopped by the test")

    with pytest.raises(CancelledError):
        analyze_study(folder, device="cpu", progress=progress)
    assert not (folder / "manifest.json").exists()
    analyze_study(folder, device="cpu")
    assert arrays(folder) == arrays(tiny_study_folder)


def test_a_finished_block_is_not_computed_again(tiny_study_copy: Path) -> None:
    path = tiny_study_copy / "arrays" / "influence" / "00000.safetensors"
    before = path.stat().st_mtime_ns
    missing = tiny_study_copy / "arrays" / "influence" / "00001.safetensors"
    content = missing.read_bytes()
    missing.unlink()
    analyze_study(tiny_study_copy, device="cpu")
    assert path.stat().st_mtime_ns == before
    assert missing.read_bytes() == content


def test_analysis_needs_a_finished_training(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no finished training"):
        analyze_study(tmp_path, device="cpu")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_weight_file_is_named(trained_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(trained_folder, folder)
    (folder / "vae" / "config.json").unlink()
    with pytest.raises(ModelError, match=r"vae/config\.json"):
        analyze_study(folder, device="cpu")
    assert not (folder / "arrays").exists()
