"""How fast the dashboard feels: start, drag and toggle, measured in a real browser.

    python -m benchmarks.dashboard [--studies FOLDER] [--toggles 20] [--load-test 50000]

Prints: seconds from the server's process launch to the Overview drawn; distinct ROC paths per
second while the mask slider is dragged; milliseconds from a toggle's click to the new ROC and
numbers on screen (median), and how much of that a Streamlit page takes that computes nothing;
and whether the server has loaded torch.  A time in seconds means two otherwise idle cores.

``--load-test N`` measures drag and toggles again on all of a generated study of N samples of 256
dimensions: noise, made for its size and no result of any kind.
"""

from __future__ import annotations

import argparse
import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from tests.e2e.browser import ARGUMENTS, system_browser
from tests.pages.hand_made_study import write_hand_made_study

ROOT = Path(__file__).resolve().parents[1]
DRAG_SECONDS = 3.0
WATCH = """path => {
  window.paths = [];
  new MutationObserver(() => window.paths.push([performance.now(), path.getAttribute("d")]))
    .observe(path, { attributes: true, attributeFilter: ["d"] });
}"""
# From the key press to the frame in which Python's answer for the new mask is drawn.
TOGGLE = """lab => {
  const seen = () => lab.querySelector("path[data-curve=influence]").getAttribute("d");
  window.toggled = new Promise(resolve => lab.addEventListener("keydown", () => {
    const start = performance.now(), before = seen();
    const look = () => lab.dataset.settled === "true" && seen() !== before
      ? resolve(performance.now() - start) : requestAnimationFrame(look);
    requestAnimationFrame(look);
  }, { once: true, capture: true }));
}"""


# From the click to the answer of a page that computes nothing.
ECHO = """button => new Promise(resolve => {
  const output = button.parentElement.querySelector("output");
  const before = output.textContent, start = performance.now();
  const look = () => output.textContent !== before
    ? resolve(performance.now() - start) : requestAnimationFrame(look);
  button.click();
  requestAnimationFrame(look);
})"""


@contextmanager
def serving(studies: Path, app: str = "app.py") -> Iterator[tuple[str, int, float]]:
    """A fresh server: its address, process id and the moment of its launch."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as cache:
        launched = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", app, "--server.port", str(port)],
            cwd=ROOT,
            env=os.environ | {"LDVIZ_STUDIES": str(studies), "LDVIZ_CACHE": cache},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{port}", process.pid, launched
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def serving_load(num_samples: int) -> Iterator[str]:
    """The address of a server on a generated study: noise, made for its size."""
    with tempfile.TemporaryDirectory() as folder:
        write_hand_made_study(
            Path(folder) / "load-test",
            num_samples=num_samples,
            latent_shape=(4, 8, 8),
            title=f"Synthetic load test, {num_samples:,} samples of noise",
            one_ranking=False,
        )
        with serving(Path(folder)) as (url, _, _):
            yield url


def open_when_ready(page: Page, url: str) -> None:
    """Open a page as soon as the server answers."""
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                break
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    page.goto(url, wait_until="commit")


def settled_lab(page: Page, url: str) -> Locator:
    """The Attack page's lab with its whole sweep drawn."""
    page.goto(url)
    page.wait_for_selector(".lab[data-settled=true][data-whole=true]", timeout=300_000)
    return page.locator(".lab")


def drag_rate(page: Page, lab: Locator) -> float:
    """Distinct ROC paths per second during a drag of the mask slider."""
    lab.locator("path[data-curve=influence]").evaluate(WATCH)
    frame = lab.locator("#drop-fraction").bounding_box()
    y = frame["y"] + frame["height"] / 2
    page.mouse.move(frame["x"] + 0.42 * frame["width"], y)
    page.mouse.down()
    start = time.perf_counter()
    while (share := (time.perf_counter() - start) / DRAG_SECONDS) < 1.0:
        sweep = share * 4.0 % 2.0
        position = sweep if sweep < 1.0 else 2.0 - sweep
        page.mouse.move(frame["x"] + (0.02 + 0.96 * position) * frame["width"], y)
    moves = page.evaluate("window.paths")
    page.mouse.up()
    changed = 1 + sum(a[1] != b[1] for a, b in itertools.pairwise(moves))
    return changed / ((moves[-1][0] - moves[0][0]) / 1000.0)


