"""``train`` and ``analyze`` as a launcher starts them, stopped and killed from outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.study.small_analysis import contents

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = (
    *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"),
    *("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"),
)


def start(*arguments: str, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """The command line in a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "ldviz", *arguments, "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def wait_for(folder: Path, name: str) -> None:
    for _ in range(60_000):
        if (folder / "arrays" / name).exists():
            return
        time.sleep(0.005)
    raise AssertionError(f"{name} has not been written")


@pytest.fixture
def folder(trained_folder: Path, tmp_path: Path) -> Path:
    """As ``train`` leaves it; a test may add to it."""
    shutil.copytree(trained_folder, tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.mark.slow
def test_ctrl_c_ends_with_one_message_and_is_continued(
    folder: Path, tiny_study_folder: Path
) -> None:
    process = start("analyze", str(folder))
    wait_for(folder, "latents/00000.safetensors")
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert output == ""
    assert errors.strip().splitlines()[-1].startswith("Stopped. What is finished is kept;")
    assert "Traceback" not in errors
    assert not (folder / "manifest.json").exists()
    assert not list(folder.rglob("*.partial"))
    process = start("analyze", str(folder))
    assert process.communicate(timeout=300)[0].startswith("Analysed tiny")
    assert contents(folder) == contents(tiny_study_folder)


@pytest.mark.slow
def test_a_launcher_s_processes_survive_the_kill_of_one(
    folder: Path, tiny_study_folder: Path
) -> None:
    process = start("analyze", str(folder), launcher=LAUNCH)
    wait_for(folder, "latents/00000.safetensors")
    workers = psutil.Process(process.pid).children(recursive=True)
    workers[-1].kill()
    process.communicate(timeout=300)
    assert process.returncode != 0
    assert not (folder / "manifest.json").exists()
    process = start("analyze", str(folder), launcher=LAUNCH)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    # One of the two speaks.
    assert output.count("Analysed tiny") == 1
    assert contents(folder) == contents(tiny_study_folder)
    ours, theirs = (
        json.loads((place / "manifest.json").read_text()) for place in (folder, tiny_study_folder)
    )
    assert ours["arrays"] == theirs["arrays"]
    assert ours["default_timestep"] == theirs["default_timestep"]


@pytest.mark.slow
def test_a_launcher_s_processes_train_what_one_does(
    tiny_recipe_file: Path, trained_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    process = start("train", str(tiny_recipe_file), "--out", str(folder), launcher=LAUNCH)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert output.count("Trained tiny") == 1
    assert errors.count("The autoencoder's batches are not cut") == 1
    for part in ("vae", "unet"):
        files = [next((run / part).glob("*.safetensors")) for run in (folder, trained_folder)]
        assert files[0].read_bytes() == files[1].read_bytes()
    ours, theirs = (
        json.loads((run / "training.json").read_text()) for run in (folder, trained_folder)
    )
    assert ours["evaluations"] == theirs["evaluations"]
    assert ours["recipe"] == theirs["recipe"]
