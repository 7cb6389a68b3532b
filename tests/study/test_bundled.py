"""The studies that come with the project: they open, they are what they say, they leak enough."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.roc import roc_auc
from ldviz.study.places import BUNDLED
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study, open_study

STUDIES = sorted(path.name for path in BUNDLED.iterdir() if path.is_dir())
REFERENCES = [name for name in STUDIES if "beta" not in name]
LIMIT_BYTES = {"digits": 20_000_000}
OTHERS_LIMIT_BYTES = 10_000_000
ALL_LIMIT_BYTES = 60_000_000


def opened(name: str) -> Study:
    return open_study(BUNDLED / name)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_digits_is_there() -> None:
    assert "digits" in STUDIES


@pytest.mark.parametrize("name", STUDIES)
def test_every_block_is_intact(name: str) -> None:
    study = opened(name)
    for array in study.manifest.arrays:
        values = study.array(array)
        if values.dtype.kind == "f":
            assert np.isfinite(values).all(), array


@pytest.mark.parametrize("name", STUDIES)
def test_sizes_stay_within_what_a_clone_may_cost(name: str) -> None:
    assert size_of(BUNDLED / name) <= LIMIT_BYTES.get(name, OTHERS_LIMIT_BYTES)
    assert size_of(BUNDLED) <= ALL_LIMIT_BYTES


@pytest.mark.parametrize("name", REFERENCES)
def test_the_model_has_memorized_but_is_not_saturated(name: str) -> None:
    study = opened(name)
    aucs = {}
    for timestep in study.stored_timesteps("sima"):
        values = score_values(study.stored_vectors("sima", timestep), "sima")
        scores = membership_scores(study, values, MaskSpec(kind="none"))
        aucs[timestep] = roc_auc(study.is_member, scores)
    assert 0.75 <= max(aucs.values()) <= 0.95
    assert study.default_timestep == max(aucs, key=aucs.__getitem__)


@pytest.mark.parametrize("name", REFERENCES)
def test_pixels_alone_do_not_tell_members_from_held_out(name: str) -> None:
    from ldviz.metrics.shift import pixel_shift

    study = opened(name)
    check = pixel_shift(study.is_member, study.images(slice(None)), seed=0)
    assert check.auc.ci95[0] <= 0.5 <= check.auc.ci95[1]


@pytest.mark.parametrize("name", STUDIES)
def test_its_recipe_still_gives_the_same_images_and_split(name: str, tmp_path: Path) -> None:
    from ldviz.study.build.images import load_split
    from ldviz.study.recipe import load_recipe

    made = opened(name).manifest.data
    again = load_split(load_recipe(name).data, tmp_path)
    assert again.images_sha256 == made.images_sha256
    assert again.split_sha256 == made.split_sha256


@pytest.mark.parametrize("name", STUDIES)
def test_classes_and_members_are_balanced(name: str) -> None:
    study = opened(name)
    assert abs(study.manifest.n_member - study.manifest.n_held_out) <= 1
    if study.labels is not None:
        for label in np.unique(study.labels):
            inside = study.is_member[study.labels == label]
            assert abs(2 * inside.sum() - len(inside)) <= 2


def test_digits_estimate_of_influence_ranks_like_the_exact_one() -> None:
    from scipy.stats import spearmanr

    study = opened("digits")
    estimate = study.array("influence_estimate").reshape(study.num_samples, -1)
    rows = np.arange(0, study.num_samples, 7)
    correlations = [spearmanr(estimate[row], study.influence()[row]).statistic for row in rows]
    assert np.mean(correlations) > 0.9


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is:DeprecationWarning")
@pytest.mark.parametrize("name", REFERENCES)
def test_the_spectrum_agrees_with_a_float64_reference(name: str) -> None:
    import torch

    from ldviz.models import load_model

    study = opened(name)
    model = load_model(BUNDLED / name, image_shape=study.image_shape, device="cpu")
    model.autoencoder.double()
    for row in (0, study.num_samples - 1):
        latent = torch.from_numpy(study.array("latents")[row].astype(np.float64))[None]
        jacobian = torch.autograd.functional.jacobian(
            lambda z: model.decode(z).flatten(), latent, vectorize=True, strategy="forward-mode"
        )
        exact = torch.linalg.svdvals(jacobian.flatten(1)).numpy()
        stored = study.array("singular_values")[row]
        assert np.abs(stored - exact).max() <= 1e-4 * exact[0]


@pytest.mark.parametrize("name", REFERENCES)
def test_what_made_the_study_is_told(name: str) -> None:
    study = opened(name)
    made_by = study.manifest.made_by
    assert made_by.packages["torch"]
    assert made_by.recipe["name"] == name
    record = json.loads((BUNDLED / name / "training.json").read_text())
    assert sum(entry["kept"] for entry in record["evaluations"]) == 1
    for sheet in ("reconstructions.png", "samples.png"):
        assert (BUNDLED / name / "sheets" / sheet).stat().st_size > 1000


@pytest.mark.parametrize("name", REFERENCES)
def test_reconstructions_look_like_the_images(name: str) -> None:
    import torch

    from ldviz.data.images import to_model_range
    from ldviz.models import load_model

    study = opened(name)
    rows = np.flatnonzero(~study.is_member)[:64]
    model = load_model(BUNDLED / name, image_shape=study.image_shape, device="cpu")
    images = to_model_range(study.images(rows))
    with torch.no_grad():
        decoded = model.decode(torch.from_numpy(study.array("latents")[rows])).numpy()
    explained = 1.0 - ((decoded - images) ** 2).mean() / images.var()
    assert explained > 0.8