def toggle_times(page: Page, lab: Locator, count: int, *, whole: bool = True) -> list[float]:
    """Milliseconds from key press to new ROC and numbers, for cells switched off in turn.

    Every mask is new, so nothing that was drawn before can be shown again.  With ``whole``,
    each toggle waits until the slider's sweep of the last one is there; without, the next
    comes while it is being computed, as from a user in a hurry.
    """
    calm = ".lab[data-settled=true]" + "[data-whole=true]" * whole
    cells = lab.get_by_role("gridcell")
    cells.nth(0).click()
    times = []
    for _ in range(count):
        page.wait_for_selector(calm)
        page.keyboard.press("ArrowRight")
        if len(times) % 7 == 6:
            page.keyboard.press("ArrowDown")
            for _ in range(7):
                page.keyboard.press("ArrowLeft")
        lab.evaluate(TOGGLE)
        page.keyboard.press("Space")
        times.append(page.evaluate("window.toggled"))
    return times


def echo_times(page: Page, url: str, count: int) -> list[float]:
    """Milliseconds from a click to the answer of a page that computes nothing."""
    open_when_ready(page, url)
    button = page.get_by_role("button", name="send")
    button.wait_for(timeout=60_000)
    times = []
    for _ in range(count):
        page.wait_for_selector("[data-test-script-state=notRunning]")
        times.append(button.evaluate(ECHO))
    return times


def print_toggles(times: list[float], own: float, limit: int) -> None:
    """The median, and Streamlit's part of it."""
    median = statistics.median(times)
    print(
        f"toggle to new ROC and numbers (median):  {median:.0f} ms of {len(times)}, at most "
        f"{max(times):.0f} (wanted: {limit}); Streamlit's own {own:.0f} ms, {own / median:.0%}"
    )


def measure_load(page: Page, num_samples: int, toggles: int, own: float) -> None:
    """Drag and toggles on a generated study of a given size."""
    with serving_load(num_samples) as url:
        open_when_ready(page, url)
        print(f"\nsynthetic load test, {num_samples:,} x 256 (noise, not a result):")
        start = time.perf_counter()
        lab = settled_lab(page, f"{url}/attack?samples=all")
        print(f"first visit to the whole sweep drawn:    {time.perf_counter() - start:.1f} s")
        print(f"distinct ROC paths while dragging:       {drag_rate(page, lab):.0f} / s")
        lab.get_by_role("button", name="Reset").click()
        page.wait_for_selector(".lab[data-settled=true]")
        print_toggles(toggle_times(page, lab, toggles, whole=False), own, 700)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=Path, default=ROOT / "assets" / "studies")
    parser.add_argument("--toggles", type=int, default=20)
    parser.add_argument("--load-test", type=int, default=0, metavar="N", help="such as 50000")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_browser(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        with serving(options.studies) as (url, pid, launched):
            open_when_ready(page, url)
            page.wait_for_selector("h1", timeout=60_000)
            print(
                f"server launch to the Overview's heading: {time.perf_counter() - launched:.2f} s"
            )
            page.wait_for_selector("[data-test-script-state=notRunning]", timeout=60_000)
            print(
                f"server launch to the Overview whole:     {time.perf_counter() - launched:.2f} s"
            )
            page.goto(f"{url}/distortion")
            page.wait_for_selector("[data-test-script-state=notRunning]", timeout=60_000)
            lab = settled_lab(page, f"{url}/attack")
            print(f"distinct ROC paths while dragging:       {drag_rate(page, lab):.0f} / s")
            lab.get_by_role("button", name="Reset").click()
            page.wait_for_selector(".lab[data-settled=true]")
            times = toggle_times(page, lab, options.toggles)
            maps = Path(f"/proc/{pid}/maps")
            on_linux = maps.exists()
            loaded = on_linux and "libtorch" in maps.read_text()
        with serving(options.studies, "benchmarks/echo_app.py") as (url, _, _):
            own = statistics.median(echo_times(page, url, options.toggles))
        print_toggles(times, own, 250)
        if on_linux:
            print(f"torch loaded by the server:              {'yes' if loaded else 'no'}")
        if options.load_test:
            measure_load(page, options.load_test, options.toggles, own)
        browser.close()


if __name__ == "__main__":
    main()
