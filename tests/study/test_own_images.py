"""Images of one's own, from the command line to the study's card."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from ldviz.data.images import to_model_range
from ldviz.errors import CancelledError, DataError, InputError
from ldviz.study.build.analyze import analyze_study
from ldviz.study.build.images import ModelImages, load_split
from ldviz.study.build.train import train_study
from ldviz.study.recipe import data_settings_for, load_recipe, recipes_text, with_images
from ldviz.study.schema import decode_captions, encode_captions
from ldviz.study.store import open_study
from ldviz.ui.numbers_facts import study_facts
from tests.data.pictures import fill, png, raw_png, tree
from tests.data.test_prepare import mixed
from tests.test_command_line import ldviz

TINY = """
name = "tiny"
title = "Tiny"
description = "For the tests."

[data]
source = "images"
image_size = 16

[autoencoder]
block_out_channels = [8, 8, 8]
norm_num_groups = 4
epochs = 1
batch_size = 16

[denoiser]
block_out_channels = [8, 16]
layers_per_block = 1
norm_num_groups = 4
epochs = 2
batch_size = 16

[selection]
evaluate_every = 1
timesteps = [0, 100]

[analysis]
timesteps = [0, 100]
num_probes = 2
block_size = 10
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two folders, one a side, with pictures of many kinds and a caption."""
    mixed(tmp_path / "my pictures" / "member")
    fill(tmp_path / "my pictures" / "held_out", 12, start=100, size=(20, 30))
    (tmp_path / "my pictures" / "held_out" / "0100.txt").write_text("a hundred, größer")
    return tmp_path / "my pictures"


def test_one_command_trains_and_one_analyses_a_folder(
    tiny: Path, pictures: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    result = ldviz("train", str(tiny), "--images", "../my pictures", "--device", "cpu", cwd=work)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "Read 18 of 22 images (folder per side)."
    assert lines[1].startswith("Converted: ")
    assert "2 no picture inside" in lines[2]
    assert "analyze studies/my-pictures" in lines[-1]
    folder = work / "studies" / "my-pictures"
    analyze_study(folder, device="cpu")
    study = open_study(folder)
    assert (study.title, study.num_samples) == ("my pictures", 18)
    np.testing.assert_array_equal(study.is_member, study.sample_ids >= 12)
    assert study.captions == ("a hundred, größer", *[""] * 17)
    assert study.manifest.data.num_skipped == 4
    card = dict(study_facts(study))
    assert ("Source", "my pictures (folder per side)") in card["Images"]
    assert ("Split", "as the source has it") in card["Images"]
    reading = card["Reading the images"]
    assert reading[0] == ("Read", "18 of 22")
    assert ("Shrunk", "12") in reading
    assert ("Skipped, too many pixels", "1, first member/7-bomb.png") in reading
    assert reading[-1] == ("Left alone, not images by name", "1")


def evil(folder: Path, name: str) -> Path:
    """A place that has to be refused."""
    place = folder / name
    if name == "evil.zip":
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("fine.png", png())
            archive.writestr("../evil.png", png())
    else:
        place.mkdir()
        for index in range(4):
            (place / f"{index}.png").write_bytes(raw_png(60_000, 60_000))
    return place


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("evil.zip", '"../evil.png", which leads out of it'),
        ("bombs", "announces 3,600,000,000 pixels"),
    ],
)
def test_what_could_do_harm_ends_with_one_message_and_writes_nothing(
    tiny: Path, tmp_path: Path, name: str, message: str
) -> None:
    place = evil(tmp_path, name)
    before = tree(tmp_path)
    result = ldviz("train", str(tiny), "--images", str(place), "--device", "cpu", cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    # Progress is drawn over one line; the message is the last.
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert tree(tmp_path) == before


def test_interrupted_training_on_a_place_continues_alike(
    tiny: Path, pictures: Path, tmp_path: Path
) -> None:
    recipe = with_images(load_recipe(str(tiny)), str(pictures))
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    train_study(recipe, whole, device="cpu")

    def stop(done: int, total: int, what: str) -> None:
        if what == "training the denoiser" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_study(recipe, halves, device="cpu", progress=stop)
    train_study(recipe, halves, device="cpu")
    for part in ("vae", "unet"):
        name = f"{part}/diffusion_pytorch_model.safetensors"
        assert (whole / name).read_bytes() == (halves / name).read_bytes()


def test_training_is_not_continued_on_other_images(
    tiny: Path, pictures: Path, tmp_path: Path
) -> None:
    recipe = with_images(load_recipe(str(tiny)), str(pictures))

    def stop(done: int, total: int, what: str) -> None:
        if what == "training the autoencoder":
            raise CancelledError("stopped by the test")

    with pytest.raises(CancelledError):
        train_study(recipe, tmp_path / "study", device="cpu", progress=stop)
    fill(pictures / "member", 1, start=500)
    with pytest.raises(DataError, match=r"have changed since its training was interrupted"):
        train_study(recipe, tmp_path / "study", device="cpu")
    (pictures / "member" / "0500.png").unlink()
    train_study(recipe, tmp_path / "study", device="cpu")


def test_a_vanished_place_is_not_needed_and_a_changed_one_is_refused(
    tiny: Path, pictures: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    train_study(with_images(load_recipe(str(tiny)), str(pictures)), folder, device="cpu")
    fill(pictures / "member", 1, start=500)
    with pytest.raises(DataError, match=r"The images of .* are not the ones"):
        analyze_study(folder, device="cpu")
    (pictures / "member" / "0500.png").unlink()
    assert analyze_study(folder, device="cpu").num_samples == 18
    pictures.rename(tmp_path / "elsewhere")
    assert analyze_study(folder, device="cpu").num_samples == 18


def test_model_images_are_the_pixels_in_the_models_range(pictures: Path, tmp_path: Path) -> None:
    settings = data_settings_for(str(pictures), image_size=16)
    split = load_split(settings, tmp_path / "study", device="cpu")
    everything = to_model_range(split.images.pixels[:])
    rows = np.flatnonzero(split.is_member)
    members = ModelImages(split.images, rows, device=torch.device("cpu"))
    assert members.shape == (6, 3, 16, 16)
    chosen = torch.tensor([5, 0, 2])
    np.testing.assert_array_equal(members[chosen].numpy(), everything[rows[chosen.numpy()]])
    batches = list(members.batches(4))
    assert [len(batch) for batch in batches] == [4, 2]
    np.testing.assert_array_equal(torch.cat(batches).numpy(), everything[rows])


def test_captions_survive_the_store() -> None:
    captions = ("", "größer – 写真", "with \0 zero", "x" * 300)
    values = encode_captions(captions)
    assert (values.dtype, values.shape) == (np.uint8, (4, 300))
    assert decode_captions(values) == ("", "größer – 写真", "with  zero", "x" * 300)
    assert decode_captions(encode_captions(("", ""))) == ("", "")


def test_any_recipe_takes_another_place(pictures: Path, tmp_path: Path) -> None:
    digits = with_images(load_recipe("digits"), str(pictures), name="My Cats!")
    assert digits.name == "my-cats"
    assert digits.data.is_own
    assert digits.data.place == str(pictures)
    assert digits.data.image_size == 32
    assert digits.denoiser == load_recipe("digits").denoiser
    photos = with_images(load_recipe("photos"), str(pictures))
    assert photos.analysis.stores_images
    cifar = with_images(load_recipe("cifar10"), "somebody/else")
    assert (cifar.data.place, cifar.data.image_column) == ("somebody/else", "img")
    with pytest.raises(InputError, match=r'`split_file` needs `source = "images"`'):
        with_images(load_recipe("digits"), None, split_file="split.npz")


def test_a_place_a_recipe_and_a_file_give_settings(
    tiny: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data_settings_for(str(pictures)).place == str(pictures)
    assert data_settings_for("pokemon").image_size == 512
    assert data_settings_for("pokemon", image_size=256, config=None).image_size == 256
    assert data_settings_for(str(tiny), place=str(pictures)).image_size == 16
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "pokemon", 2)
    assert data_settings_for("pokemon").place == str(tmp_path / "pokemon")
    with pytest.raises(InputError, match=r"`image_size`.*got -1"):
        data_settings_for("pokemon", image_size=-1)
    with pytest.raises(InputError, match="no recipe file"):
        data_settings_for("absent.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("image_size = 16", 'split_file = "a.npz"\nmember_split = "train"', "go together"),
        (
            "image_size = 16",
            'split_file = "a.npz"\nmember_split = "a"\nheld_out_split = "b"',
            "both say who is a member",
        ),
        (
            "image_size = 16",
            'split = "a"\nmember_split = "a"\nheld_out_split = "b"',
            "give one of them",
        ),
        ('source = "images"', 'source = "digits"\nplace = "x"', "`place` needs"),
        ("num_probes = 2", "stores_images = false", "have to be stored"),
        ("[autoencoder]", '[model]\nsource = "x"\n\n[autoencoder]', "either"),
    ],
)
def test_settings_that_contradict_each_other_are_named(
    tiny: Path, old: str, new: str, message: str
) -> None:
    tiny.write_text(TINY.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        load_recipe(str(tiny))


def test_recipes_are_listed_by_group() -> None:
    text = recipes_text()
    assert text.startswith("digits, own, photos, shapes")
    assert text.endswith(
        "; the paper's data sets: celeba, cifar10, coco, flickr, imagenet, mnist, pokemon"
    )
