"""What a dry run says: passes counted by hand, nothing written, what is there already left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from ldviz.errors import InputError, StudyError
from ldviz.models.settings import ModelSettings
from ldviz.study.blocks import block_path
from ldviz.study.build import analysis_cost as analysis
from ldviz.study.build.analysis_cost import analysis_cost, own_cost
from ldviz.study.build.training_cost import training_cost
from ldviz.study.cost import duration_text, size_text
from ldviz.study.recipe import AnalysisSettings, DataSettings, Recipe, load_recipe
from tests.models.test_paper_models import autoencoder_weights, denoiser_weights
from tests.test_command_line import files

EXACT = 2 * 64  # products with the Jacobian of d = 64 latents, two passes each
ESTIMATE = 2 * 4  # probes


def test_passes_of_an_analysis_are_counted(
    trained_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(trained_folder)
    monkeypatch.setattr(analysis, "_trial", lambda tasks, *rest: [0.5] * len(tasks))
    cost = analysis_cost(trained_folder, device="cpu")
    assert cost.samples == 96
    assert cost.passes == {"encoder": 96, "decoder": 96 * (EXACT + ESTIMATE), "denoiser": 96 * 3}
    # Seven parts: data, latents, spectrum, estimate, three timesteps.
    assert cost.seconds == 0.5 * 7 * 96
    assert cost.finished == 0
    assert files(trained_folder) == before


def test_disk_is_what_the_analysis_takes(trained_folder: Path, tiny_study_folder: Path) -> None:
    told = analysis_cost(trained_folder, device="cpu").disk_bytes
    taken = sum(path.stat().st_size for path in (tiny_study_folder / "arrays").glob("*/*"))
    assert 0.9 * told < taken < 1.1 * told


def test_what_is_there_already_is_left_out(tiny_study_copy: Path) -> None:
    done = analysis_cost(tiny_study_copy, device="cpu")
    assert set(done.passes.values()) == {0}
    assert (done.disk_bytes, done.seconds, done.finished) == (0, 0, 1)
    assert "100% of the work is there already" in done.lines()[0]
    block_path(tiny_study_copy, "influence", 2).unlink()  # of 16 rows: 96 = 40 + 40 + 16
    assert analysis_cost(tiny_study_copy, device="cpu").passes["decoder"] == 16 * EXACT


def test_the_trial_measures_each_kind_of_work_once(trained_folder: Path) -> None:
    seen = []
    cost = analysis_cost(
        trained_folder, device="cpu", progress=lambda done, total, what: seen.append((done, total))
    )
    assert 0 < cost.seconds < 600
    assert cost.trial_samples == 32
    assert seen[-1] == (7, 7)


@pytest.fixture
def own(tmp_path: Path) -> Recipe:
    """Checkpoints in the paper's layout, and more pictures than a trial reads."""
    torch.save(autoencoder_weights(8, 2, 1), tmp_path / "vae_last.pt")
    torch.save(denoiser_weights(8, (1, 2), 2), tmp_path / "unet_last.pt")
    generator = np.random.default_rng(0)
    for side, count in (("member", 30), ("held_out", 20)):
        (tmp_path / "pictures" / side).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(0, 256, (16, 16), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / side / f"{number}.png")
    return Recipe(
        name="own",
        title="Own",
        description="Made for the tests.",
        data=DataSettings(place=str(tmp_path / "pictures"), image_size=16, colour="grey"),
        model=ModelSettings(source=str(tmp_path)),
        analysis=AnalysisSettings(timesteps=(0, 50), num_probes=2),
    )


def test_images_of_one_s_own_are_counted_and_few_are_read(own: Recipe, tmp_path: Path) -> None:
    before, read = files(tmp_path), set()
    cost = own_cost(
        own,
        tmp_path / "study",
        device="cpu",
        progress=lambda done, total, what: read.add(total) if what == "reading images" else None,
    )
    assert cost.samples == 50
    assert cost.passes == {"encoder": 50, "decoder": 50 * (2 * 32 + 2 * 2), "denoiser": 100}
    assert read == {32}
    assert files(tmp_path) == before
    assert not (tmp_path / "study").exists()


def test_a_dry_run_refuses_what_the_run_would(own: Recipe, tiny_study_copy: Path) -> None:
    before = files(tiny_study_copy)
    with pytest.raises(StudyError, match="holds a trained study"):
        own_cost(own, tiny_study_copy, device="cpu")
    with pytest.raises(InputError, match="nothing to train"):
        training_cost(own, tiny_study_copy, device="cpu")
    assert files(tiny_study_copy) == before


def test_passes_of_a_training_are_counted(tiny_recipe_file: Path, tmp_path: Path) -> None:
    cost = training_cost(load_recipe(str(tiny_recipe_file)), tmp_path / "study", device="cpu")
    # 48 members; two evaluations of 96 samples at two timesteps.
    assert cost.passes == {"autoencoder": 48 * 3, "denoiser": 48 * 4 + 2 * 96 * 2}
    assert 0 < cost.seconds < 600
    assert list(tmp_path.iterdir()) == []


def test_the_commands_say_it(tiny_recipe_file: Path, trained_folder: Path, monkeypatch) -> None:
    from ldviz.__main__ import app

    monkeypatch.chdir(tiny_recipe_file.parent)
    for arguments in (["train", str(tiny_recipe_file)], ["analyze", str(trained_folder)]):
        result = CliRunner().invoke(app, [*arguments, "--device", "cpu", "--dry-run"])
        assert result.exit_code == 0, result.output
        for word in ("samples   96", "passes  ", "are free", "on cpu, one process", "dry run"):
            assert word in result.output
    assert not (tiny_recipe_file.parent / "studies").exists()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.1, "about 1 s"),
        (89, "about 89 s"),
        (91, "about 2 min"),
        (3600 * 2 + 600, "about 2 h 10 min"),
        (86400 * 3, "about 3 days 0 h"),
    ],
)
def test_durations_are_told_in_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_sizes_are_told_in_a_fitting_unit() -> None:
    assert [size_text(n) for n in (12, 3400, 5_600_000, 7_800_000_000)] == [
        "12 bytes",
        "3.4 kB",
        "5.6 MB",
        "7.8 GB",
    ]
