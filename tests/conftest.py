"""Fixtures that many tests share: one tiny real study, trained and analysed on the spot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")

TINY_RECIPE = """
name = "tiny"
title = "Tiny digits"
description = "96 handwritten digits at 16 x 16 pixels, trained for the tests."

[data]
source = "digits"
image_size = 16
num_images = 96

[autoencoder]
block_out_channels = [8, 8, 8]
norm_num_groups = 4
epochs = 3
batch_size = 16
learning_rate = 2e-3

[denoiser]
block_out_channels = [8, 16]
layers_per_block = 1
norm_num_groups = 4
epochs = 4
batch_size = 16

[selection]
evaluate_every = 2
timesteps = [0, 100]

[analysis]
timesteps = [0, 50, 100]
num_probes = 4
block_size = 40
"""


@pytest.fixture(scope="session")
def tiny_recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that trains and analyses in seconds."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY_RECIPE)
    return path


@pytest.fixture(scope="session")
def trained_folder(tiny_recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``train`` leaves it.  Read-only: copy it to change it."""
    from ldviz.study.build.train import train_study
    from ldviz.study.recipe import load_recipe

    folder = tmp_path_factory.mktemp("trained") / "tiny"
    train_study(load_recipe(str(tiny_recipe_file)), folder, device="cpu")
    return folder


@pytest.fixture(scope="session")
def tiny_study_folder(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of 96 images, d = 64.  Read-only: copy it to change it."""
    from ldviz.study.build.analyze import analyze_study

    folder = tmp_path_factory.mktemp("studies") / "tiny"
    shutil.copytree(trained_folder, folder)
    analyze_study(folder, device="cpu")
    return folder


@pytest.fixture
def tiny_study_copy(tiny_study_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny study that a test may damage."""
    folder = tmp_path / "studies" / "tiny"
    shutil.copytree(tiny_study_folder, folder)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live results of a test stay with the test, on disk and in memory."""
    from ldviz.study import vectors

    monkeypatch.setenv("LDVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(vectors, "_recent", type(vectors._recent)())
