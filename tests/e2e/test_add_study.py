"""Add a study in a real browser: looked at, made, watched, opened, renamed, removed, restored."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Server
from tests.models.tiny_models import autoencoder_kl, save_parts, scheduler, unconditional_unet
from tests.pages.hand_made_study import write_hand_made_study
from tests.test_own_study_jobs import write_images

pytestmark = pytest.mark.browser

SLOW_MS = 180_000


def quiet(page: Page) -> None:
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def fill(page: Page, label: str, text: str) -> None:
    box = page.get_by_role("textbox", name=label, exact=True)
    box.fill(text)
    box.press("Enter")
    quiet(page)


@pytest.mark.slow
def test_a_study_is_added_watched_opened_renamed_removed_and_brought_back(
    page: Page, serve: Callable[..., Server], tmp_path: Path
) -> None:
    model = save_parts(
        tmp_path / "model", vae=autoencoder_kl(), unet=unconditional_unet(), scheduler=scheduler()
    )
    images = write_images(tmp_path / "pictures", 60)
    studies = tmp_path / "studies"
    write_hand_made_study(studies / "noise")
    server = serve(LDVIZ_STUDIES=str(studies), LDVIZ_CACHE=str(tmp_path / "cache"))
    page.goto(f"{server.url}/add_study")

    # What cannot be used is refused with a message, and the page lives on.
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("../escaped.png", b"x")
    fill(page, "Folder, file or hub id", str(model))
    page.get_by_role("radio", name="Send a zip").click()
    page.locator("input[type=file]").set_input_files(str(bad))
    expect(page.get_by_text("bad.zip")).to_be_visible()
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("which leads out of it")).to_be_visible()
    assert not list(tmp_path.rglob("escaped.png"))

    page.get_by_role("radio", name="On the server or the hub").click()
    fill(page, "Folder, archive or hub id", str(images))
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("AutoencoderKL (float32)")).to_be_visible()
    page.get_by_role("button", name="Start the analysis").click()
    expect(page.get_by_role("heading", name="Under way")).to_be_visible()

    # From any page: the sidebar shows it, then its study is there to be chosen.
    page.get_by_role("link", name="Distortion").click()
    expect(page.get_by_role("heading", name="Distortion", exact=True)).to_be_visible()
    sidebar = page.locator("[data-testid=stSidebar]")
    expect(sidebar.get_by_text("model on pictures")).to_be_visible()
    expect(page.get_by_text("model on pictures is finished")).to_be_visible(timeout=SLOW_MS)
    expect(sidebar.get_by_text("cannot be opened")).to_have_count(0)

    page.get_by_role("link", name="Add a study").click()
    expect(page.get_by_role("heading", name="Studies")).to_be_visible()
    row = page.locator("[data-testid=stMain]").get_by_text("model on pictures").first
    expect(row).to_be_visible()
    page.get_by_role("button", name="Open").last.click()
    expect(page).to_have_url(re.compile("study="))
    quiet(page)

    page.get_by_role("link", name="Add a study").click()
    page.get_by_role("button", name="Rename").first.click()
    fill(page, "Title", "Of mine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Of mine").first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove").first.click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    quiet(page)
    assert {path.name for path in studies.iterdir() if path.name[0] != "."} == {
        "noise",
        "model-on-pictures",
    }
