"""The Overview by AppTest: its story, its card, what is missing, without torch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.hand_made_study import write_hand_made_study
from tests.pages.page_contents import page_contents

ROOT = Path(__file__).resolve().parents[2]
PAGE = str(ROOT / "pages" / "overview.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page looks for studies."""
    path = tmp_path / "studies"
    monkeypatch.setenv("LDVIZ_STUDIES", str(path))
    return path


def opened() -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    return "".join(element.proto.body for element in app.get("html"))


def markdown(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def test_the_story_stands_on_the_page_with_its_numbers(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    assert app.title[0].value == "Hand-made noise"
    assert not app.error
    text = markdown(app)
    assert "The model was trained on 40 of these images" in text
    assert "**SimA** at timestep 50" in text
    assert "(9 of 24)" in text
    assert "best of 2 stored timesteps" in text
    assert "2,000 resamples, seed 0" in text
    assert html(app).count('class="ldviz-tile computed"') == 4


def test_charts_are_drawn_when_asked_for_and_described(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    assert not app.get("plotly_chart"), "the first page need not wait for a charting library"
    app.session_state["training"] = True
    charts = app.run().get("plotly_chart")
    assert len(charts) == 3
    assert all(chart.proto.alt for chart in charts)


def test_every_auc_stands_on_one_axis(folder):
    write_hand_made_study(folder / "noise")
    text = html(opened())
    assert text.count('class="dot"') == 7
    assert text.count('title="40 members, 40 held-out; 2,000 resamples, seed 0"') >= 3


def test_the_card_names_split_model_and_digest(folder):
    write_hand_made_study(folder / "noise")
    text = html(opened())
    for fact in ("<dd>2 × 3 × 4, d = 24</dd>", "<dd>22 min</dd>", "<dd>0.70 M parameters</dd>"):
        assert fact in text


def test_sheets_are_shown_with_words_or_said_to_be_missing(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    assert 'alt="Samples of the model. Drawn from noise alone."' in html(app)
    assert 'alt="Reconstructions' not in html(app)
    assert "Not stored with this study." in markdown(app)


def test_the_kept_epoch_is_named(folder):
    write_hand_made_study(folder / "noise")
    assert "**epoch 40** of 2" in markdown(opened())


def test_a_study_without_training_record_or_attack_still_has_a_page(folder):
    write_hand_made_study(folder / "noise", with_attack=False, with_training=False)
    app = opened()
    assert "no stored attack vectors" in app.info[0].value
    assert not app.get("plotly_chart")
    assert "What is in this study" in [element.value for element in app.subheader]


def test_a_damaged_training_record_costs_its_charts_alone(folder):
    write_hand_made_study(folder / "noise")
    (folder / "noise" / "training.json").write_text('{"evaluations": 3')
    app = opened()
    assert not app.error
    assert "How the model came about" not in [element.value for element in app.subheader]
    assert html(app).count('class="dot"') == 7


def test_no_study_is_one_clear_message(folder):
    app = opened()
    (error,) = app.error
    assert "There is no study to show" in error.value
    assert not app.title


def test_a_damaged_array_is_one_clear_message_beside_the_card(folder):
    # A size of its own: numbers are remembered by the study's digest.
    write_hand_made_study(folder / "noise", num_samples=60)
    block = folder / "noise" / "arrays" / "sima-t0050" / "00000.safetensors"
    content = bytearray(block.read_bytes())
    content[-1] ^= 1
    block.write_bytes(bytes(content))
    app = opened()
    (error,) = app.error
    assert "has changed since it was written" in error.value
    assert "ldviz-facts" in html(app)


@pytest.mark.parametrize("page", ["overview", "distortion", "embedding"])
def test_the_page_imports_nothing_heavy(folder, page):
    write_hand_made_study(folder / "noise")
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / 'pages' / f'{page}.py')!r}, default_timeout=120)\n"
        "assert not app.run().exception and not app.error\n"
        "print(sorted({'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("page", ["overview", "distortion", "attack"])
def test_comparing_stored_studies_loads_no_torch(folder, page):
    write_hand_made_study(folder / "noise")
    write_hand_made_study(folder / "other", title="Other noise", num_samples=60)
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / 'pages' / f'{page}.py')!r}, default_timeout=120)\n"
        "app.query_params['study'], app.query_params['other'] = 'noise', 'other'\n"
        "assert not app.run().exception and not app.error\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_two_studies_stand_side_by_side_with_their_differences(folder):
    write_hand_made_study(folder / "noise")
    write_hand_made_study(folder / "other", title="Other noise", num_samples=60)
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.query_params["study"] = "noise"
    alone = page_contents(app.run())
    app.session_state["ldviz-view"] = app.session_state["ldviz-view"].changed(other="other")
    app.run()
    assert not app.exception
    assert not app.error
    assert app.title[0].value == "Hand-made noise and Other noise"
    text = html(app)
    assert text.count('class="ldviz-study-head"') == 8
    assert text.count('<tr><th scope="row">') == 5
    assert "SimA at t = 50 in A, SimA at t = 50 in B" in text
    assert "The model was trained on 40 of these images" in markdown(app)
    assert "The model was trained on 30 of these images" in markdown(app)
    assert "A: 40 members, 40 held-out; B: 30 members, 30 held-out" in markdown(app)
    # Same axes: guessing stands at the same place in both charts.
    places = re.findall(r'aria-label="AUC, 95 % interval" style="(--at:[^"]*)"', text)
    assert len(places) == 2
    assert places[0] == places[1]
    app.session_state["ldviz-view"] = app.session_state["ldviz-view"].changed(other=None)
    assert page_contents(app.run()) == alone


def test_the_training_curves_of_both_share_their_axes(folder):
    write_hand_made_study(folder / "noise")
    write_hand_made_study(folder / "other", title="Other noise", num_samples=60)
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.query_params["study"] = "noise"
    app.query_params["other"] = "other"
    app.session_state["training"] = True
    app.run()
    assert not app.exception
    charts = app.get("plotly_chart")
    assert len(charts) == 6
    layouts = [json.loads(chart.proto.spec)["layout"] for chart in charts]
    for one, two in zip(layouts[:3], layouts[3:], strict=True):
        assert one["xaxis"]["range"] == two["xaxis"]["range"]
        assert one["yaxis"]["range"] == two["yaxis"]["range"]


def test_a_second_study_without_attack_says_so_and_keeps_the_first(folder):
    write_hand_made_study(folder / "noise")
    write_hand_made_study(
        folder / "bare", title="Bare", num_samples=60, with_attack=False, with_training=False
    )
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.query_params["study"] = "noise"
    app.query_params["other"] = "bare"
    app.run()
    assert not app.exception
    assert "no stored attack vectors" in app.info[0].value
    assert "SimA at t = 50 in A, nothing in B" in html(app)
    assert "The model was trained on 40 of these images" in markdown(app)
