"""All six attacks on a real model: the page, the lab and the command agree to the last digit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks import attack_names
from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.measured import Measured
from ldviz.study.report import build_report
from ldviz.study.store import open_study
from ldviz.study.vectors import attack_vectors
from ldviz.ui.attack_lab import LabSource, lab_numbers
from ldviz.ui.numbers import interval_text, value_text
from ldviz.view import View

ROOT = Path(__file__).resolve().parents[2]
MASKS = ("random", "none", "influence")
METRICS = ("auc", "asr", "tpr_at_1pct_fpr")


@pytest.fixture(scope="module")
def printed(tiny_study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    """What the command prints, and the cache in which it leaves the five computed attacks."""
    cache = tmp_path_factory.mktemp("cache")
    arguments = ["report", str(tiny_study_folder), "--attack", "all", "--timesteps", "50"]
    result = subprocess.run(
        [sys.executable, "-m", "ldviz", *arguments, "--drop-fraction", "0.3", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LDVIZ_CACHE": str(cache)},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), cache


@pytest.fixture
def report(
    printed: tuple[dict, Path], tiny_study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict:
    """What the command printed; the page looks for vectors where it left them."""
    monkeypatch.setenv("LDVIZ_STUDIES", str(tiny_study_folder.parent))
    monkeypatch.setenv("LDVIZ_CACHE", str(printed[1]))
    return printed[0]


def test_every_cell_of_the_page_is_the_command_s(report: dict) -> None:
    assert list(report["attacks"]) == list(attack_names())
    app = AppTest.from_file(str(ROOT / "pages" / "compare_attacks.py"), default_timeout=120)
    app.query_params["timestep"] = "50"
    app.query_params["mask"] = MaskSpec(drop_fraction=0.3).to_text()
    app.run()
    assert not app.exception
    table = next(e.proto.body for e in app.get("html") if "ldviz-table" in e.proto.body)
    cells = re.findall(r"<td[^>]*>(?:<b>)?([^<]*)(?:</b>)?(?:<small>([^<]*)</small>)?</td>", table)
    shown = [(unescape(value), unescape(interval)) for value, interval in cells]
    expected = []
    for name in attack_names():
        for mask in MASKS:
            for key in METRICS:
                column = report["attacks"][name][mask]
                number = Measured(value=column[key][0], ci95=column[f"{key}_ci95"][0])
                expected.append((value_text(number.value), interval_text(number)))
    assert len(expected) == 6 * 3 * 3
    assert shown == expected
    # With 48 held-out images 1 % is less than one; every other cell has its interval.
    assert [interval == "" for _, interval in shown] == [False, False, True] * 18


def test_the_lab_s_numbers_are_the_command_s(report: dict, tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    for name in ("loss", "pfami"):
        timestep = None if name == "pfami" else 50
        vectors = attack_vectors(study, name, timestep, compute=False)
        source = LabSource(study, name, timestep, vectors)
        table = lab_numbers(source, View(mask=MaskSpec(drop_fraction=0.3)))
        for mask in MASKS:
            for key in METRICS:
                number, column = table.metrics[mask][key], report["attacks"][name][mask]
                assert number.value == column[key][0]
                interval = column[f"{key}_ci95"][0]
                assert number.ci95 == (interval and tuple(interval))


def test_three_lines_in_a_notebook_give_the_same(report: dict, tiny_study_folder: Path) -> None:
    numbers = build_report(open_study(tiny_study_folder), timesteps=[50], drop_fraction=0.3)
    assert json.loads(json.dumps(numbers["attacks"]["sima"])) == report["attacks"]["sima"]
