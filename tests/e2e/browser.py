"""Which browser the tests drive: the system's, Debian's package, or Playwright's download."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def system_browser() -> str | None:
    """Path of an installed Chromium or Chrome; ``LDVIZ_CHROMIUM`` overrides the search."""
    override = os.environ.get("LDVIZ_CHROMIUM")
    candidates = [override] if override else [shutil.which(name) for name in (*_NAMES, _MAC)]
    return next((path for path in candidates if path and Path(path).exists()), None)


def install() -> None:
    """Make sure that there is a browser: Debian's package where allowed, else a download."""
    if system_browser():
        return
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        print("No Chromium found: installing Debian's package.", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False)
    if not system_browser():
        print("No Chromium found: downloading Playwright's.", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    if "--install" not in sys.argv:
        sys.exit("usage: python -m tests.e2e.browser --install")
    install()
