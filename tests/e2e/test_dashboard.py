"""The whole dashboard on the bundled digits, in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.roc import detection_counts, roc_auc
from ldviz.study.places import BUNDLED
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study, open_study
from tests.e2e.conftest import TIMEOUT_MS, Server

pytestmark = pytest.mark.browser

WATCH_PATH = """path => {
  window.paths = [];
  const watch = () => window.paths.push(path.getAttribute("d"));
  new MutationObserver(watch).observe(path, { attributes: true, attributeFilter: ["d"] });
}"""
LIBRARY = "performance.getEntriesByType('resource').filter(one => /PlotlyChart/.test(one.name))"
PAGES = {
    "": "Handwritten digits",
    "distortion": "Distortion",
    "embedding": "Latent map",
    "latent_grid": "Latent grid",
    "attack": "Attack",
    "timesteps": "Timesteps & masks",
    "samples": "Samples",
    "inspect_image": "Inspect an image",
    "compare_attacks": "Attacks compared",
    "findings": "Findings",
    "add_study": "Add a study",
}


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    cache = tmp_path_factory.mktemp("cache")
    return serve(LDVIZ_STUDIES=str(BUNDLED), LDVIZ_CACHE=str(cache))


@pytest.fixture(scope="module")
def digits() -> Study:
    return open_study(BUNDLED / "digits")


def loaded(page: Page) -> None:
    """The script has run to its end."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)


def open_lab(page: Page, url: str) -> Locator:
    """The Attack page's lab with its whole sweep drawn."""
    page.goto(url)
    lab = page.locator(".lab")
    settled(lab)
    return lab


def settled(lab: Locator) -> None:
    expect(lab).to_have_attribute("data-settled", "true")
    expect(lab).to_have_attribute("data-whole", "true")


def numbers(lab: Locator) -> list[str]:
    return lab.locator(".numbers .value, .numbers .change").all_inner_texts()


def library_auc(study: Study, spec: MaskSpec) -> float:
    values = score_values(study.stored_vectors("sima", study.default_timestep), "sima")
    return float(roc_auc(study.is_member, membership_scores(study, values, spec)))


def test_charts_find_their_library_loaded(page: Page, server: Server):
    page.goto(server.url)
    loaded(page)
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    page.wait_for_function(f"{LIBRARY}.length === 1")
    page.get_by_role("link", name="Distortion").click()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    assert page.evaluate(f"{LIBRARY}.length") == 1  # and not a second time


