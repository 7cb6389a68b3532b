"""The Samples page in a real browser: what is dragged, boxed and saved agrees with Python."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from ldviz.figures.score_axis import score_axis
from ldviz.metrics.roc import confusion_counts, roc_auc
from ldviz.study.evidence import unmasked_scores
from ldviz.study.places import BUNDLED
from ldviz.study.store import Study, open_study
from ldviz.ui.numbers import value_text
from ldviz.view import ids_from_text
from tests.e2e.conftest import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    cache = tmp_path_factory.mktemp("cache")
    return serve(LDVIZ_STUDIES=str(BUNDLED), LDVIZ_CACHE=str(cache))


@pytest.fixture(scope="module")
def digits() -> Study:
    return open_study(BUNDLED / "digits")


@pytest.fixture(scope="module")
def scores(digits: Study) -> np.ndarray:
    return unmasked_scores(digits, digits.default_attack, digits.default_timestep)


def opened(page: Page, server: Server, query: str = "") -> None:
    page.goto(f"{server.url}/samples?study=digits{query}")
    expect(page.get_by_role("button", name="Export")).to_be_visible()
    expect(page.locator(".histogram .count")).to_have_count(4)
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )


def shown_counts(page: Page) -> list[int]:
    """Found, missed, accused, cleared, as the page shows them."""
    texts = page.locator(".histogram .count b").all_inner_texts()
    return [int(text.replace(",", "")) for text in texts]


def expected_counts(page: Page, digits: Study, scores: np.ndarray) -> list[int]:
    """The same counts for the threshold's place, counted in Python."""
    place = float(page.get_by_role("slider", name="Threshold").get_attribute("aria-valuenow"))
    counts = confusion_counts(digits.is_member, score_axis(scores).places, place)
    order = ("members_found", "members_missed", "held_out_accused", "held_out_cleared")
    return [counts[name] for name in order]


def test_counts_follow_the_drag_before_the_button_is_let_go(
    page: Page, server: Server, digits: Study, scores: np.ndarray
) -> None:
    opened(page, server)
    box = page.locator(".histogram .plot svg").bounding_box()
    before = shown_counts(page)
    assert before == expected_counts(page, digits, scores)
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 120)
    page.mouse.down()
    seen = []
    for share in (0.6, 0.5, 0.4):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 120)
        seen.append(shown_counts(page))
        assert seen[-1] == expected_counts(page, digits, scores)
    assert seen[0][0] < seen[1][0] < seen[2][0]
    page.mouse.up()
    expect(page.get_by_role("button", name="Export")).to_be_visible()
    # The run that the release starts must not put the threshold back.
    assert shown_counts(page) == seen[-1] != before


def test_a_box_on_the_scatter_chooses_samples_everywhere(
    page: Page, server: Server, digits: Study, scores: np.ndarray
) -> None:
    opened(page, server)
    area = page.locator(".st-key-samples-scatter .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.05 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 0.9 * box["height"], steps=8)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"^\d+ chosen: \d+ members, \d+ held-out"))).to_be_visible()
    page.wait_for_url("**selection=*")
    ids = ids_from_text(parse_qs(urlparse(page.url).query)["selection"][0])
    rows = np.flatnonzero(np.isin(digits.sample_ids, ids))
    expect(page.get_by_text(f"{len(ids)} chosen")).to_be_visible()
    auc = roc_auc(digits.is_member[rows], scores[rows])
    expect(page.locator(".ldviz-tile .value").first).to_have_text(value_text(auc))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("No samples chosen")).to_be_visible()
    page.get_by_role("button", name="Redo").click()
    expect(page.get_by_text(f"{len(ids)} chosen")).to_be_visible()


def test_the_saved_view_holds_what_the_page_shows(
    page: Page, server: Server, digits: Study, tmp_path: Path
) -> None:
    opened(page, server, "&selection=0-199")
    shown = page.locator(".ldviz-tile .value").first.inner_text()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="The whole view (JSON)").click()
    saved = tmp_path / "view.json"
    download.value.save_as(saved)
    content = json.loads(saved.read_text())
    (auc,) = [
        row["value"]
        for row in content["tables"]["Numbers"]
        if (row["part"], row["metric"]) == ("chosen", "auc")
    ]
    assert value_text(auc) == shown
    assert content["link"]["selection"] == "0-199"
    assert content["study"]["digest"] == digits.digest
    assert len(content["tables"]["Samples"]) == digits.num_samples
