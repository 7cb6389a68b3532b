"""One way through the house: a room imports only from the rooms before it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = (
    "errors",
    "randomness",
    "progress",
    "threads",
    "data",
    "models",
    "geometry",
    "attacks",
    "metrics",
    "study",
    "view",
    "jobs",
    "figures",
    "ui",
    "cli_analyze",
    "cli_findings",
    "__main__",
)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "ldviz").parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms of ldviz that a file imports, lazily or not, for types or not."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "ldviz":
                names = [f"ldviz.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("ldviz.")}
    return rooms


def imported_packages(path: Path) -> set[str]:
    packages = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            packages.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
    return packages


MODULES = sorted((ROOT / "ldviz").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert imported_rooms(path) == set()
        return
    assert room in ORDER, f"{path} belongs to no room"
    later = {other for other in imported_rooms(path) if ORDER.index(other) > ORDER.index(room)}
    assert not later, f"{room} imports from later rooms: {later}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_streamlit_and_plotly_stay_in_their_rooms(path: Path) -> None:
    packages, room = imported_packages(path), room_of(path)
    if "streamlit" in packages:
        assert room == "ui"
    if "plotly" in packages:
        assert room in ("figures", "ui")
    if room in ("metrics", "figures", "data"):
        assert "torch" not in packages


@pytest.mark.parametrize(
    "module",
    [
        "ldviz.study.report",
        "ldviz.ui.frame",
        "ldviz.ui.attack_lab",
        "ldviz.ui.live",
        "ldviz.jobs.start",
    ],
)
def test_what_a_page_imports_leaves_torch_alone(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "assert not {'torch', 'sklearn', 'diffusers', 'datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=ROOT)
