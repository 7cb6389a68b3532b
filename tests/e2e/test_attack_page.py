"""The Attack page on the bundled digits: links, exports, toggles and choices, in a browser."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ldviz.attacks.masks import MaskSpec
from ldviz.study.places import BUNDLED
from ldviz.study.report import build_report
from ldviz.study.store import Study, open_study
from ldviz.ui.attack_lab import LabSource, lab_numbers
from ldviz.view import NamedMask, View
from tests.e2e.conftest import TIMEOUT_MS, Server

pytestmark = pytest.mark.browser

SPEC = MaskSpec(drop_fraction=0.6, ranking="global", band=(0.5, 0.9), dims_off=(3, 70))
SAVED = (
    NamedMask(name="Paper", mask=MaskSpec()),
    NamedMask(name="Half at random", mask=MaskSpec(kind="random", drop_fraction=0.5)),
    NamedMask(name="Upper band", mask=MaskSpec(kind="band", band=(0.5, 0.9))),
)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    cache = tmp_path_factory.mktemp("cache")
    return serve(LDVIZ_STUDIES=str(BUNDLED), LDVIZ_CACHE=str(cache))


@pytest.fixture(scope="module")
def digits() -> Study:
    return open_study(BUNDLED / "digits")


def settled(lab: Locator) -> None:
    expect(lab).to_have_attribute("data-settled", "true")
    expect(lab).to_have_attribute("data-whole", "true")


def with_intervals(lab: Locator) -> None:
    settled(lab)
    expect(lab.locator(".interval-note")).to_contain_text("95 % intervals")


def table(lab: Locator) -> list[str]:
    """Everything in the lab's table: numbers, differences, intervals."""
    with_intervals(lab)
    return lab.locator(".numbers td").all_inner_texts()


def opened(page: Page, server: Server, view: View) -> Locator:
    query = "&".join(f"{key}={quote(value)}" for key, value in view.to_query().items())
    page.goto(f"{server.url}/attack?{query}")
    lab = page.locator(".lab")
    settled(lab)
    return lab


def numbers_of(study: Study, mask: MaskSpec, kind: str, key: str):
    source = LabSource(
        study, "sima", study.default_timestep, study.stored_vectors("sima", study.default_timestep)
    )
    return lab_numbers(source, View(mask=mask)).metrics[kind][key]


def test_a_link_restores_masks_names_and_numbers_in_a_fresh_session(
    page: Page, browser: Browser, server: Server
) -> None:
    view = View(mask=SPEC, axes="log", saved=SAVED, compared=("Paper", "Upper band"))
    lab = opened(page, server, view)
    expect(lab.locator("path[data-curve=band]")).to_have_count(1)
    expect(lab.locator("[data-ranking=global]")).to_have_attribute("aria-pressed", "true")
    lab.get_by_role("button", name="Channel 2").click()
    page.wait_for_url(re.compile(r"~c2"))
    before = table(lab)
    differences = page.locator(".ldviz-table.named").last
    expect(differences).to_contain_text("Paper − Upper band")
    named = page.locator(".ldviz-table.named td").all_inner_texts()
    fresh = browser.new_context().new_page()
    fresh.set_default_timeout(TIMEOUT_MS)
    fresh.goto(page.url)
    assert table(fresh.locator(".lab")) == before
    assert fresh.locator(".ldviz-table.named td").all_inner_texts() == named
    assert fresh.locator(".roc-svg").get_attribute("data-axes") == "log"
    fresh.context.close()


