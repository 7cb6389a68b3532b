"""The paper's seven data sets: each recipe on a small set of the same layout, made on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from ldviz.errors import InputError
from ldviz.study.build.analyze import analyze_study
from ldviz.study.build.autoencoder import new_autoencoder
from ldviz.study.build.denoiser import new_denoiser
from ldviz.study.build.images import SplitImages, load_split
from ldviz.study.build.train import train_study
from ldviz.study.recipe import Recipe, data_settings_for, load_recipe, recipe_names, with_images
from ldviz.study.store import open_study
from tests.data.pictures import encoded, noise

ImageColumn, ClassLabel, Value = datasets.Image, datasets.ClassLabel, datasets.Value


def table(image: str, size: tuple[int, int], count: int, start: int = 0, **columns: Any) -> Any:
    """A data set with one column of noise in JPEG, and (feature, row to value) columns."""
    channels = 1 if size == (28, 28) else 3
    pictures = [encoded(noise(start + row, size, channels), "PNG") for row in range(count)]
    content: dict[str, list] = {image: [{"bytes": data, "path": None} for data in pictures]}
    features: dict[str, Any] = {image: ImageColumn()}
    for name, (feature, value) in columns.items():
        features[name] = feature
        content[name] = [value(row) for row in range(count)]
    return datasets.Dataset.from_dict(content, features=datasets.Features(features))


def classes(count: int) -> tuple[Any, Callable[[int], int]]:
    return ClassLabel(names=[f"class {index}" for index in range(count)]), lambda row: row % count


def texts(row: int) -> list[str]:
    return [f"a picture of number {row}", "another caption"]


TEXT = Value("string")
SETS: dict[str, Callable[[], dict[str, Any]]] = {
    "mnist": lambda: {
        "train": table("image", (28, 28), 40, label=classes(10)),
        "test": table("image", (28, 28), 10, 900, label=classes(10)),
    },
    "cifar10": lambda: {
        "train": table("img", (32, 32), 40, label=classes(10)),
        "test": table("img", (32, 32), 10, 900, label=classes(10)),
    },
    "celeba": lambda: {
        "train": table("image", (218, 178), 12, celeb_id=(Value("int64"), int)),
        "valid": table("image", (218, 178), 4, 900, celeb_id=(Value("int64"), int)),
        "test": table("image", (218, 178), 4, 950, celeb_id=(Value("int64"), int)),
    },
    "imagenet": lambda: {
        "train": table("image", (300, 400), 9, label=classes(3)),
        "validation": table("image", (400, 300), 6, 900, label=classes(3)),
        "test": table("image", (300, 300), 3, 950, label=(classes(3)[0], lambda row: -1)),
    },
    "pokemon": lambda: {
        "train": table("image", (128, 128), 7, text=(TEXT, lambda row: texts(row)[0])),
    },
    "coco": lambda: {
        "val": table(
            "image",
            (48, 64),
            8,
            question=(TEXT, lambda row: "Describe it."),
            answer=(datasets.List(TEXT), texts),
        ),
        "test": table(
            "image",
            (48, 64),
            4,
            900,
            question=(TEXT, lambda row: "Describe it."),
            answer=(datasets.List(TEXT), lambda row: []),
        ),
    },
    "flickr": lambda: {
        "test": table(
            "image",
            (64, 48),
            8,
            caption=(datasets.List(TEXT), texts),
            filename=(TEXT, lambda row: f"{row}.jpg"),
        ),
    },
}
MEMBERS = {
    "mnist": (20, 20),
    "cifar10": (20, 20),
    "celeba": (6, 6),
    "imagenet": (9, 6),
    "pokemon": (3, 4),
    "coco": (4, 4),
    "flickr": (4, 4),
}
SHAPES = {"mnist": (1, 32, 32), "cifar10": (3, 32, 32), "celeba": (3, 64, 64)} | {
    "imagenet": (3, 256, 256),
    **dict.fromkeys(("pokemon", "coco", "flickr"), (3, 512, 512)),
}


def save(name: str, folder: Path, form: str) -> Path:
    """The small set as ``save_to_disk`` or as the hub's parquet files keep it."""
    splits = SETS[name]()
    if form == "saved":
        datasets.DatasetDict(splits).save_to_disk(str(folder))
        return folder
    (folder / "data").mkdir(parents=True)
    for split, content in splits.items():
        content.to_parquet(str(folder / "data" / f"{split}-00000-of-00001.parquet"))
    return folder


def split_of(name: str, tmp_path: Path, form: str = "saved") -> SplitImages:
    place = save(name, tmp_path / name, form)
    # A small set has no 100,000 members to keep.
    overrides = {"num_members": 9} if name == "imagenet" else {}
    settings = data_settings_for(name, place=str(place), **overrides)
    return load_split(settings, tmp_path / "study", device="cpu")


def test_there_is_a_recipe_for_each_of_the_seven_sets() -> None:
    assert set(recipe_names("paper")) == set(SETS)
    assert not set(recipe_names(".")) & set(SETS)
    assert set(recipe_names()) == set(recipe_names(".")) | set(SETS)


@pytest.mark.parametrize("form", ["saved", "parquet"])
@pytest.mark.parametrize("name", SETS)
def test_each_set_is_read_and_split_as_its_recipe_says(
    name: str, form: str, tmp_path: Path
) -> None:
    split = split_of(name, tmp_path, form)
    assert split.images.image_shape == SHAPES[name]
    assert (split.is_member.sum(), (~split.is_member).sum()) == MEMBERS[name]
    assert split.report.num_skipped == 0
    classes_known = name in ("mnist", "cifar10", "imagenet")
    assert (split.images.labels is not None) == classes_known
    if name in ("mnist", "cifar10"):
        np.testing.assert_array_equal(np.bincount(split.images.labels[split.is_member]), [2] * 10)
    captions = split.images.captions
    if name in ("pokemon", "coco", "flickr"):
        assert captions == tuple(texts(row)[0] for row in split.images.sample_ids)
    else:
        assert captions is None


