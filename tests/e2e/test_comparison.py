"""Two studies side by side, in a real browser: chosen, on three pages, restored, closed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from ldviz.study.places import BUNDLED
from tests.e2e.conftest import Server
from tests.e2e.test_dashboard import loaded

pytestmark = pytest.mark.browser

TITLES = ("Handwritten digits", "Tiles of photographs")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    cache = tmp_path_factory.mktemp("cache")
    return serve(LDVIZ_STUDIES=str(BUNDLED), LDVIZ_CACHE=str(cache))


def heads(page: Page) -> Locator:
    """What heads the columns."""
    return page.locator(".ldviz-study-head")


def expect_both(page: Page) -> None:
    """Two columns, headed by both studies, A left of B."""
    for index, title in enumerate(TITLES):
        expect(heads(page).nth(index)).to_contain_text(title)
    first, second = (heads(page).nth(index).bounding_box() for index in range(2))
    assert first["y"] == pytest.approx(second["y"], abs=2)
    assert first["x"] + first["width"] <= second["x"]
    expect(page.locator(".ldviz-pair").first).to_contain_text("A − B")


def axis_ticks(chart: Locator) -> list[tuple[str, float]]:
    """Text of each tick of the x axis, and where it stands from the chart's left edge."""
    return chart.evaluate(
        """chart => [...chart.querySelectorAll(".xaxislayer-above .xtick text")].map(tick => [
          tick.textContent,
          Math.round(tick.getBoundingClientRect().left - chart.getBoundingClientRect().left),
        ])"""
    )


def test_a_comparison_goes_from_page_to_page_into_the_link_and_away(
    page: Page, server: Server
) -> None:
    page.goto(server.url)
    loaded(page)
    alone = page.locator("[data-testid=stMain]").inner_text()
    expect(heads(page)).to_have_count(0)

    page.get_by_role("combobox", name="Compare with").click()
    page.get_by_role("option", name=TITLES[1]).click()
    expect(page.get_by_role("heading", name=" and ".join(TITLES))).to_be_visible()
    expect(page).to_have_url(re.compile("other=photos"))
    expect_both(page)

    page.get_by_role("link", name="Distortion").click()
    expect(page.get_by_role("heading", name="How they differ")).to_be_visible()
    loaded(page)
    expect_both(page)
    violins = page.locator(".js-plotly-plot")
    expect(violins).to_have_count(2)
    assert axis_ticks(violins.nth(0)) == axis_ticks(violins.nth(1))

    page.get_by_role("link", name="Attack", exact=True).click()
    expect(page.get_by_role("heading", name="Both studies under this mask")).to_be_visible()
    table = page.locator(".ldviz-pair")
    expect(table).to_contain_text("TPR@1%FPR")
    for title in TITLES:
        expect(table).to_contain_text(title)
    before = table.inner_text()
    page.locator(".lab").get_by_role("slider").first.press("End")
    expect(table).not_to_have_text(before)

    link = page.url
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator(".ldviz-pair")).to_contain_text("TPR@1%FPR")
    assert "other=photos" in link

    page.get_by_role("button", name="Swap").click()
    expect(page.locator(".ldviz-pair thead")).to_have_text(
        re.compile(f"A{TITLES[1]}.*B{TITLES[0]}", re.DOTALL)
    )
    page.get_by_role("button", name="Swap").click()
    page.get_by_role("button", name="Stop comparing").click()
    expect(page.locator(".ldviz-pair")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("other="))
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name=TITLES[0])).to_be_visible()
    loaded(page)
    assert page.locator("[data-testid=stMain]").inner_text() == alone


def test_on_a_phone_the_second_study_stands_below_the_first(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{server.url}/distortion?study=digits&other=photos")
    loaded(page)
    expect(heads(page)).to_have_count(6)
    first, second = (heads(page).nth(index).bounding_box() for index in range(2))
    assert second["y"] > first["y"] + 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