def test_exports_hold_what_the_lab_shows_at_the_moment_of_saving(
    page: Page, server: Server, digits: Study
) -> None:
    lab = opened(page, server, View())
    lab.get_by_role("button", name="Channel 0").click()
    page.wait_for_url(re.compile("mask="))
    table(lab)
    shown = {
        kind: lab.locator(f"tr[data-row={kind}] td[data-metric=auc]").inner_text().split()
        for kind in ("none", "influence", "random", "highest")
    }
    saved = {}
    page.get_by_role("button", name="Export").click()
    for label in ("Lab (CSV)", "Lab (LaTeX)", "The whole view (JSON)"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label, exact=True).click()
        name = Path(download.value.suggested_filename).suffix
        saved[name] = Path(download.value.path()).read_text()
    mask = MaskSpec(channels_off=(0,))
    rows = [
        row
        for row in csv.DictReader(io.StringIO(saved[".csv"]))
        if row["metric"] == "auc" and not row["minus"]
    ]
    assert {row["mask"] for row in rows} == set(shown)
    for row in rows:
        number = numbers_of(digits, mask, row["mask"], "auc")
        assert float(row["value"]) == number.value
        assert (float(row["ci95_low"]), float(row["ci95_high"])) == number.ci95
        assert shown[row["mask"]][0] == f"{number.value:.3f}"
        low, high = number.ci95
        assert shown[row["mask"]][1] == f"{low:.3f}–{high:.3f}"
        assert f"{100 * number.value:.2f}" in saved[".tex"]
    view = json.loads(saved[".json"])
    assert view["link"]["mask"] == mask.to_text()
    assert view["study"]["n_member"] == digits.manifest.n_member
    assert view["study"]["n_held_out"] == digits.manifest.n_held_out
    assert view["versions"]["here"]["ldviz"]
    exported = [row for row in view["tables"]["Lab"] if row["metric"] == "auc"]
    assert [row["value"] for row in exported if not row["minus"]] == [
        float(row["value"]) for row in rows
    ]
    assert {row["seed"] for row in exported} == {0}


def test_page_command_and_notebook_agree_on_digits(
    page: Page, server: Server, digits: Study
) -> None:
    lab = opened(page, server, View())
    table(lab)
    timestep = digits.default_timestep
    report = build_report(digits, timesteps=[timestep])["attacks"]["sima"]
    metrics = {"auc": "auc", "asr": "asr", "tpr": "tpr_at_1pct_fpr"}
    for kind in ("none", "influence", "random"):
        for short, key in metrics.items():
            cell = lab.locator(f"tr[data-row={kind}] td[data-metric={short}]")
            value, (low, high) = report[kind][key][0], report[kind][f"{key}_ci95"][0]
            expect(cell.locator(".value")).to_have_text(f"{value:.3f}")
            expect(cell.locator(".ci").first).to_have_text(f"{low:.3f}–{high:.3f}")


def test_twenty_quick_toggles_leave_the_page_on_the_last_state(
    page: Page, server: Server, digits: Study
) -> None:
    lab = opened(page, server, View())
    for click in range(20):
        name = f"Channel {1 + click % 3}"
        lab.get_by_role("button", name=name).click(no_wait_after=True)
    # Seven clicks on channel 1 and 2, six on 3: the first two end switched off.
    settled(lab)
    mask = MaskSpec(channels_off=(1, 2))
    auc = lab.locator("tr[data-row=influence] td[data-metric=auc] .value")
    expect(auc).to_have_text(f"{numbers_of(digits, mask, 'influence', 'auc').value:.3f}")
    page.wait_for_url(re.compile(re.escape(mask.to_text())))
    expect(lab.get_by_role("button", name="Channel 3")).to_have_attribute("aria-pressed", "true")


def test_a_mask_is_saved_compared_and_forgotten_by_undo(page: Page, server: Server) -> None:
    lab = opened(page, server, View(mask=MaskSpec(channels_off=(0,))))
    page.get_by_label("Save the lab's mask as").fill("Without channel 0")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".ldviz-table.named").last).to_contain_text("Without channel 0 − No mask")
    page.wait_for_url(re.compile("saved=Without"))
    lab.get_by_role("button", name="Undo").click()
    expect(page.locator(".ldviz-table.named")).to_have_count(0)
    expect(lab.get_by_role("button", name="Channel 0")).to_have_attribute("aria-pressed", "false")


def test_a_violin_s_end_is_chosen_on_every_page(page: Page, server: Server, digits: Study) -> None:
    page.goto(f"{server.url}/distortion")
    page.get_by_role("button", name="Q4, highest").click()
    expect(page.get_by_text("samples chosen, on every page")).to_be_visible()
    page.get_by_role("link", name="Samples").click()
    quarter = digits.num_samples - 3 * (digits.num_samples // 4)
    chosen = page.get_by_text(re.compile(r"4\d\d chosen"))
    expect(chosen).to_be_visible()
    assert int(re.search(r"(\d+) chosen", chosen.inner_text())[1]) in (quarter - 1, quarter)
    expect(page.get_by_text("Look for a curve of the chosen samples")).to_be_visible()
