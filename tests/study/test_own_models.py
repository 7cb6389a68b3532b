"""Models that are there already, through the whole analysis: numbers against the models' own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ldviz.attacks import attack_names, get_attack
from ldviz.data.images import ImageSet, to_model_range
from ldviz.errors import CancelledError, InputError, ModelError, StudyError
from ldviz.models import ModelSettings, load_model
from ldviz.study.build.analyze import analyze_own, analyze_study
from ldviz.study.build.images import SplitImages
from ldviz.study.evidence import unmasked_scores
from ldviz.study.model import load_study_model
from ldviz.study.own import model_settings, own_recipe
from ldviz.study.picture import measure_picture
from ldviz.study.recipe import AnalysisSettings, DataSettings, Recipe
from ldviz.study.store import Study
from ldviz.study.vectors import attack_vectors
from tests.models.test_paper_models import autoencoder_weights, denoiser_weights
from tests.models.tiny_models import (
    CAPTIONS,
    autoencoder_kl,
    autoencoder_tiny,
    save_dit,
    save_ldm,
    save_parts,
    save_stable_diffusion,
    save_stable_diffusion_xl,
    scheduler,
    unconditional_unet,
)

COUNT = 6
BY_CHANNEL = {
    "scaling_factor": 0.5,
    "latents_mean": (-0.2, 0.1, 0.0, 0.3),
    "latents_std": (0.8, 0.6, 1.2, 0.5),
}
LABELS = np.array([0, 5, 2, 3, 1, 0])


def split_images(size: int = 16, *, channels: int = 3, told: bool = True) -> SplitImages:
    """Six images of noise with captions and classes, every other one a member."""
    generator = np.random.default_rng(0)
    images = ImageSet(
        pixels=generator.integers(0, 256, (COUNT, size, size, channels), dtype=np.uint8),
        sample_ids=np.arange(COUNT, dtype=np.int64),
        labels=LABELS if told else None,
        captions=CAPTIONS if told else None,
    )
    return SplitImages(images, np.arange(COUNT) % 2 == 0)


def recipe_for(source: Path | None, name: str = "own", **model) -> Recipe:
    settings = ModelSettings(source=str(source), **model)
    return Recipe(
        name=name,
        title="A model of one's own",
        description="Random weights.",
        data=DataSettings(place="memory", image_size=16),
        model=settings,
        analysis=AnalysisSettings(timesteps=(0, 100), num_probes=2, block_size=4),
    )


def analyse(place: Path | None, folder: Path, **model) -> Study:
    recipe = recipe_for(place, folder.name, **model)
    return analyze_own(recipe, folder, split=split_images(), device="cpu")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    torch.save(autoencoder_weights(8, 4, 3), folder / "vae_last.pt")
    torch.save(denoiser_weights(8, (1, 2), 4), folder / "unet_last.pt")
    autoencoder_tiny().save_pretrained(folder / "tiny")
    return {
        "stable": save_stable_diffusion(folder / "stable"),
        "xl": save_stable_diffusion_xl(folder / "xl", vae=autoencoder_kl(**BY_CHANNEL)),
        "ldm": save_ldm(folder / "ldm"),
        "dit": save_dit(folder / "dit"),
        "paper": folder,
        "tiny": folder / "tiny",
    }


@pytest.fixture(scope="module")
def studies(places, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    folder = tmp_path_factory.mktemp("studies")
    return {name: analyse(place, folder / name) for name, place in places.items()}


@torch.no_grad()
@pytest.mark.parametrize("name", ["stable", "xl", "ldm", "dit", "paper"])
def test_what_is_stored_is_what_the_model_computes(name: str, places, studies) -> None:
    study = studies[name]
    model = load_model(places[name], image_shape=(3, 16, 16), device="cpu")
    images = torch.from_numpy(to_model_range(split_images().images.pixels))
    latents = model.encode(images)
    np.testing.assert_allclose(study.array("latents"), latents.numpy(), atol=1e-5)
    told = {"text": CAPTIONS, "class": LABELS}.get(model.conditioning)
    noise = model.predict_noise(torch.from_numpy(study.array("latents").copy()), 100, told)
    stored = study.stored_vectors("sima", 100).astype(np.float32)
    np.testing.assert_allclose(stored, noise.flatten(1).numpy(), atol=5e-3, rtol=2e-3)
    assert study.manifest.model.kind == model.card.kind
    assert study.default_attack == "sima"


@pytest.mark.parametrize("name", ["stable", "xl", "dit"])
def test_conditioning_keeps_the_images_order_across_blocks(name: str, places, studies) -> None:
    study = studies[name]
    model = load_model(places[name], image_shape=(3, 16, 16), device="cpu")
    told = LABELS if name == "dit" else np.array(CAPTIONS, dtype=object)
    latents = torch.from_numpy(study.array("latents").copy())
    stored = study.stored_vectors("sima", 0).astype(np.float32)
    with torch.no_grad():
        right = [
            model.predict_noise(latents[row : row + 1], 0, told[row : row + 1]) for row in range(6)
        ]
        wrong = model.predict_noise(latents, 0, np.roll(told, 1))
    right = torch.cat(right).flatten(1).numpy()
    np.testing.assert_allclose(stored, right, atol=5e-3, rtol=2e-3)
    assert np.abs(right - wrong.flatten(1).numpy()).max() > 0.02


@pytest.mark.parametrize("name", ["stable", "xl", "ldm", "dit", "paper"])
@pytest.mark.parametrize("attack", attack_names())
def test_every_attack_runs_from_the_dashboard(name: str, attack: str, studies) -> None:
    timestep = 20 if get_attack(attack).has_timesteps else None
    vectors = attack_vectors(studies[name], attack, timestep, device="cpu")
    assert vectors.shape == (COUNT, studies[name].latent_dim)
    assert np.isfinite(vectors).all()


def test_the_empty_condition_is_another_result(places, studies, tmp_path: Path) -> None:
    study = analyse(places["stable"], tmp_path / "empty", conditioning="empty")
    own, empty = (one.stored_vectors("sima", 100) for one in (studies["stable"], study))
    row = CAPTIONS.index("")
    np.testing.assert_array_equal(own[row], empty[row])
    assert np.abs(own[0].astype(float) - empty[0].astype(float)).max() > 1e-3
    own_live, empty_live = (
        attack_vectors(one, "loss", 50, device="cpu") for one in (studies["stable"], study)
    )
    assert not np.array_equal(own_live[0], empty_live[0])
    assert study.manifest.model.conditioning_used == "empty"


def test_an_inspected_image_is_told_its_caption(studies) -> None:
    study = studies["xl"]
    model = load_study_model(study, device="cpu")
    stored = unmasked_scores(study, study.default_attack, study.default_timestep)
    for row, other in ((1, "dog"), (CAPTIONS.index(""), None)):
        pixels = study.images(row)
        own = measure_picture(study, model, pixels, sample_id=row, told=CAPTIONS[row])
        assert own.score == pytest.approx(stored[row], rel=0.01)
        told_else = measure_picture(study, model, pixels, sample_id=row, told=other)
        assert abs(told_else.score / stored[row] - 1) > 0.02


@torch.no_grad()
def test_zeros_for_the_empty_caption_reach_every_attack(places, studies, tmp_path: Path) -> None:
    study = analyse(places["xl"], tmp_path / "empty", conditioning="empty")
    assert study.manifest.model.empty_is_zero
    model = load_model(places["xl"], image_shape=(3, 16, 16), device="cpu")
    latents = torch.from_numpy(study.array("latents").copy())
    zeros = model.predict_noise(latents, 100).flatten(1).numpy()
    stored = study.stored_vectors("sima", 100).astype(np.float32)
    np.testing.assert_allclose(stored, zeros, atol=5e-3, rtol=2e-3)
    for attack in attack_names():
        timestep = 20 if get_attack(attack).has_timesteps else None
        own, empty = (
            attack_vectors(one, attack, timestep, device="cpu") for one in (studies["xl"], study)
        )
        assert (own != empty).any(axis=1).all(), attack


def test_the_size_of_the_images_reaches_the_denoiser(places, tmp_path: Path) -> None:
    """Larger images of the same model: what is stored is what the denoiser says at their size."""
    recipe = recipe_for(places["xl"])
    data = recipe.data.model_copy(update={"image_size": 24})
    study = analyze_own(
        recipe.model_copy(update={"data": data}),
        tmp_path / "larger",
        split=split_images(24),
        device="cpu",
    )
    latents = torch.from_numpy(study.array("latents").copy())
    stored = study.stored_vectors("sima", 100).astype(np.float32)
    with torch.no_grad():
        right, wrong = (
            load_model(places["xl"], image_shape=(3, size, size), device="cpu")
            .predict_noise(latents, 100, CAPTIONS)
            .flatten(1)
            .numpy()
            for size in (24, 16)
        )
    np.testing.assert_allclose(stored, right, atol=5e-3, rtol=2e-3)
    assert np.abs(right - wrong).max() > 0.02


def test_an_autoencoder_alone_has_geometry_and_no_attack(studies) -> None:
    study = studies["tiny"]
    assert study.default_attack is None
    assert study.manifest.attacks == {}
    assert study.manifest.model.num_train_timesteps == 0
    jacobian = torch.autograd.functional.jacobian(
        load_study_model(study, device="cpu").decode,
        torch.from_numpy(study.array("latents")[:1].copy()),
    )
    exact = torch.linalg.svdvals(jacobian.reshape(-1, study.latent_dim).double()).numpy()
    assert np.abs(study.array("singular_values")[0] - exact).max() <= 1e-4 * exact[0]
    assert (study.path / "sheets" / "reconstructions.png").is_file()


def test_a_large_latent_gets_its_leading_singular_values(
    places, studies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ldviz.study.build.tasks.MAX_EXACT_DIM", 16)
    recipe = recipe_for(places["tiny"])
    few = recipe.analysis.model_copy(update={"rank": 3, "num_probes": 64})
    study = analyze_own(
        recipe.model_copy(update={"analysis": few}),
        tmp_path / "large",
        split=split_images(),
        device="cpu",
    )
    exact = studies["tiny"]
    assert study.manifest.geometry.method == "randomized"
    spectrum = exact.array("singular_values")
    assert spectrum.shape[1] == 64
    found = study.array("singular_values")
    assert found.shape[1] == 3
    assert np.abs(found - spectrum[:, :3]).max() <= 1e-3 * spectrum.max()
    # Each of 64 probes gives G_ii with a relative error of at most sqrt 2, so the mean of
    # them one of at most 0.18, and its logarithm half of that.
    assert np.abs(study.influence() - exact.influence()).mean() < 0.18
    with pytest.raises(InputError, match="rank"):
        study.local_distortion(20)


class Linear:
    """An object by the protocol: a linear decoder, a denoiser whose noise is known."""

    image_shape = (3, 16, 16)
    latent_shape = (1, 4, 4)
    num_train_timesteps = 200
    device = torch.device("cpu")

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.matrix = torch.randn(768, 16, generator=generator)
        self.alphas_cumprod = torch.linspace(0.99, 0.01, 200, dtype=torch.float64)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return (images.flatten(1) @ self.matrix / 768).reshape(-1, 1, 4, 4)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return (latents.flatten(1) @ self.matrix.T).reshape(-1, 3, 16, 16)

    def predict_noise(self, noisy_latents, timesteps, conditioning=None) -> torch.Tensor:
        return noisy_latents * 0.5


def test_a_python_object_is_analysed(tmp_path: Path) -> None:
    model = Linear()
    recipe = recipe_for(tmp_path).model_copy(update={"model": None})
    study = analyze_own(
        recipe, tmp_path / "object", model=model, split=split_images(), device="cpu"
    )
    exact = torch.linalg.svdvals(model.matrix.double()).numpy()
    np.testing.assert_allclose(study.array("singular_values")[3], exact, rtol=1e-4)
    np.testing.assert_allclose(
        study.stored_vectors("sima", 0), study.array("latents").reshape(6, -1) * 0.5, atol=1e-3
    )
    assert study.manifest.model.kind == "Linear (Python object)"
    with pytest.raises(StudyError, match="Python object, which cannot be loaded"):
        attack_vectors(study, "pia", 20)
    again = analyze_own(recipe, tmp_path / "object", model=Linear(), split=split_images())
    assert again.manifest.model.sha256 == study.manifest.model.sha256


def test_an_object_s_images_must_fit(tmp_path: Path) -> None:
    recipe = recipe_for(tmp_path).model_copy(update={"model": None})
    with pytest.raises(InputError, match=r"takes images of shape \(3, 16, 16\), these have"):
        analyze_own(recipe, tmp_path / "object", model=Linear(), split=split_images(8))
    assert not (tmp_path / "object").exists()


def test_an_interrupted_analysis_gives_the_same_store(places, studies, tmp_path: Path) -> None:
    calls = 0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 12:
            raise CancelledError("stopped by the test")

    recipe = recipe_for(places["dit"])
    with pytest.raises(CancelledError):
        analyze_own(recipe, tmp_path / "dit", split=split_images(), device="cpu", progress=progress)
    assert not (tmp_path / "dit" / "manifest.json").exists()
    study = analyze_own(recipe, tmp_path / "dit", split=split_images(), device="cpu")
    for name in study.manifest.arrays:
        np.testing.assert_array_equal(study.array(name), studies["dit"].array(name))


def test_another_model_does_not_enter_a_study(places, tmp_path: Path) -> None:
    analyse(places["tiny"], tmp_path / "own")
    with pytest.raises(StudyError, match="another model or of other images"):
        analyse(places["ldm"], tmp_path / "own")


def test_a_trained_study_is_not_overwritten(places, tiny_study_copy: Path) -> None:
    with pytest.raises(StudyError, match="holds a trained study"):
        analyse(places["tiny"], tiny_study_copy)


def test_changed_weights_are_noticed(tmp_path: Path) -> None:
    save_parts(
        tmp_path / "m", vae=autoencoder_kl(), unet=unconditional_unet(), scheduler=scheduler()
    )
    study = analyse(tmp_path / "m", tmp_path / "own")
    other = unconditional_unet()
    with torch.no_grad():
        other.conv_in.weight.add_(1e-3)
    other.save_pretrained(tmp_path / "m" / "unet")
    with pytest.raises(StudyError, match="not the ones that study"):
        attack_vectors(study, "pia", 20)


def test_a_conditioned_model_needs_captions_or_classes(places, tmp_path: Path) -> None:
    for name, column in (("stable", "caption_column"), ("dit", "label_column")):
        with pytest.raises(InputError, match=column):
            analyze_own(recipe_for(places[name]), tmp_path / "own", split=split_images(told=False))
    assert not (tmp_path / "own").exists()


def test_grey_images_do_not_enter_a_colour_model(places, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="takes colour images"):
        analyze_own(recipe_for(places["tiny"]), tmp_path / "own", split=split_images(channels=1))
    assert not (tmp_path / "own").exists()


def test_a_recipe_that_trains_is_refused(tmp_path: Path) -> None:
    from ldviz.study.recipe import load_recipe

    with pytest.raises(InputError, match=r"trains its own models.*train digits"):
        analyze_own(load_recipe("digits"), tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_two_places_make_a_recipe(places) -> None:
    recipe, plan = own_recipe(model_settings(str(places["stable"])), "path/to/pictures.zip")
    assert (recipe.data.image_size, recipe.data.colour) == (16, "rgb")
    assert recipe.name == "stable-on-pictures"
    assert plan.conditioning == "text"
    asked, _ = own_recipe(
        model_settings(str(places["stable"])),
        "pictures",
        image_size=32,
        name="Mine",
        timesteps=(5,),
    )
    assert (asked.data.image_size, asked.name, asked.analysis.timesteps) == (32, "mine", (5,))


def test_a_recipe_brings_its_images_and_timesteps(places) -> None:
    recipe, _ = own_recipe(model_settings(str(places["stable"])), "pokemon")
    assert recipe.data.caption_column == "text"
    assert recipe.data.image_size == 512
    assert recipe.analysis.timesteps[-1] == 190


def test_settings_of_a_model_are_checked() -> None:
    with pytest.raises(InputError, match="`precision`"):
        model_settings("somewhere", precision="int4")


def test_a_study_continues_from_its_folder(places, tmp_path: Path) -> None:
    from PIL import Image

    generator = np.random.default_rng(0)
    for side in ("member", "held_out"):
        (tmp_path / "pictures" / side).mkdir(parents=True)
        for number in range(2):
            pixels = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / side / f"{number}.png")
    recipe, _ = own_recipe(model_settings(str(places["ldm"])), str(tmp_path / "pictures"))
    first = analyze_own(recipe, tmp_path / "own", device="cpu")
    (tmp_path / "own" / "manifest.json").unlink()
    again = analyze_study(tmp_path / "own", device="cpu")
    assert again.manifest.arrays == first.manifest.arrays
    assert again.num_samples == 4
