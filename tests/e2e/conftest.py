"""A real server and a real browser for every scenario."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.browser import ARGUMENTS, system_browser

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_MS = 60_000
expect.set_options(timeout=TIMEOUT_MS)


@dataclass(frozen=True)
class Server:
    """A running Streamlit server."""

    url: str
    pid: int

    def has_loaded(self, library: str) -> bool:
        """Whether the process has mapped a shared library whose path contains a text."""
        return library in Path(f"/proc/{self.pid}/maps").read_text()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers: ``serve(app=..., **environment)``; they end with the session."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(app: Path = ROOT / "app.py", **environment: str) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [
                sys.executable,
                *("-m", "streamlit", "run", str(app)),
                *("--server.port", str(port), "--server.headless", "true"),
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process)
        return Server(url, process.pid)

    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(timeout=20)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended at once"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError("the server did not start within a minute")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium or Chrome, else Playwright's own."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=system_browser(), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose console must stay free of errors."""
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    page.set_default_timeout(TIMEOUT_MS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: _is_problem(line) and problems.append(_described(line)))
    yield page
    page.close()
    assert problems == []


def _is_problem(line: ConsoleMessage) -> bool:
    """An error in the console; Streamlit's own probing for its base path below a page is none."""
    return line.type == "error" and "/_stcore/" not in line.location.get("url", "")


def _described(line: ConsoleMessage) -> str:
    return f"{line.text} ({line.location.get('url', '')})"
