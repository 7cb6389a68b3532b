"""Studies made in the background: looked at, analysed, cancelled, resumed, refused."""

from __future__ import annotations

import os
import re
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ldviz.errors import DataError
from ldviz.jobs import uploads
from ldviz.jobs.own_study import analysis_key, analysis_records, start_analysis, start_look
from ldviz.jobs.record import JobRecord, forget_record, load_record
from ldviz.jobs.start import cancel_job
from ldviz.jobs.uploads import drop_upload, keep_upload, sweep_uploads
from ldviz.study.manage import unfinished_studies
from ldviz.study.places import cache_folder
from ldviz.study.recipe import Recipe
from ldviz.study.store import open_study
from tests.models.tiny_models import (
    autoencoder_kl,
    edit_json,
    save_parts,
    save_stable_diffusion,
    save_stable_diffusion_xl,
    scheduler,
    unconditional_unet,
)
from tests.test_jobs import finished


def write_images(folder: Path, count: int = 6) -> Path:
    generator = np.random.default_rng(0)
    for side in ("member", "held_out"):
        (folder / side).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / side / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("places")
    model = save_parts(
        folder / "model", vae=autoencoder_kl(), unet=unconditional_unet(), scheduler=scheduler()
    )
    return {"model": str(model), "images": str(write_images(folder / "pictures"))}


def studies() -> Path:
    """Where the looks of a test would put their studies."""
    return cache_folder() / "studies"


def looked(model: str, images: str, **data) -> JobRecord:
    return finished(start_look({"source": model}, images, studies(), **data).key)


def recipe_of(places: dict[str, str]) -> Recipe:
    record = looked(places["model"], places["images"], timesteps=(0, 50))
    assert record.state == "done", record.message
    return Recipe.model_validate(record.result["recipe"])


def test_a_look_tells_parts_sides_and_cost_and_writes_nothing(places: dict[str, str]) -> None:
    record = looked(places["model"], places["images"])
    assert record.state == "done"
    assert record.result["model"][1:] == [
        "autoencoder: AutoencoderKL (float32)",
        "denoiser: UNet2DModel (float32)",
        "scheduler: DDIMScheduler",
    ]
    assert (record.result["members"], record.result["held_out"]) == (6, 6)
    assert record.result["place"] == "folder per side"
    assert Recipe.model_validate(record.result["recipe"]).data.image_size == 16
    cost = dict(line.split(maxsplit=1) for line in record.result["cost"])
    assert cost["samples"].startswith("12")
    assert "decoder" in cost["passes"]
    assert re.match(r"about \d+ (s|min) on", cost["time"])
    assert not studies().exists()


