"""The Findings page on the bundled studies and one more, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ldviz.study.findings_set import Findings, build_findings
from ldviz.study.findings_words import digits_text, number_text
from ldviz.study.places import BUNDLED
from ldviz.study.store import open_studies
from tests.e2e.conftest import Server
from tests.pages.hand_made_study import write_hand_made_study

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The bundled studies, and one written by hand beside them."""
    own = tmp_path_factory.mktemp("studies")
    write_hand_made_study(own / "hand")
    return [BUNDLED, own]


@pytest.fixture(scope="module")
def server(
    serve: Callable[..., Server], folders: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Server:
    cache = tmp_path_factory.mktemp("cache")
    app = Path(__file__).parent / "apps" / "findings_page.py"
    return serve(app=app, LDVIZ_STUDIES=os.pathsep.join(map(str, folders)), LDVIZ_CACHE=str(cache))


@pytest.fixture(scope="module")
def findings(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Findings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LDVIZ_CACHE", str(tmp_path_factory.mktemp("own-cache")))
        return build_findings(*open_studies(folders))


def opened(page: Page, server: Server, part: str) -> None:
    """The page with one part looked at closer, drawn to its end."""
    page.goto(server.url)
    page.get_by_role("radio", name=part).click()
    settled(page)


def settled(page: Page) -> None:
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_the_table_shows_what_the_command_prints(
    page: Page, server: Server, findings: Findings
) -> None:
    opened(page, server, "Quarters")
    table = page.get_by_role("region", name="Answers")
    for one in findings.studies.values():
        row = table.get_by_role("row").filter(has_text=one.title).first
        found = one.attacks[one.default_attack]
        for numbers in found.differences.values():
            number = numbers["auc"][found.best]
            expect(row).to_contain_text(
                digits_text(number.value, signed=True, digits=number.decimals())
            )
        expect(row).not_to_contain_text("not available")
    assert not server.has_loaded("libtorch")


def test_the_cutoff_moves_the_scatter_while_it_is_dragged(
    page: Page, server: Server, findings: Findings
) -> None:
    opened(page, server, "Frequency")
    first = next(iter(findings.studies.values())).frequency
    title = page.locator(".annotation-text", has_text="High frequencies")
    start = first.cutoffs.index(0.25)
    expect(title).to_contain_text(number_text(first.high[start], signed=True))
    grip = page.locator(".slider-grip-rect")
    grip.scroll_into_view_if_needed()
    box = grip.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    seen = set()
    for step in range(1, 13):
        page.mouse.move(middle[0] + 25 * step, middle[1])
        seen.add(title.text_content())
    assert len(seen) > 5, seen
    state = page.locator("[data-testid=stApp]")
    expect(state).to_have_attribute("data-test-script-state", "notRunning")
    page.mouse.up()


def test_choosing_an_image_goes_to_its_study(
    page: Page, server: Server, findings: Findings
) -> None:
    opened(page, server, "Galleries")
    picker = page.locator("[data-testid=stSidebar]").get_by_role("combobox", name="Study")
    expect(picker).to_have_value(findings.studies["digits"].title)
    title = findings.studies["hand"].title
    page.locator(".st-key-findings-gallery-hand .item").first.click()
    expect(picker).to_have_value(title)
    settled(page)
