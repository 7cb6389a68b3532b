"""What every page sends to the browser, and how fast another image is drawn.

    python -m benchmarks.pages [--studies FOLDER] [--study NAME]
    python -m benchmarks.pages --load-test 100000

Prints, for every page and every view of the Latent grid: bytes received over the websocket and
as media, Streamlit's own assets not counted; then milliseconds from the click on "Lower" or
"Higher" to the other image's grid on screen, for images seen before and for new ones (median).
With ``--load-test N`` instead, for a generated study of N samples of 256 dimensions (noise, no
result of any kind): seconds until the page is drawn with all its figures, from a click on its name
in the sidebar, on a first and on a second visit, and from its address, where the dashboard itself
is loaded anew.
A time in seconds means two otherwise idle cores.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.dashboard import ROOT, open_when_ready, serving, serving_load
from tests.e2e.browser import ARGUMENTS, system_browser

LIMIT = 2_000_000
VIEWPORT = {"width": 1400, "height": 1100}
PAGES = (
    "",
    "distortion",
    "embedding",
    "attack",
    "timesteps",
    "samples",
    "compare_attacks",
    "findings",
)
VIEWS = ("Grid", "Indicatrices", "Travel", "Two images", "Spectrum", "Where cells act")
MEDIA = ("/media/", "/component/", "/_stcore/bidi-components/")
# From the click to the frame in which all planes show the other image's pictures.
STEP = """button => {
  const seen = () => [...document.querySelectorAll(".js-plotly-plot image")]
    .map(one => one.getAttribute("href"));
  window.stepped = new Promise(resolve => button.addEventListener("click", () => {
    const start = performance.now(), before = seen();
    const look = () => {
      const now = seen();
      const drawn = now.length === before.length && now.every((one, i) => one !== before[i]);
      return drawn ? resolve(performance.now() - start) : requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, { once: true, capture: true }));
}"""

# The script has run to its end, nothing is still to come, and every figure stands there.
DRAWN = """() => {
  const all = (selector, drawn) => [...document.querySelectorAll(selector)].every(drawn);
  return document.querySelector("h1")
    && document.querySelector("[data-test-script-state=notRunning]")
    && all("[data-testid=stSkeleton], [data-testid=stSpinner]", () => false)
    && all("[data-testid=stProgress]", () => false)
    && all("[data-testid=stPlotlyChart]", one => one.querySelector(".cartesianlayer path"));
}"""

OTHER_TITLE = """before => {
  const title = document.querySelector("h1");
  return title && title.innerText !== before;
}"""


class Received:
    """Counts what a page receives; start again with :meth:`reset`."""

    def __init__(self, page: Page) -> None:
        self.total = 0
        page.on("websocket", lambda socket: socket.on("framereceived", self._frame))
        page.on("response", self._response)

    def reset(self) -> None:
        self.total = 0

    def _frame(self, payload: str | bytes) -> None:
        self.total += len(payload if isinstance(payload, bytes) else payload.encode())

    def _response(self, response) -> None:
        if any(part in response.url for part in MEDIA) and response.ok:
            self.total += int(response.headers.get("content-length", 0))


def settle(page: Page) -> None:
    """Until the script has run to its end and nothing spins."""
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=300_000)
    page.wait_for_selector("[data-testid=stSpinner]", state="detached", timeout=300_000)
    page.wait_for_timeout(1500)
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=300_000)


def step_times(page: Page, presses: str) -> list[float]:
    """Milliseconds for each press of "Lower" (l) or "Higher" (h)."""
    times = []
    for press in presses:
        button = page.get_by_role("button", name="Lower" if press == "l" else "Higher")
        button.evaluate(STEP)
        button.click()
        times.append(page.evaluate("window.stepped"))
        settle(page)
    return times


def drawn(page: Page, name: str) -> None:
    """Until the page stands there with all its figures."""
    page.wait_for_function(DRAWN, timeout=300_000)
    if name == "attack":
        page.wait_for_selector(".lab[data-settled=true]")


def opened_by_address(page: Page, url: str) -> dict[str, float]:
    """Seconds from a page's address to all that it draws; the dashboard is loaded anew."""
    times = {}
    for name in PAGES:
        page.goto("about:blank")
        start = time.perf_counter()
        page.goto(f"{url}/{name}", wait_until="commit")
        drawn(page, name)
        times[name] = time.perf_counter() - start
        settle(page)
    return times


def opened_by_click(page: Page) -> dict[str, float]:
    """Seconds from a click on a page's name in the sidebar to all that it draws."""
    times = {}
    links = page.locator("[data-testid=stSidebarNavLink]")
    names = links.evaluate_all("all => all.map(one => new URL(one.href).pathname.slice(1))")
    # The first is the page that is open already, so it comes last.
    for name in (*PAGES[1:], PAGES[0]):
        title = page.locator("h1").first.inner_text()
        start = time.perf_counter()
        links.nth(names.index(name)).click()
        page.wait_for_function(OTHER_TITLE, arg=title, timeout=300_000)
        drawn(page, name)
        times[name] = time.perf_counter() - start
        settle(page)
    return times


def measure_load(num_samples: int, page: Page) -> None:
    """How fast the pages of a large study open."""
    with serving_load(num_samples) as url:
        open_when_ready(page, url)
        settle(page)
        first, second = opened_by_click(page), opened_by_click(page)
        address = opened_by_address(page, url)
    print(f"synthetic load test, {num_samples:,} x 256 (noise, not a result):")
    for name in PAGES:
        print(
            f"{name or 'overview':20}by a click {first[name]:.2f} s, then {second[name]:.2f} s; "
            f"by its address {address[name]:.2f} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=Path, default=ROOT / "assets" / "studies")
    parser.add_argument("--study", default="digits")
    parser.add_argument("--load-test", type=int, default=0, metavar="N", help="such as 100000")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_browser(), args=ARGUMENTS)
        if options.load_test:
            measure_load(options.load_test, browser.new_page(viewport=VIEWPORT))
            return
        with serving(options.studies) as (url, _, _):
            page = browser.new_page(viewport=VIEWPORT)
            received = Received(page)

            def line(name: str) -> None:
                verdict = "" if received.total <= LIMIT else "  more than 2 MB"
                print(f"{name:32}{received.total / 1e6:8.2f} MB{verdict}", flush=True)

            open_when_ready(page, url)
            settle(page)
            for name in PAGES:
                received.reset()
                page.goto(f"{url}/{name}?study={options.study}")
                settle(page)
                line(name or "overview")
            for view in VIEWS:
                page.goto("about:blank")
                received.reset()
                page.goto(f"{url}/latent_grid?study={options.study}")
                page.get_by_role("tab", name=view).click(timeout=300_000)
                settle(page)
                line(f"latent_grid, {view}")
            page.get_by_role("tab", name="Grid").click()
            settle(page)
            new = step_times(page, "llllll")
            seen = step_times(page, "hhhhhhllllll")
            for name, times in (("seen before", seen), ("new", new)):
                middle = statistics.median(times)
                print(f"another image, {name} (median of {len(times)}): {middle:.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
