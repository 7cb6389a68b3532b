"""Samples by AppTest: choosing, filtering, and what is undefined."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.roc import roc_auc
from ldviz.study.evidence import unmasked_scores
from ldviz.study.store import open_study
from ldviz.ui.numbers import value_text
from ldviz.view import ids_to_text
from tests.pages import pair_of_studies
from tests.pages.hand_made_study import write_hand_made_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "samples.py")


@pytest.fixture
def study_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    return write_hand_made_study(tmp_path / "studies" / "noise")


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def html_of(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_the_page_shows_all_samples_until_some_are_chosen(study_folder: Path) -> None:
    app = opened()
    assert not app.error
    study = open_study(study_folder)
    assert value_text(roc_auc(study.is_member, unmasked_scores(study, "sima", 50))) in html_of(app)
    assert app.button(key="samples-clear").disabled
    assert len(app.dataframe[0].value) == 50


def test_a_link_brings_its_selection_and_its_own_auc(study_folder: Path) -> None:
    ids = tuple(range(120, 160))
    app = opened(selection=ids_to_text(ids))
    study = open_study(study_folder)
    scores = unmasked_scores(study, "sima", 50)
    rows = slice(20, 60)
    assert value_text(roc_auc(study.is_member[rows], scores[rows])) in html_of(app)
    assert "40 chosen" in " ".join(element.value for element in app.markdown)
    spec = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert len(spec["data"][0]["selectedpoints"]["bdata"]) > 0


def test_a_selection_of_one_class_is_undefined(study_folder: Path) -> None:
    app = opened(selection="100.102.104")
    assert "not available" in html_of(app)
    assert "undefined" in " ".join(caption.value for caption in app.caption)


def test_letting_go_of_a_selection_can_be_undone(study_folder: Path) -> None:
    app = opened(selection="100-119")
    app.button(key="samples-clear").click().run()
    assert app.session_state["ldviz-view"].selection == ()
    app.button(key="samples-undo").click().run()
    assert app.session_state["ldviz-view"].selection == tuple(range(100, 120))


def test_a_selection_of_another_study_is_named_not_drawn(study_folder: Path) -> None:
    app = opened(selection="100.7000")
    assert "does not have (first: 7000)" in app.error[0].value
    assert not app.dataframe
    app.button(key="samples-clear").click().run()
    assert not app.error
    assert app.dataframe


def test_filters_and_order_act_on_all_samples_before_the_table_is_cut(study_folder: Path) -> None:
    app = opened()
    app.selectbox(key="samples-kind").set_value("held_out").run()
    app.selectbox(key="samples-sort").set_value("score-low").run()
    app.selectbox(key="samples-length").set_value(25).run()
    assert not app.exception
    study = open_study(study_folder)
    scores = unmasked_scores(study, "sima", 50)[~study.is_member]
    table = app.dataframe[0].value
    assert set(table["kind"]) == {"held-out"}
    assert table["score"].to_numpy() == pytest.approx(np.sort(scores)[:25])
    assert all(uri.startswith("data:image/webp") for uri in table["image"])


def test_scores_with_a_mask_are_the_masks(study_folder: Path) -> None:
    from ldviz.study.scores import membership_scores, score_values

    app = opened(mask=MaskSpec(drop_fraction=0.5).to_text())
    app.segmented_control(key="samples-masked").set_value(True).run()
    assert not app.exception
    study = open_study(study_folder)
    values = score_values(study.stored_vectors("sima", 50), "sima")
    scores = membership_scores(study, values, MaskSpec(drop_fraction=0.5))
    assert app.dataframe[0].value["score"].iloc[0] == pytest.approx(scores.max())


def test_the_view_keeps_the_table_small(study_folder: Path) -> None:
    app = opened()
    app.selectbox(key="samples-length").set_value(200).run()
    table = app.dataframe[0].value
    assert len(table) == 80
    assert table["image"].str.len().sum() < 2_000_000


def payloads_of(app: AppTest) -> list[dict]:
    """What the histograms draw, in order."""
    found = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    return [data for data in found if isinstance(data, dict) and "edges" in data]


def test_two_studies_share_bins_axes_and_one_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    pair_of_studies.write_two_studies(tmp_path / "studies")
    app = pair_of_studies.opened("samples", selection="100-103")
    alone = repr(app.main)
    pair_of_studies.compare(app)
    assert not app.error
    first, second = payloads_of(app)
    assert first["edges"] == second["edges"]
    assert first["top"] == second["top"]
    assert sum(second["member"]) == sum(second["held_out"]) == 30
    assert first["chosen"]["member"]
    assert not second["chosen"]["member"], "the other study has other images"
    scatters = pair_of_studies.layouts_of(app)[:2]
    assert scatters[0]["xaxis"]["range"] == scatters[1]["xaxis"]["range"]
    assert scatters[0]["yaxis"]["range"] == scatters[1]["yaxis"]["range"]
    names = [trace["name"] for trace in json.loads(app.get("plotly_chart")[2].proto.spec)["data"]]
    assert names == [
        "guessing",
        "A: Hand-made noise",
        "A: Hand-made noise, chosen",
        "B: Other noise",
    ]
    text = pair_of_studies.html_of(app)
    assert [text.count(title) for title in ("AUC<", "ASR<", "TPR@1%FPR<")] == [1, 1, 1]
    assert len(app.dataframe) == 2
    pair_of_studies.compare(app, None)
    assert repr(app.main) == alone


def test_on_the_same_images_a_selection_counts_in_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    pair_of_studies.write_two_studies(tmp_path / "studies", num_samples=80)
    app = pair_of_studies.opened("samples", other="other", selection="100-119")
    first, second = payloads_of(app)
    assert first["chosen"] == second["chosen"]
    assert "all images, paired" in pair_of_studies.html_of(app)
    assert "the chosen" in pair_of_studies.html_of(app)


def test_without_the_other_studys_scores_the_first_keeps_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    pair_of_studies.write_two_studies(tmp_path / "studies", with_attack=False)
    app = pair_of_studies.opened("samples", other="other")
    assert len(payloads_of(app)) == 1
    assert "SimA at t = 50 is not stored with Other noise." in pair_of_studies.words_of(app)
    assert app.button(key="samples-compute-histogram").label == "Compute SimA at timestep 50"
