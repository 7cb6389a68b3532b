"""The mask lab in a real browser, on the made-up study of its demo page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from ldviz.attacks.masks import num_dropped
from ldviz.attacks.statistic import masked_statistics
from ldviz.metrics.roc import detection_counts, roc_auc
from tests.e2e.apps.mask_lab_study import made_up_study
from tests.e2e.conftest import ROOT, Server

pytestmark = pytest.mark.browser

DEMO = ROOT / "tests" / "e2e" / "apps" / "mask_lab_demo.py"
NUM_MEMBER, NUM_HELD_OUT = 899, 898
# Every `d` that a curve takes, until it is asked for.
WATCH_PATH = """path => {
  window.paths = [];
  const watch = () => window.paths.push(path.getAttribute("d"));
  new MutationObserver(watch).observe(path, { attributes: true, attributeFilter: ["d"] });
}"""
# How often a toggle button was clicked, whenever its state is drawn.
WATCH_PRESSED = """button => {
  let clicks = 0;
  window.drawn = [];
  button.addEventListener("click", () => (clicks += 1), { capture: true });
  const watch = () => window.drawn.push([clicks, button.getAttribute("aria-pressed")]);
  const pressed = { attributes: true, attributeFilter: ["aria-pressed"] };
  new MutationObserver(watch).observe(button, pressed);
}"""


@pytest.fixture(scope="module")
def demo_url(serve: Callable[..., Server]) -> str:
    return f"{serve(app=DEMO).url}/"


def opened(page: Page, url: str, *, whole: bool = True) -> Locator:
    """The lab, once its first (or whole) sweep is drawn."""
    page.goto(url)
    lab = page.locator(".lab")
    settled(lab, whole=whole)
    return lab


def settled(lab: Locator, *, whole: bool = False) -> None:
    expect(lab).to_have_attribute("data-settled", "true")
    if whole:
        expect(lab).to_have_attribute("data-whole", "true")


def drag_slider(page: Page, lab: Locator, fractions: np.ndarray, *, release: bool = True) -> None:
    """Press the thumb at the first fraction and move through the others."""
    frame = lab.locator("#drop-fraction").bounding_box()
    thumb = 22

    def to(fraction: float) -> tuple[float, float]:
        x = frame["x"] + thumb / 2 + fraction / 0.95 * (frame["width"] - thumb)
        return x, frame["y"] + frame["height"] / 2

    page.mouse.move(*to(fractions[0]))
    page.mouse.down()
    for fraction in fractions[1:]:
        page.mouse.move(*to(fraction))
        page.evaluate("new Promise(requestAnimationFrame)")
    if release:
        page.mouse.up()


def table_text(lab: Locator) -> list[str]:
    """What the table says, intervals (which come later) left out."""
    return lab.locator(".numbers .value, .numbers .change").all_inner_texts()


def drawn_counts(lab: Locator, kind: str) -> np.ndarray:
    """The staircase read back from the pixels of a curve on linear axes."""
    svg = lab.locator(".roc-svg")
    left, top, right, bottom = map(float, svg.get_attribute("data-box").split())
    path = lab.locator(f"path[data-curve={kind}]").get_attribute("d")
    start = re.match(r"M([\d.]+) ([\d.]+)", path)
    x, y = float(start[1]), float(start[2])
    counts = np.zeros(NUM_HELD_OUT + 1)
    for command, number in re.findall(r"([HV])([\d.]+)", path):
        if command == "H":
            x = float(number)
        else:
            y = float(number)
        found = (bottom - y) / (bottom - top) * NUM_MEMBER
        accused = round((x - left) / (right - left) * NUM_HELD_OUT)
        counts[accused:] = found
    return counts


def library_counts(kind: str, fraction: float, on: np.ndarray) -> np.ndarray:
    study = made_up_study(NUM_MEMBER, NUM_HELD_OUT)
    dropped = num_dropped(fraction, int(on.sum()))
    statistics = masked_statistics(study.values, study.orders[kind], on, dropped)
    return np.append(detection_counts(study.is_member, -statistics), NUM_MEMBER)


def test_curves_move_while_the_slider_is_dragged(page, demo_url):
    lab = opened(page, demo_url)
    curve = lab.locator("path[data-curve=influence]")
    curve.evaluate(WATCH_PATH)
    before = table_text(lab)
    drag_slider(page, lab, np.linspace(0.4, 0.77, 38), release=False)
    expect(lab.locator(".drop-value")).to_have_text("0.77")
    # One new curve for nearly every hundredth; a slow machine may merge a few into one frame.
    assert len(set(page.evaluate("window.paths"))) >= 20
    assert lab.get_attribute("data-settled") == "false", "the button is still down"
    assert table_text(lab) != before
    page.mouse.up()
    settled(lab)
    on = np.ones(256, dtype=bool)
    for kind in ("influence", "highest"):
        expected = library_counts(kind, 0.77, on)
        # A pixel coordinate is rounded to 0.01, that is to 0.02 of a member here.
        np.testing.assert_allclose(drawn_counts(lab, kind), expected, atol=0.05)
    expect(page.get_by_text('"drop_fraction":0.77')).to_be_visible()


def test_undo_of_a_channel_restores_every_number_and_curve(page, demo_url):
    lab = opened(page, demo_url)
    before = table_text(lab)
    paths = lab.locator("path[data-curve]")
    drawn = paths.evaluate_all("all => all.map(path => path.getAttribute('d'))")
    button = lab.get_by_role("button", name="Channel 1")
    button.click()
    settled(lab)
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(lab.locator(".drop-count")).to_contain_text("of 192 latent dimensions")
    after = table_text(lab)
    assert after != before
    assert after[0] == before[0], "no mask is no mask, whatever is switched off"
    lab.get_by_role("button", name="Undo").click()
    settled(lab)
    assert table_text(lab) == before
    assert paths.evaluate_all("all => all.map(path => path.getAttribute('d'))") == drawn
    page.keyboard.press("Control+Shift+Z")
    settled(lab)
    assert table_text(lab) == after
    expect(button).to_have_attribute("aria-pressed", "false")


def test_twenty_quick_toggles_end_on_the_last_state(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    button = lab.get_by_role("button", name="Channel 2")
    button.evaluate(WATCH_PRESSED)
    for _ in range(9):
        button.click(no_wait_after=True)
    lab.get_by_role("button", name="Channel 0").click()
    for _ in range(10):
        button.click(no_wait_after=True)
    settled(lab)
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_text('"channels_off":[0,2]')).to_be_visible()
    drawn = page.evaluate("window.drawn")
    stale = [(clicks, on) for clicks, on in drawn if (on == "true") != (clicks % 2 == 0)]
    assert drawn
    assert stale == [], "an answer to an earlier toggle turned a later one back"
    on = np.repeat([False, True, False, True], 64)
    study = made_up_study(NUM_MEMBER, NUM_HELD_OUT)
    statistics = masked_statistics(study.values, study.orders["influence"], on, 51)
    auc = lab.locator("tr[data-row=influence] td[data-metric=auc] .value")
    expect(auc).to_have_text(f"{roc_auc(study.is_member, -statistics):.3f}")
    for _ in range(20):
        page.keyboard.press("Control+z")
    settled(lab)
    expect(page.get_by_text('"channels_off":[]')).to_be_visible()
    expect(lab.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_box_over_cells_and_the_keyboard_switch_them(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    cells = lab.get_by_role("gridcell")
    expect(cells).to_have_count(64)
    first, last = cells.nth(9).bounding_box(), cells.nth(27).bounding_box()
    page.mouse.move(first["x"] + first["width"] / 2, first["y"] + first["height"] / 2)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + last["height"] / 2, steps=3)
    page.mouse.up()
    settled(lab)
    expect(page.get_by_text('"cells_off":[9,10,11,17,18,19,25,26,27]')).to_be_visible()
    expect(lab.locator(".on-count")).to_have_text("220 of 256 on")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Space")
    settled(lab)
    expect(page.get_by_text('"cells_off":[9,10,11,17,18,19,25,26,27,28,36]')).to_be_visible()
    expect(cells.nth(36)).to_have_attribute("aria-selected", "false")


def test_a_lasso_in_one_channel_switches_single_dimensions(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    lab.get_by_role("button", name="Lasso").click()
    lab.get_by_label("Channels that cells are switched in").select_option("channel 2")
    cell = lab.get_by_role("gridcell").first.bounding_box()

    def to(column: float, row: float) -> tuple[float, float]:
        return cell["x"] + column * cell["width"], cell["y"] + row * cell["height"]

    page.mouse.move(*to(1.0, 1.2))
    page.mouse.down()
    for corner in ((5.9, 1.2), (5.9, 5.2), (1.0, 1.2)):
        page.mouse.move(*to(*corner), steps=12)
    page.mouse.up()
    settled(lab)
    # The cells whose centres the triangle encloses, in channel 2 alone.
    inside = (9, 10, 11, 12, 13, 19, 20, 21, 28, 29, 37)
    dims = str([128 + enclosed for enclosed in inside]).replace(" ", "")
    expect(page.get_by_text(f'"dims_off":{dims}')).to_be_visible()
    expect(lab.locator(".on-count")).to_have_text("245 of 256 on")
    lab.get_by_label("Channels that cells are switched in").select_option("all channels")
    expect(lab.get_by_role("gridcell").nth(10)).to_have_attribute(
        "aria-label", re.compile("partly on")
    )
    lab.get_by_role("button", name="Undo").click()
    settled(lab)
    expect(page.get_by_text('"dims_off":[]')).to_be_visible()


def test_a_band_of_ranks_gets_its_curve_and_loses_it_again(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    expect(lab.locator("path[data-curve=band]")).to_have_count(0)
    lab.get_by_label("Also drop a band of ranks").check()
    expect(lab.locator("path[data-curve=band]")).to_have_count(1)
    lab.get_by_label(re.compile("^Band to")).fill("70")
    page.keyboard.press("Tab")
    expect(page.get_by_text('"band":[0.2,0.7]')).to_be_visible()
    settled(lab)
    study = made_up_study(NUM_MEMBER, NUM_HELD_OUT)
    on = np.ones(256, dtype=bool)
    statistics = masked_statistics(study.values, study.orders["influence"], on, 128, start=51)
    auc = lab.locator("tr[data-row=band] td[data-metric=auc] .value")
    expect(auc).to_have_text(f"{roc_auc(study.is_member, -statistics):.3f}")
    lab.get_by_label(re.compile("^Band from")).fill("90")
    page.keyboard.press("Tab")
    expect(lab.locator(".status")).to_contain_text("from a lower to a higher share")
    expect(page.get_by_text('"band":[0.2,0.7]')).to_be_visible()
    lab.get_by_role("button", name="Reset").click()
    expect(lab.locator("path[data-curve=band]")).to_have_count(0)
    expect(page.get_by_text('"band":null')).to_be_visible()


def test_the_lower_maps_preview_the_mask_of_one_image(page, demo_url):
    lab = opened(page, demo_url)
    choice = lab.get_by_label("What the lower maps show")
    choice.select_option("influence")
    order = made_up_study(NUM_MEMBER, NUM_HELD_OUT).orders["influence"][0]
    for fraction, keys in ((0.4, 0), (0.45, 5)):
        lab.get_by_role("slider").focus()
        for _ in range(keys):
            page.keyboard.press("ArrowRight")
        expect(page.get_by_text(f'"drop_fraction":{fraction},')).to_be_visible()
        settled(lab)
        kept = np.ones(256)
        kept[order[: num_dropped(fraction, 256)]] = 0
        percent = np.floor(100 * kept.reshape(4, 64).mean(axis=1) + 0.5)
        shares = [f"{share:.0f} % kept" for share in percent]
        expect(lab.locator(".kept-mean")).to_have_text(shares)


def test_one_ranking_for_all_is_a_step_that_can_be_undone(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    lab.get_by_role("button", name="One ranking for all").click()
    expect(page.get_by_text('"ranking":"global"')).to_be_visible()
    lab.get_by_role("button", name="Undo").click()
    expect(page.get_by_text('"ranking":"sample"')).to_be_visible()
    expect(lab.get_by_role("button", name="Rank per image")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_the_last_dimension_cannot_be_switched_off(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    for channel in range(4):
        lab.get_by_role("button", name=f"Channel {channel}").click()
    expect(lab.locator(".status")).to_contain_text("At least one latent dimension")
    settled(lab)
    expect(page.get_by_text('"channels_off":[0,1,2]')).to_be_visible()


def test_arrow_keys_on_the_slider_are_one_step_back(page, demo_url):
    lab = opened(page, demo_url)
    slider = lab.get_by_role("slider")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^0.45: 115 of 256"))
    expect(page.get_by_text('"drop_fraction":0.45')).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.get_by_text('"drop_fraction":0.4,')).to_be_visible()
    expect(lab.get_by_role("button", name="Undo")).to_be_disabled()


def test_intervals_follow_for_exactly_the_mask_shown(page, demo_url):
    lab = opened(page, demo_url)
    interval = lab.locator("tr[data-row=influence] td[data-metric=auc] .ci").first
    expect(interval).to_have_text(re.compile(r"^0\.\d{3}–0\.\d{3}$"))
    drag_slider(page, lab, np.array([0.4, 0.5, 0.6]), release=False)
    expect(interval).to_have_text("")
    expect(lab.locator(".interval-note")).to_have_text("95 % interval updating…")
    page.mouse.up()
    expect(interval).to_have_text(re.compile(r"^0\.\d{3}–0\.\d{3}$"))


def test_a_change_from_outside_is_shown_and_can_be_undone_here(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    page.get_by_role("button", name="Drop 0.7 from outside").click()
    expect(lab.locator(".drop-value")).to_have_text("0.70")
    lab.get_by_role("button", name="Undo").click()
    expect(lab.locator(".drop-value")).to_have_text("0.40")
    settled(lab)
    expect(page.get_by_text('"drop_fraction":0.4,')).to_be_visible()


def test_axes_and_crosshair(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    expect(lab.get_by_text("True-positive rate (members found)")).to_be_visible()
    lab.get_by_role("button", name="Log–log").click()
    settled(lab)
    expect(page.get_by_text('"axes":"log"')).to_be_visible()
    expect(lab.locator(".roc-svg")).to_have_attribute("data-axes", "log")
    lab.locator(".plot").focus()
    page.keyboard.press("ArrowRight")
    expect(lab.locator(".readout")).to_contain_text(re.compile(r"FPR 0\.01\d\d\d* of 898"))
    lab.locator(".plot").hover()
    expect(lab.locator(".readout")).to_contain_text("of 899")


def test_few_held_out_images_are_said_to_be_few(page, demo_url):
    lab = opened(page, f"{demo_url}?members=40&held_out=3", whole=False)
    tpr = lab.locator("td[data-metric=tpr] .value")
    expect(tpr).to_have_text(["not available"] * 4)
    expect(lab.locator("circle[data-dot=influence]")).to_be_hidden()
    expect(lab.locator(".foot")).to_contain_text("40 members, 3 held-out")


def test_one_class_shows_the_reason_and_no_number(page, demo_url):
    page.goto(f"{demo_url}?held_out=0")
    lab = page.locator(".lab")
    expect(lab.locator(".message")).to_contain_text("A ROC needs members and held-out images")
    expect(lab.locator(".numbers")).to_be_hidden()
    expect(lab.locator("path[data-curve]")).to_have_count(0)


def test_exports_hold_what_is_drawn(page, demo_url):
    lab = opened(page, demo_url, whole=False)
    contents = {}
    for name in ("PNG", "SVG", "Curves as CSV"):
        with page.expect_download() as download:
            lab.get_by_role("button", name=name).click()
        contents[download.value.suggested_filename] = Path(download.value.path()).read_bytes()
    assert set(contents) == {f"demo-sima-t100-roc-drop-0.40.{end}" for end in ("png", "svg", "csv")}
    rows = list(csv.DictReader(io.StringIO(contents["demo-sima-t100-roc-drop-0.40.csv"].decode())))
    influence = [int(row["true_positives"]) for row in rows if row["curve"] == "influence"]
    np.testing.assert_array_equal(
        influence, library_counts("influence", 0.4, np.ones(256, dtype=bool))
    )
    assert contents["demo-sima-t100-roc-drop-0.40.png"].startswith(b"\x89PNG")
    svg = contents["demo-sima-t100-roc-drop-0.40.svg"].decode()
    assert "False-positive rate (held-out accused)" in svg
    assert "var(--" not in svg.split("<rect", 1)[1], "colours must not depend on the page"


def test_nothing_overflows_a_phone(page, demo_url):
    page.set_viewport_size({"width": 375, "height": 800})
    lab = opened(page, demo_url, whole=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    edges = lab.evaluate(
        "lab => [...lab.querySelectorAll('*')].filter(e => !e.closest('.visually-hidden'))"
        ".map(e => e.getBoundingClientRect().right)"
    )
    assert max(edges) <= 375
