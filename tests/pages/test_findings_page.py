"""The Findings page by AppTest: every part draws, agrees with the command, imports no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ldviz.study.findings_set import build_findings
from ldviz.study.findings_words import digits_text, mask_sentence, number_text, quartile_sentence
from ldviz.study.store import open_studies
from tests.pages.hand_made_study import write_hand_made_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "findings.py")
PARTS = ("quarters", "masks", "beta", "complexity", "frequency", "violins", "galleries")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good studies, one truncated, one foreign folder."""
    folder = tmp_path_factory.mktemp("studies")
    write_hand_made_study(folder / "large")
    write_hand_made_study(folder / "small", num_samples=120)
    broken = write_hand_made_study(folder / "truncated")
    block = broken / "arrays" / "latents" / "00000.safetensors"
    block.write_bytes(block.read_bytes()[:-9])
    (folder / "foreign").mkdir()
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the module: the findings are computed by the first test."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def environment(folder: Path, cache: Path, own_cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(folder))
    monkeypatch.setenv("LDVIZ_CACHE", str(cache))


def opened(**state: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=120)
    for key, value in state.items():
        app.session_state[key.replace("_", "-")] = value
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(
        element.value for element in (*app.markdown, *app.caption, *app.warning, *app.info)
    )


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def test_the_answers_are_the_commands_numbers(folder: Path) -> None:
    app = opened()
    result = build_findings(*open_studies([folder]))
    assert set(result.studies) == {"large", "small"}
    table = html(app)
    for one in result.studies.values():
        sima = one.attacks["sima"]
        at = sima.best
        shown = [sima.quartile_step[at]]
        shown += [numbers["auc"][at] for numbers in sima.differences.values()]
        for number in shown:
            assert digits_text(number.value, signed=True, digits=number.decimals()) in table
            for end in number.ci95:
                assert digits_text(end, signed=True, digits=number.decimals()) in table
        assert digits_text(sima.masks["none"]["auc"][at].value) in table


def test_the_papers_numbers_are_a_part_of_their_own() -> None:
    table = html(opened())
    ours, paper = table.split("class='paper'")
    assert "CIFAR-10" not in ours
    assert "CIFAR-10" in paper
    assert "+0.022" in paper  # 91.26 - 89.10


@pytest.mark.parametrize("part", PARTS)
def test_every_part_draws(part: str) -> None:
    app = opened(findings_part=part)
    assert not app.error


def test_sentences_are_the_commands(folder: Path) -> None:
    result = build_findings(*open_studies([folder]))
    quarters, masks = texts(opened(findings_part="quarters")), texts(opened(findings_part="masks"))
    for one in result.studies.values():
        assert quartile_sentence(one.attacks["sima"]) in quarters
        assert mask_sentence(one.attacks["sima"]) in masks


def test_every_metric_is_shown(folder: Path) -> None:
    result = build_findings(*open_studies([folder]))
    sima = result.studies["large"].attacks["sima"]
    app = opened(findings_metric="asr")
    number = sima.differences["random_minus_none"]["asr"][sima.best]
    assert digits_text(number.value, signed=True, digits=number.decimals()) in html(app)


def test_frequency_numbers_are_the_commands(folder: Path) -> None:
    result = build_findings(*open_studies([folder]))
    frequency = result.studies["small"].frequency
    at = frequency.cutoffs.index(0.25)
    table = html(opened(findings_part="frequency"))
    assert number_text(frequency.high[at], signed=True) in table
    assert "+0.716" in table.split("class='paper'")[-1]


def test_without_variants_beta_says_so() -> None:
    assert "differ in β alone" in texts(opened(findings_part="beta"))


def test_broken_studies_are_named_and_the_others_stay() -> None:
    app = opened()
    assert "**truncated** is left out" in texts(app)
    assert "**foreign** is left out" in texts(app)
    assert "Hand-made noise" in html(app)


def test_raw_violins_are_in_nats() -> None:
    app = opened(findings_part="violins")
    axis = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["xaxis"]["title"]["text"]
    assert "0 = lowest" in axis
    app.toggle(key="findings-raw").set_value(True).run()
    axis = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["xaxis"]["title"]["text"]
    assert axis.endswith("(nats)")


def test_no_study_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path))
    assert "No study at hand" in texts(opened())


def test_the_page_imports_no_torch(folder: Path, cache: Path) -> None:
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({PAGE!r}, default_timeout=120).run()\n"
        "assert not app.exception, app.exception\n"
        "assert 'torch' not in sys.modules\n"
    )
    root = Path(PAGE).resolve().parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
