"""Inspect an image in a real browser: a picture dropped in, and what is none."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from ldviz.study.store import open_study
from tests.e2e.conftest import Server

pytestmark = pytest.mark.browser


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def drop(page: Page, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "image/png", "buffer": content}
    page.locator("input[type=file]").first.set_input_files(file)


def test_a_picture_is_inspected_and_what_is_none_is_refused(
    page: Page, serve: Callable[..., Server], tiny_study_folder: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    server = serve(LDVIZ_STUDIES=str(tiny_study_folder.parent), LDVIZ_CACHE=str(cache))
    study = open_study(tiny_study_folder)
    row = int(np.flatnonzero(study.is_member)[0])
    page.goto(f"{server.url}/inspect_image")
    expect(page.get_by_text("Drop a picture here")).to_be_visible()

    drop(page, "notes.png", b"a text, whatever its name says")
    expect(page.get_by_text("it holds no picture, whatever its name says")).to_be_visible()
    assert not server.has_loaded("libtorch"), "nothing was computed yet"

    page.reload()
    drop(page, "digit.png", png(study.images(row)[..., 0]))
    expect(page.get_by_role("heading", name="The nearest members")).to_be_visible()
    nearest = page.locator(".ldviz-strip").nth(1).locator("figure").first
    expect(nearest).to_contain_text(re.compile(rf"0\.0 %\s*image {study.sample_ids[row]}"))
    shares = page.locator(".ldviz-tile")
    expect(shares).to_have_count(2)
    for share in shares.all():
        expect(share).to_contain_text(re.compile(r"95 % [\d.]+ to [\d.]+"))
    expect(page.locator("[data-testid=stException], [data-testid=stAlert]")).to_have_count(0)
    kept = [path for path in cache.rglob("*") if path.is_file()]
    assert kept == [], "nothing of the picture is stored"
