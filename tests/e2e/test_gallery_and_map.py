"""Choosing images in a real browser: by mouse, by keys, on the violin and on the map."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Server
from tests.pages.hand_made_study import write_hand_made_study

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder: Path = tmp_path_factory.mktemp("studies")
    write_hand_made_study(folder / "noise")
    return serve(LDVIZ_STUDIES=str(folder))


def item(page: Page, sample_id: int) -> Locator:
    return page.locator(f'.gallery .item[data-id="{sample_id}"]')


def test_a_click_in_the_gallery_chooses_on_every_page(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/distortion")
    item(page, 103).click()
    expect(page).to_have_url(re.compile("image=103"))
    expect(item(page, 103)).to_have_attribute("aria-pressed", "true")
    expect(page.locator('.gallery .item[aria-pressed="true"]')).to_have_count(1)
    expect(page.locator(".ldviz-current img")).to_have_attribute("alt", re.compile("Image 103"))
    page.get_by_role("link", name="Overview").click()
    expect(page).to_have_url(re.compile("image=103"))


def test_the_gallery_works_by_keyboard(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/distortion?image=100")
    first = item(page, 100)
    expect(first).to_have_attribute("tabindex", "0")
    expect(page.locator('.gallery .item[tabindex="0"]')).to_have_count(1)
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(item(page, 101)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(item(page, 178)).to_be_focused()
    assert "image=100" in page.url  # moving alone chooses nothing
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("image=178"))


def test_every_picture_has_alternative_text_and_hard_pixels(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/distortion")
    pictures = page.locator(".gallery .item img")
    expect(pictures).to_have_count(16)
    for picture in pictures.all():
        expect(picture).to_have_attribute("alt", re.compile(r"^Image \d+, (member|held-out), "))
    expect(pictures.first).to_have_css("image-rendering", "pixelated")


def test_a_click_on_a_picture_of_the_violin_chooses_it(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/distortion?image=150")
    picture = page.locator(".js-plotly-plot image").first
    box = picture.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page).to_have_url(re.compile("image=100"))


def test_pointing_at_the_map_shows_the_image(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/embedding")
    card = page.locator(".ldviz-hover-card")
    point = page.locator(".js-plotly-plot .point").first
    point.hover(force=True)
    expect(card).to_be_visible()
    expect(card).to_contain_text(re.compile(r"Image 1\d\d"))
    page.get_by_role("heading", name="Latent map").hover()
    expect(card).to_be_hidden()


def test_a_lasso_selects_and_leaves_the_current_image_alone(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/embedding?image=104")
    plane = page.locator(".js-plotly-plot .nsewdrag").first
    expect(page.locator(".js-plotly-plot .point")).not_to_have_count(0)
    box = plane.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    reach = 0.45 * min(box["width"], box["height"])
    page.mouse.move(middle[0] + reach, middle[1])
    page.mouse.down()
    for step in range(1, 17):
        turn = step * math.pi / 8
        page.mouse.move(
            middle[0] + reach * math.cos(turn), middle[1] + reach * math.sin(turn), steps=3
        )
    page.mouse.up()
    expect(page).to_have_url(re.compile("selection="))
    expect(page).to_have_url(re.compile("image=104"))
    expect(page.locator(".gallery .item")).not_to_have_count(0)
    page.get_by_role("button", name="Clear selection").click()
    expect(page).not_to_have_url(re.compile("selection="))
    expect(page.locator(".gallery .item")).to_have_count(0)