@pytest.mark.parametrize("path", PAGES)
def test_pages_open_without_an_error(page: Page, server: Server, path: str) -> None:
    page.goto(f"{server.url}/{path}")
    expect(page.get_by_role("heading", name=PAGES[path]).first).to_be_visible()
    loaded(page)
    expect(page.locator("[data-testid=stException], [data-testid=stAlert]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_as_dark_as_the_system(browser, server: Server, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(server.url)
    loaded(page)
    colour = page.locator("[data-testid=stApp]").evaluate(
        "app => getComputedStyle(app).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)"
    )
    page.close()
    assert max(colour) < 64 if scheme == "dark" else min(colour) > 240


def test_looking_at_a_stored_study_loads_no_torch(
    page: Page, serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(LDVIZ_STUDIES=str(BUNDLED), LDVIZ_CACHE=str(tmp_path))
    for path in ("", "distortion"):
        page.goto(f"{server.url}/{path}")
        expect(page.get_by_role("heading", name=PAGES[path]).first).to_be_visible()
        loaded(page)
    open_lab(page, f"{server.url}/attack")
    assert server.has_loaded("numpy")
    assert not server.has_loaded("libtorch")


def test_the_roc_follows_the_mouse_and_ends_where_the_library_does(
    page: Page, server: Server, digits: Study
) -> None:
    lab = open_lab(page, f"{server.url}/attack")
    lab.locator("path[data-curve=influence]").evaluate(WATCH_PATH)
    frame = lab.locator("#drop-fraction").bounding_box()
    thumb = 22

    def to(fraction: float) -> tuple[float, float]:
        x = frame["x"] + thumb / 2 + fraction / 0.95 * (frame["width"] - thumb)
        return x, frame["y"] + frame["height"] / 2

    page.mouse.move(*to(0.4))
    page.mouse.down()
    for fraction in np.linspace(0.4, 0.8, 41):
        page.mouse.move(*to(float(fraction)))
    expect(lab.locator(".drop-value")).to_have_text("0.80")
    page.wait_for_function("new Set(window.paths).size >= 15")
    assert lab.get_attribute("data-settled") == "false", "the button is still down"
    page.mouse.up()
    settled(lab)
    spec = MaskSpec(drop_fraction=0.8)
    auc = lab.locator("tr[data-row=influence] td[data-metric=auc] .value")
    expect(auc).to_have_text(f"{library_auc(digits, spec):.3f}")
    values = score_values(digits.stored_vectors("sima", digits.default_timestep), "sima")
    expected = detection_counts(digits.is_member, membership_scores(digits, values, spec))
    np.testing.assert_allclose(drawn_counts(lab, digits), expected, atol=0.05)
    page.wait_for_url(re.compile("mask="))


def drawn_counts(lab: Locator, study: Study) -> np.ndarray:
    """Members found at each number of accused held-out images, read off the drawn curve."""
    members, held_out = study.manifest.n_member, study.manifest.n_held_out
    box = lab.locator(".roc-svg").get_attribute("data-box")
    left, top, right, bottom = map(float, box.split())
    path = lab.locator("path[data-curve=influence]").get_attribute("d")
    start = re.match(r"M([\d.]+) ([\d.]+)", path)
    y = float(start[2])
    counts = np.full(held_out, (bottom - y) / (bottom - top) * members)
    accused = 0
    for command, number in re.findall(r"([HV])([\d.]+)", path):
        if command == "H":
            accused = round((float(number) - left) / (right - left) * held_out)
        else:
            y = float(number)
        counts[accused:] = (bottom - y) / (bottom - top) * members
    return counts


def test_a_toggle_changes_the_auc_and_undo_restores_every_number(
    page: Page, server: Server, digits: Study
) -> None:
    lab = open_lab(page, f"{server.url}/attack")
    before = numbers(lab)
    auc = lab.locator("tr[data-row=influence] td[data-metric=auc] .value")
    expect(auc).to_have_text(f"{library_auc(digits, MaskSpec()):.3f}")
    lab.get_by_role("button", name="Channel 1").click()
    settled(lab)
    assert numbers(lab) != before
    expect(auc).to_have_text(f"{library_auc(digits, MaskSpec(channels_off=(1,))):.3f}")
    lab.get_by_role("button", name="Undo").click()
    settled(lab)
    assert numbers(lab) == before


def test_a_link_restores_the_numbers_in_a_fresh_session(
    page: Page, server: Server, digits: Study
) -> None:
    spec = MaskSpec(drop_fraction=0.6, channels_off=(0,), cells_off=(0, 7))
    lab = open_lab(page, f"{server.url}/attack?mask={spec.to_text()}&axes=log")
    expect(lab.locator(".drop-value")).to_have_text("0.60")
    expect(lab.locator(".roc-svg")).to_have_attribute("data-axes", "log")
    auc = lab.locator("tr[data-row=influence] td[data-metric=auc] .value")
    expect(auc).to_have_text(f"{library_auc(digits, spec):.3f}")


def test_a_timestep_that_is_not_stored_is_computed_in_the_background(
    page: Page, server: Server, digits: Study
) -> None:
    assert 10 not in digits.stored_timesteps("sima")
    page.goto(f"{server.url}/attack?timestep=10")
    expect(page.get_by_text("Computing SimA at timestep 10")).to_be_visible()
    settled(page.locator(".lab"))
    expect(page.locator(".roc-heading")).to_contain_text("timestep 10")
    expect(page.get_by_text("Computing SimA")).to_have_count(0)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("study=atlantis", 'There is no study "atlantis"'),
        ("attack=oracle", 'There is no attack "oracle"'),
        ("timestep=4000", "must be a whole number in 0..999, got 4000"),
        ("mask=zzz", "cannot be used"),
    ],
)
def test_a_bad_link_gets_a_message_in_place_of_a_number(
    page: Page, server: Server, query: str, message: str
) -> None:
    page.goto(f"{server.url}/attack?{query}")
    expect(page.get_by_text(message).first).to_be_visible()
    loaded(page)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_a_bad_study_is_named_and_harms_no_other(
    page: Page, serve: Callable[..., Server], tmp_path: Path
) -> None:
    studies = tmp_path / "studies"
    shutil.copytree(BUNDLED / "digits", studies / "digits")
    (studies / "foreign").mkdir()
    (studies / "foreign" / "manifest.json").write_text("not a manifest")
    server = serve(LDVIZ_STUDIES=str(studies), LDVIZ_CACHE=str(tmp_path / "cache"))
    for path in PAGES:
        page.goto(f"{server.url}/{path}")
        expect(page.get_by_role("heading", name=PAGES[path]).first).to_be_visible()
        loaded(page)
        expect(page.get_by_text("1 study cannot be opened")).to_have_count(1)
        expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_two_sessions_do_not_disturb_each_other(
    page: Page, browser, server: Server, digits: Study
) -> None:
    lab = open_lab(page, f"{server.url}/attack")
    before = numbers(lab)
    other = browser.new_page()
    other.set_default_timeout(TIMEOUT_MS)
    other_lab = open_lab(other, f"{server.url}/attack")
    other_lab.get_by_role("button", name="Channel 2").click()
    settled(other_lab)
    assert numbers(other_lab) != before
    other.close()
    lab.get_by_role("button", name="Log–log").click()
    settled(lab)
    assert numbers(lab) == before