@pytest.mark.slow
def test_a_study_is_made_cancelled_and_resumed(places: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "studies" / "mine"
    recipe = recipe_of(places)
    record = start_analysis(folder, recipe)
    cancel_job(record.key)
    assert finished(record.key).state == "cancelled"
    assert start_analysis(folder, recipe).key == record.key == analysis_key(folder)
    assert finished(record.key, 240).state == "done"
    study = open_study(folder)
    assert (study.manifest.n_member, study.manifest.n_held_out) == (6, 6)
    assert study.stored_timesteps("sima") == (0, 50)
    # Once more, from what the folder holds: nothing is computed anew.
    assert finished(start_analysis(folder).key, 240).state == "done"
    assert [one.key for one in analysis_records()] == [record.key]
    forget_record(record.key)
    assert analysis_records() == []


@pytest.mark.slow
def test_a_killed_analysis_reads_as_failed_and_continues(
    places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    folder = tmp_path / "studies" / "killed"
    images = write_images(tmp_path / "many", 60)
    found = looked(places["model"], str(images), timesteps=(0,)).result["recipe"]
    found["analysis"]["block_size"] = 8
    record = start_analysis(folder, Recipe.model_validate(found))
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        now = load_record(record.key)
        if now.what == "analysing" and now.share > 0.1:
            os.kill(now.pid, signal.SIGKILL)
            break
        time.sleep(0.02)
    ended = finished(record.key)
    assert ended.state == "failed"
    assert "ended before it was done" in ended.message
    assert unfinished_studies() == {"killed": folder}
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("arrays/latents/*.safetensors")}
    assert kept
    assert finished(start_analysis(folder).key, 240).state == "done"
    assert open_study(folder).num_samples == 120
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("code", "auto_map|code"),
        ("pickle", "pickle|code|cannot be read"),
        ("missing", "There is no model"),
    ],
)
def test_a_model_that_asks_for_code_is_refused_with_nothing_run(
    places: dict[str, str], tmp_path: Path, spoil: str, message: str
) -> None:
    folder, mark = tmp_path / "bad", tmp_path / "was-run"
    if spoil == "code":
        save_parts(folder, vae=autoencoder_kl())
        (folder / "vae" / "mine.py").write_text(f"open({str(mark)!r}, 'w')")
        edit_json(folder / "vae" / "config.json", auto_map={"AutoModel": "mine.Mine"})
    elif spoil == "pickle":
        folder.mkdir()
        (folder / "vae_last.pt").write_bytes(
            b"cposix\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."
        )
    record = looked(str(folder), places["images"])
    if record.state == "done":
        record = finished(
            start_analysis(tmp_path / "s" / "x", Recipe.model_validate(record.result["recipe"])).key
        )
    assert record.state == "failed"
    assert re.search(message, record.message), record.message
    assert "a bug" not in record.message
    assert not mark.exists()


def test_captions_that_are_missing_are_missed_at_the_first_look(
    places: dict[str, str], tmp_path: Path
) -> None:
    model = save_stable_diffusion(tmp_path / "stable")
    record = looked(str(model), places["images"])
    assert record.state == "failed"
    assert "conditioned on captions, and the images have none" in record.message


def test_a_look_at_two_text_encoders(tmp_path: Path) -> None:
    model = save_stable_diffusion_xl(tmp_path / "xl")
    images = write_images(tmp_path / "pictures", count=2)
    for image in images.rglob("*.png"):
        image.with_suffix(".txt").write_text("a small dog")
    record = looked(str(model), str(images))
    assert record.state == "done", record.message
    assert record.result["model"][0] == "recognised: StableDiffusionXLPipeline"
    assert record.result["model"][-2:] == [
        "second text encoder: CLIPTextModelWithProjection (float32)",
        "second tokenizer: CLIPTokenizer",
    ]
    assert record.result["captions"]


def test_an_archive_that_leads_out_is_refused(places: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../escaped.png", b"x")
    record = looked(places["model"], str(path))
    assert record.state == "failed"
    assert "leads out of it" in record.message
    assert not (tmp_path / "escaped.png").exists()


def test_uploads_are_kept_under_plain_names_and_swept(tmp_path: Path) -> None:
    path = keep_upload(tmp_path, "../../My Pictures?.ZIP", b"PK")
    assert path.parent.parent == tmp_path / ".uploads"
    assert path.name == "my-pictures.zip"
    assert path.read_bytes() == b"PK"
    assert keep_upload(tmp_path, "../../My Pictures?.ZIP", b"PK") == path
    sweep_uploads(tmp_path)
    assert path.exists()
    os.utime(path.parent, (0, time.time() - 2 * 24 * 3600))
    sweep_uploads(tmp_path)
    assert not path.exists()
    drop_upload(str(tmp_path / "no" / "such.zip"))
    drop_upload(None)


def test_an_upload_over_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_MB", 0)
    with pytest.raises(DataError, match="at most 0 MB are taken"):
        keep_upload(tmp_path, "a.zip", b"PK")
    assert not (tmp_path / ".uploads").exists()


def test_a_forgotten_job_is_gone(places: dict[str, str]) -> None:
    record = looked(places["model"], "no/such/place/at/all")
    assert record.state == "failed"
    forget_record(record.key)
    assert load_record(record.key) is None
