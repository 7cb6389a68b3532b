"""The Attack page of two studies: both under the lab's mask, and what the second one lacks."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks.masks import MaskSpec
from ldviz.figures.theme import STUDY_COLOURS, STUDY_DASHES
from ldviz.metrics.roc import roc_auc
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import open_study
from tests.pages.hand_made_study import write_hand_made_study
from tests.pages.page_contents import page_contents

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "attack.py")
HEADING = "Both studies under this mask"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "studies"
    monkeypatch.setenv("LDVIZ_STUDIES", str(path))
    write_hand_made_study(path / "noise")
    write_hand_made_study(path / "other", title="Other noise", num_samples=120)
    return path


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in ({"study": "noise", "other": "other"} | query).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def measured(app: AppTest) -> AppTest:
    """The page once the thread has measured; the browser looks again by itself."""
    deadline = time.monotonic() + 60
    while "Measuring" in captions(app) and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    assert not app.exception
    assert "Measuring" not in captions(app)
    return app


def captions(app: AppTest) -> str:
    return "\n".join(element.value for element in app.caption)


def table(app: AppTest) -> str:
    (html,) = [e.proto.body for e in app.get("html") if "ldviz-pair" in e.proto.body]
    return html


def curves(app: AppTest) -> dict:
    (chart,) = app.get("plotly_chart")
    return json.loads(chart.proto.spec)


def auc(study_folder: Path, mask: MaskSpec, timestep: int = 50) -> str:
    study = open_study(study_folder)
    values = score_values(study.stored_vectors("sima", timestep), "sima")
    return f"{roc_auc(study.is_member, membership_scores(study, values, mask)):.3f}"


def test_both_curves_and_numbers_stand_below_the_lab(folder: Path) -> None:
    mask = MaskSpec(drop_fraction=0.25, kind="influence")
    app = measured(opened(mask=mask.to_text(), axes="log"))
    drawn = curves(app)
    lines = [trace for trace in drawn["data"] if trace["name"] != "guessing"]
    assert [line["name"] for line in lines] == ["A: Hand-made noise", "B: Other noise"]
    assert tuple(line["line"]["color"] for line in lines) == STUDY_COLOURS
    assert tuple(line["line"]["dash"] for line in lines) == STUDY_DASHES
    assert drawn["layout"]["xaxis"]["type"] == "log"
    html = table(app)
    for name in ("noise", "other"):
        assert f"<b>{auc(folder / name, mask)}</b>" in html
    assert html.count('<th scope="row">') == 4
    assert "A: 40 members, 40 held-out; B: 60 members, 60 held-out" in captions(app)


def test_the_kind_of_mask_can_be_chosen(folder: Path) -> None:
    app = measured(opened(mask="influence~f0.25"))
    app.segmented_control(key="attack-pair-kind").set_value("none").run()
    app = measured(app)
    assert "nothing dropped" in captions(app)
    for name in ("noise", "other"):
        assert f"<b>{auc(folder / name, MaskSpec(kind='none'))}</b>" in table(app)
    assert "Change of the AUC" not in table(app)


def test_it_follows_the_lab_once_the_mask_stands_still(folder: Path) -> None:
    app = measured(opened(mask="influence~f0.25"))
    before = table(app)
    view = app.session_state["ldviz-view"]
    mask = MaskSpec(drop_fraction=0.75, kind="influence")
    app.session_state["ldviz-view"] = view.changed(mask=mask)
    app.run()
    assert table(app) == before, "the last numbers stay until there are new ones"
    assert "Measuring the mask as it is now" in captions(app)
    assert f"<b>{auc(folder / 'other', mask)}</b>" in table(measured(app))


def test_the_nearest_stored_timestep_stands_in_and_can_be_replaced(folder: Path) -> None:
    write_hand_made_study(folder / "late", num_samples=60, title="Late", timesteps=(100,))
    app = measured(opened(other="late"))
    assert "SimA at t = 50 is not stored with Late; shown is the nearest that is, t = 100." in (
        captions(app)
    )
    assert app.button(key="attack-pair-compute").label == "Compute it at t = 50 on Late"
    assert f"<b>{auc(folder / 'late', MaskSpec(kind='influence'), 100)}</b>" in table(app)


def test_an_autoencoder_alone_says_that_there_is_nothing_to_attack(folder: Path) -> None:
    write_hand_made_study(folder / "alone", title="Alone", with_denoiser=False)
    app = opened(other="alone")
    assert HEADING in [element.value for element in app.subheader]
    assert "Alone is an autoencoder without a denoiser" in app.info[0].value
    assert not app.get("plotly_chart")


def test_places_that_do_not_fit_the_second_study_are_said(folder: Path) -> None:
    write_hand_made_study(folder / "flat", title="Flat", num_samples=60, latent_shape=(4, 3, 2))
    mask = MaskSpec(drop_fraction=0.25, kind="influence", channels_off=(1,))
    app = measured(opened(other="flat", mask=mask.to_text()))
    assert "The latents of Flat have another shape" in captions(app)
    bare = MaskSpec(drop_fraction=0.25, kind="influence")
    assert f"<b>{auc(folder / 'flat', bare)}</b>" in table(app)


def test_without_a_second_study_the_page_is_as_before(folder: Path) -> None:
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.query_params["study"] = "noise"
    before = page_contents(app.run())
    view = app.session_state["ldviz-view"]
    assert HEADING not in str(before)
    app.session_state["ldviz-view"] = view.changed(other="other")
    assert HEADING in str(page_contents(measured(app.run())))
    app.session_state["ldviz-view"] = view
    assert page_contents(app.run()) == before
