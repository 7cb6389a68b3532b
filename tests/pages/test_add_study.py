"""Add a study by AppTest: what is asked, what is refused, and what can be done to studies."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ldviz.jobs.own_study import analysis_key, analysis_records
from ldviz.jobs.record import JobRecord, cancel_path, load_record, save_record
from ldviz.study.manage import removed_studies
from ldviz.study.store import open_study
from tests.models.tiny_models import autoencoder_tiny
from tests.pages.hand_made_study import write_hand_made_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "add_study.py")


@pytest.fixture
def studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "studies"
    monkeypatch.setenv("LDVIZ_STUDIES", str(folder))
    write_hand_made_study(folder / "noise")
    return folder


def opened() -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=120).run()
    assert not app.exception
    return app


def looked(app: AppTest) -> AppTest:
    """Press the button and wait until the job has ended."""
    app.button(key="add-look-start").click().run()
    deadline = time.monotonic() + 90
    while "add-look" in app.session_state and time.monotonic() < deadline:
        if load_record(app.session_state["add-look"]).finished:
            app.run()
            break
        time.sleep(0.1)
    assert not app.exception
    return app


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, b"no picture")
    return buffer.getvalue()


def text_of(app: AppTest) -> str:
    html = " ".join(element.proto.body for element in app.get("html"))
    return " ".join([html, *(part.value for part in (*app.markdown, *app.subheader))])


def test_the_page_asks_and_lists_the_studies(studies: Path) -> None:
    app = opened()
    assert not app.error
    assert "Hand\\-made noise" in text_of(app)
    assert "Under way" not in text_of(app)


@pytest.mark.parametrize(
    ("model", "images", "message"),
    [
        ("", "", "Name a model"),
        ("./no/such/folder", "x", "There is no model"),
    ],
)
def test_what_is_missing_is_named(studies: Path, model: str, images: str, message: str) -> None:
    app = opened()
    app.text_input(key="add-model").set_value(model)
    app.text_input(key="add-images").set_value(images)
    looked(app)
    assert message in app.error[0].value
    assert not analysis_records()


def test_what_was_recognised_is_shown_before_anything_starts(studies: Path, tmp_path: Path) -> None:
    autoencoder_tiny().save_pretrained(tmp_path / "tiny")
    app = opened()
    app.text_input(key="add-model").set_value(str(tmp_path / "tiny"))
    app.segmented_control(key="add-images-kind").set_value("recipe").run()
    app.selectbox(key="add-recipe").set_value("photos")
    app.text_input(key="add-name").set_value("Tiny on photos")
    looked(app)
    text = text_of(app)
    assert not app.error
    assert "AutoencoderTiny" in text
    assert "geometry without attacks" in text
    assert "1,040" in text
    assert "from a trial of" in text
    assert app.button(key="add-start")
    assert [path.name for path in studies.iterdir()] == ["noise"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive("../escaped.png"), "leads out of it"),
        (b"not an archive at all", "neither a folder nor a zip"),
        (archive("readme.txt"), "image"),
    ],
)
def test_a_bad_archive_is_refused(
    studies: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    autoencoder_tiny().save_pretrained(tmp_path / "tiny")
    app = opened()
    app.text_input(key="add-model").set_value(str(tmp_path / "tiny"))
    app.segmented_control(key="add-images-kind").set_value("upload").run()
    app.file_uploader(key="add-upload").set_value(("mine.zip", content, "application/zip"))
    looked(app)
    assert message in app.error[0].value
    assert not list(tmp_path.rglob("escaped.png"))


def test_a_study_is_renamed(studies: Path) -> None:
    app = opened()
    key = f"rename/{studies / 'noise'}"
    app.text_input(key=key).set_value("Of *mine*").run()
    app.button(key=f"{key}/save").click().run()
    assert open_study(studies / "noise").title == "Of *mine*"
    assert "Of \\*mine\\*" in text_of(app)
    app.text_input(key=key).set_value("   ").run()
    app.button(key=f"{key}/save").click().run()
    assert "one line of 1 to 80" in app.error[0].value


def test_removing_can_be_undone_and_restored(studies: Path) -> None:
    app = opened()
    app.button(key=f"remove/{studies / 'noise'}").click().run()
    assert not app.exception
    assert not (studies / "noise").exists()
    app.button(key="studies-undo-button").click().run()
    assert open_study(studies / "noise").title == "Hand-made noise"
    app.button(key=f"remove/{studies / 'noise'}").click().run()
    (removed,) = removed_studies()
    app = opened()
    app.button(key=f"restore/{removed.path}").click().run()
    assert open_study(studies / "noise")
    assert not removed_studies()


def test_a_job_that_stopped_says_why_and_can_be_dismissed(studies: Path) -> None:
    folder = studies / "begun"
    key = analysis_key(folder)
    save_record(
        JobRecord(
            key=key,
            kind="analyze",
            arguments={"folder": str(folder), "title": "Begun", "recipe": None},
            model="studies",
            state="failed",
            message="The disk is full.",
        )
    )
    app = opened()
    assert "Under way" in text_of(app)
    assert "The disk is full." in app.error[0].value
    app.button(key=f"{key}/dismiss").click().run()
    assert load_record(key) is None
    assert "Under way" not in text_of(app)


def test_a_running_job_shows_how_far_it_is_and_can_be_cancelled(studies: Path) -> None:
    folder = studies / "begun"
    key = analysis_key(folder)
    save_record(
        JobRecord(
            key=key,
            kind="analyze",
            arguments={"folder": str(folder), "title": "Begun", "recipe": None},
            model="studies",
            state="running",
            done=1,
            total=4,
            pid=os.getpid(),
            started=time.time() - 300,
        )
    )
    app = opened()
    bar = app.get("progress")[0].proto
    assert bar.value == 25
    assert "25%, about 15 min left" in bar.text
    app.button(key=f"{key}/cancel").click().run()
    assert cancel_path(key).exists()
    assert "stopping" in app.get("progress")[0].proto.text
