"""The command line as a user types it: numbers out, one message and exit code 2 on bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def ldviz(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ldviz", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )


def files(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_report_prints_json_alone_on_stdout(tiny_study_copy: Path, tmp_path: Path) -> None:
    result = ldviz("report", str(tiny_study_copy), "--json", "--resamples", "100", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["study"] == "tiny"
    assert report["drop_fraction"] == 0.4


def test_a_study_is_found_by_name(tiny_study_copy: Path) -> None:
    result = ldviz("report", "tiny", "--csv", "--resamples", "100", cwd=tiny_study_copy.parents[1])
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("study,attack,timestep,quantity,metric,value")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "nowhere"], 'There is no study "nowhere"'),
        (["report", "{study}", "--drop-fraction", "40"], "0.40"),
        (["report", "{study}", "--drop-fraction", "nan"], "drop_fraction"),
        (["report", "{study}", "--timesteps", "5000"], "`timestep`"),
        (["report", "{study}", "--timesteps", "soon"], "whole numbers"),
        (["report", "{study}", "--attack", "oracle"], 'no attack "oracle"'),
        (["report", "{study}", "--mask", "left"], "--mask"),
        (["report", "{study}", "--positive", "both"], "--positive"),
        (["report", "{study}", "--plugin", "no_such_module"], "no_such_module"),
        (["analyze", "nowhere"], 'There is no study "nowhere"'),
        (["analyze", "{study}", "--device", "abacus"], 'no device "abacus"'),
        (["train", "nothing"], 'no recipe "nothing"'),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, list) else None,
)
def test_bad_input_ends_with_one_message_and_writes_nothing(
    tiny_study_copy: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    before = files(tmp_path)
    filled = [part.format(study=tiny_study_copy) for part in arguments]
    result = ldviz(*filled, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert files(tmp_path) == before


def test_a_truncated_file_ends_with_one_message(tiny_study_copy: Path, tmp_path: Path) -> None:
    path = tiny_study_copy / "arrays" / "influence" / "00000.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    result = ldviz("report", str(tiny_study_copy), "--json", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "truncated" in result.stderr


PLUGIN = """
from ldviz.attacks import Attack, NoParameters, register_attack

def attack_vector(model, latents, sample_ids, timestep, *, parameters, seed, conditioning=None):
    return 2 * model.predict_noise(latents, timestep, conditioning)

register_attack(Attack(name="doubled", title="Doubled", citation="c", url="u", summary="s",
    assumptions="a", power=4.0, has_timesteps=True, default_timesteps=(0,),
    parameters=NoParameters, queries=lambda timestep, parameters: 1,
    entry="my_attack:attack_vector", version=1))
"""


@pytest.mark.parametrize(
    "start", [["-m", "ldviz"], ["-P", "-m", "ldviz"]], ids=["module", "script"]
)
def test_a_plugin_beside_the_user_is_found(
    tiny_study_copy: Path, tmp_path: Path, start: list[str]
) -> None:
    """With -P, as for the installed script, Python leaves the current folder off its path."""
    (tmp_path / "my_attack.py").write_text(PLUGIN)
    options = ["--plugin", "my_attack", "--attack", "doubled", "--timesteps", "0", "--json"]
    result = subprocess.run(
        [sys.executable, *start, "report", str(tiny_study_copy), "--resamples", "100", *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    doubled = json.loads(result.stdout)["attacks"]["doubled"]["none"]["auc"]
    plain = ldviz(
        *("report", str(tiny_study_copy), "--resamples", "100", "--timesteps", "0", "--json"),
        cwd=tmp_path,
    )
    assert doubled == json.loads(plain.stdout)["attacks"]["sima"]["none"]["auc"]
