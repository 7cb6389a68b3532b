"""The Latent grid page on the bundled digits, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from ldviz.study.places import BUNDLED
from ldviz.study.store import Study, open_study
from tests.e2e.conftest import Server

pytestmark = pytest.mark.browser

LOADING_MS = 240_000
"""The first decoded grid waits for PyTorch to start."""

WATCH_TEXT = """node => {
  window.texts = [];
  const watch = () => window.texts.push(node.textContent);
  new MutationObserver(watch).observe(node, { childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(LDVIZ_STUDIES=str(BUNDLED))


@pytest.fixture(scope="module")
def digits() -> Study:
    return open_study(BUNDLED / "digits")


def opened(page: Page, server: Server, section: str) -> None:
    """One section of the page, its script run to the end."""
    page.goto(f"{server.url}/latent_grid?study=digits")
    page.get_by_role("tab", name=section).click(timeout=LOADING_MS)
    expect(page.get_by_role("tab", name=section)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("stSpinner")).to_have_count(0, timeout=LOADING_MS)
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=LOADING_MS
    )


def drag(page: Page, slider: Locator, share: float, steps: int) -> None:
    """Press the slider in its middle and move along it; the button stays down."""
    slider.scroll_into_view_if_needed()
    slider.hover()  # waits until it no longer moves
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], middle, steps=steps)


def test_the_journey_follows_the_slider_while_it_is_dragged(page: Page, server: Server) -> None:
    frames: list[object] = []
    page.on("websocket", lambda one: one.on("framesent", lambda frame: frames.append(frame)))
    opened(page, server, "Travel")
    expect(page.locator(".travel .track")).to_have_count(2)
    distance = page.locator(".travel .track .distance").first
    expect(distance).to_have_text("0")
    distance.evaluate(WATCH_TEXT)
    frames.clear()
    drag(page, page.locator(".travel .slider"), 0.95, steps=20)
    expect(page.locator(".travel .offset")).to_contain_text("+2.")
    assert len(set(page.evaluate("window.texts"))) >= 10
    expect(page.locator(".travel .track .distance").nth(1)).to_contain_text("0.00")
    assert frames == [], "the server was asked although every frame was there"
    page.mouse.up()


def test_pointing_at_a_cell_tells_its_influence(page: Page, server: Server, digits: Study) -> None:
    opened(page, server, "Where cells act")
    readout = page.locator(".cells .readout")
    expect(readout).to_contain_text("rank 1 of 256", timeout=LOADING_MS)
    row = int(np.argmax(digits.local_distortion()))
    influence = digits.array("influence")[row]
    last = page.locator(".cells .map").nth(3)
    box = last.bounding_box()
    last.hover(position={"x": box["width"] * 0.99, "y": box["height"] * 0.01})
    expect(readout).to_contain_text("channel 3, cell 0,7")
    expect(readout).to_contain_text(f"{influence[3, 0, 7]:+.2f}".replace("-", "−"))
    page.mouse.move(5, 5)
    expect(readout).to_contain_text("rank 1 of 256")


def test_stepping_redraws_the_grid_of_another_image(
    page: Page, server: Server, digits: Study
) -> None:
    opened(page, server, "Grid")
    order = np.argsort(-digits.local_distortion(), kind="stable")
    expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=LOADING_MS)
    before = page.locator(".js-plotly-plot image").first.get_attribute("href")
    page.get_by_role("button", name="Lower").click()
    expect(page.get_by_text(f"Image {digits.sample_ids[order[1]]}")).to_be_visible()
    expect(page.locator(".js-plotly-plot image").first).not_to_have_attribute("href", before)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