def test_mnist_is_grey_and_enlarged_whole(tmp_path: Path) -> None:
    split = split_of("mnist", tmp_path)
    assert split.report.converted == {"enlarged": 40}


def test_cifar10_is_not_touched(tmp_path: Path) -> None:
    split = split_of("cifar10", tmp_path)
    assert split.report.converted == {}
    np.testing.assert_array_equal(split.images.pixels[3], noise(3, (32, 32)))


def test_celeba_is_cut_to_140_pixels_and_shrunk(tmp_path: Path) -> None:
    from PIL import Image

    split = split_of("celeba", tmp_path)
    assert split.report.converted == {"cropped": 12, "shrunk": 12}
    face = Image.fromarray(noise(0, (218, 178))).crop((19, 39, 159, 179))
    expected = np.asarray(face.resize((64, 64), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(split.images.pixels[0], expected)


def test_imagenets_sides_are_its_splits(tmp_path: Path) -> None:
    split = split_of("imagenet", tmp_path)
    np.testing.assert_array_equal(split.is_member, [True] * 9 + [False] * 6)
    assert split.report.converted == {"cropped": 15, "shrunk": 15}
    assert load_recipe("imagenet").data.num_members == 100_000


@pytest.mark.parametrize("name", ["coco", "flickr"])
def test_subsets_are_as_large_as_the_papers(name: str) -> None:
    settings = load_recipe(name).data
    assert settings.num_images == {"coco": 5_000, "flickr": 20_000}[name]
    assert settings.member_fraction == 0.5


@pytest.mark.parametrize("name", ["mnist", "cifar10", "celeba"])
def test_the_small_models_are_those_of_the_paper(name: str) -> None:
    recipe = load_recipe(name)
    width = 224 if name == "celeba" else 128
    multipliers = (1, 2, 3, 4) if name == "celeba" else (1, 2, 2, 2)
    assert recipe.denoiser.block_out_channels == tuple(width * times for times in multipliers)
    assert recipe.denoiser.layers_per_block == 2
    assert recipe.denoiser.dropout == 0.1
    assert (recipe.denoiser.beta_start, recipe.denoiser.beta_end) == (1e-4, 2e-2)
    assert recipe.denoiser.epochs == (512 if name == "celeba" else 2048)
    assert recipe.selection.evaluate_every == recipe.denoiser.epochs
    assert recipe.autoencoder.kl_weight == (1e-3 if name == "celeba" else 1e-2)
    assert recipe.autoencoder.epochs == 120
    for part in (recipe.autoencoder, recipe.denoiser):
        assert part.learning_rate == 2e-4
        assert part.batch_size == (256 if name == "celeba" else 128)
        assert (part.weight_decay, part.gradient_clip) == (1e-4, 1.0)
    channels, size, _ = SHAPES[name]
    with torch.device("meta"):
        autoencoder = new_autoencoder(recipe.autoencoder, channels=channels, image_size=size)
        latent = autoencoder.encode(torch.zeros(1, channels, size, size)).latent_dist.mean
        denoiser = new_denoiser(recipe.denoiser, latent_shape=tuple(latent.shape[1:]))
        output = denoiser(latent, torch.zeros(1, dtype=torch.long)).sample
    assert latent.shape == (1, 4, size // 4, size // 4)
    assert output.shape == latent.shape


@pytest.mark.parametrize("name", ["imagenet", "pokemon", "coco", "flickr"])
def test_models_that_are_there_already_are_not_trained(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert recipe.model.source in ("stabilityai/sd-vae-ft-mse", "CompVis/stable-diffusion-v1-4")
    with pytest.raises(InputError, match=f"nothing to train.*analyze path/to/model.*{name}"):
        train_study(recipe, tmp_path / "study")
    assert not (tmp_path / "study").exists()


def smaller(recipe: Recipe) -> Recipe:
    """The same settings with narrow models and few epochs."""
    content = recipe.model_dump()
    content["autoencoder"] |= {"block_out_channels": (8, 8, 8), "norm_num_groups": 4, "epochs": 1}
    content["denoiser"] |= {"block_out_channels": (8, 8), "norm_num_groups": 4, "epochs": 1}
    content["selection"] |= {"evaluate_every": 1}
    content["analysis"] |= {"timesteps": (0, 100), "num_probes": 2, "block_size": 16}
    return Recipe.model_validate(content)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_set_is_trained_and_analysed_with_the_papers_split_file(
    name: str, tmp_path: Path
) -> None:
    place = save(name, tmp_path / "set", "parquet")
    np.savez(tmp_path / "split.npz", mia_train_idxs=range(10, 20), mia_eval_idxs=range(30, 38))
    recipe = with_images(load_recipe(name), str(place), split_file=str(tmp_path / "split.npz"))
    assert recipe.name == "set"
    folder = tmp_path / "study"
    record = train_study(smaller(recipe), folder, device="cpu")
    assert record.images.kept == 18
    study = analyze_study(folder, device="cpu")
    np.testing.assert_array_equal(study.sample_ids, [*range(10, 20), *range(30, 38)])
    np.testing.assert_array_equal(study.is_member, [True] * 10 + [False] * 8)
    data = open_study(folder).manifest.data
    assert data.report == record.images
    assert data.class_names == tuple(f"class {index}" for index in range(10))
    assert json.loads((folder / "training.json").read_text())["images"]["kept"] == 18
