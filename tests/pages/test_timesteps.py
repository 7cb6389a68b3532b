"""Timesteps & masks by AppTest: what is drawn, what a click changes, what can be saved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ldviz.metrics.roc import roc_auc
from ldviz.metrics.shift import pixel_shift
from ldviz.study.evidence import unmasked_scores
from ldviz.study.store import open_study
from ldviz.ui import evidence_jobs
from ldviz.ui.numbers import value_text
from tests.pages import pair_of_studies
from tests.pages.hand_made_study import write_hand_made_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "timesteps.py")


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


def test_both_figures_and_their_numbers_stand_on_the_page(study_folder: Path) -> None:
    app = opened()
    assert not app.error
    assert len(app.get("plotly_chart")) == 2
    study = open_study(study_folder)
    auc = roc_auc(study.is_member, unmasked_scores(study, "sima", 50))
    assert value_text(auc) in html_of(app)
    assert "chosen after the fact" in " ".join(element.value for element in app.markdown)


def test_the_slider_changes_the_mask_and_can_be_undone(study_folder: Path) -> None:
    app = opened()
    app.slider(key="drop-slider").set_value(70).run()
    assert not app.exception
    assert app.session_state["ldviz-view"].mask.drop_fraction == pytest.approx(0.7)
    assert app.session_state["ldviz-history"].can_undo


def test_intervals_at_every_timestep_are_drawn_on_request(study_folder: Path) -> None:
    app = opened()
    before = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    app.toggle(key="timesteps-intervals").set_value(True).run()
    assert not app.exception
    after = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert len(after) == len(before) + 5


def test_what_is_missing_is_computed_one_after_another(
    study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ldviz.jobs.record import JobRecord

    asked = []

    def start(study, attack, timestep, **options) -> JobRecord:
        asked.append((attack, timestep))
        return JobRecord(key="k", kind="vectors", arguments={}, model="m", state="running")

    record = JobRecord(
        key="k", kind="vectors", arguments={}, model="m", state="running", done=1, total=4
    )
    monkeypatch.setattr(evidence_jobs, "start_vectors", start)
    monkeypatch.setattr(evidence_jobs, "load_record", lambda key: record)
    app = opened()
    assert app.button(key="timesteps-compute").label == "Compute 28 more timesteps"
    assert not asked
    app.button(key="timesteps-compute").click().run()
    assert not app.exception
    assert asked == [("sima", 10)]
    assert app.button(key="k/cancel").label == "Cancel"

    stopped = record.model_copy(update={"state": "cancelled", "message": "Cancelled."})
    monkeypatch.setattr(evidence_jobs, "load_record", lambda key: stopped)
    app.run()
    assert not app.exception
    assert "SimA at timestep 10: Cancelled." in [warning.value for warning in app.warning]
    assert app.button(key="timesteps-compute").label == "Compute 28 more timesteps"


def test_an_attack_that_is_not_at_hand_offers_its_computation(
    study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ldviz.jobs.record import JobRecord
    from ldviz.ui import live

    record = JobRecord(key="k", kind="vectors", arguments={}, model="m", state="running")
    monkeypatch.setattr(live, "start_vectors", lambda *args, **options: record)
    monkeypatch.setattr(live, "load_record", lambda key: record)
    app = opened(attack="pia")
    assert not app.get("plotly_chart")
    assert app.button(key="timesteps-compute").label == "Compute 30 more timesteps"


def test_without_held_out_images_numbers_are_undefined_not_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ldviz.study import store

    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    write_hand_made_study(tmp_path / "studies" / "noise")
    monkeypatch.setattr(
        store.Study, "is_member", property(lambda self: np.ones(self.num_samples, dtype=bool))
    )
    st.cache_data.clear()
    app = opened()
    st.cache_data.clear()
    assert "needs members and held-out images" in " ".join(error.value for error in app.error)


def test_the_shift_check_runs_when_it_is_asked_for(study_folder: Path) -> None:
    app = opened()
    before = html_of(app)
    assert "AUC of pixel statistics" not in before
    app.button(key="shift-run").click().run()
    assert not app.exception
    study = open_study(study_folder)
    check = pixel_shift(study.is_member, study.images(np.arange(80)))
    assert "AUC of pixel statistics" in html_of(app)
    assert value_text(check.auc.value) in html_of(app)
    assert check.verdict in [element.value for element in (*app.markdown, *app.warning)]


def test_the_honest_number_stands_beside_the_optimistic_one(study_folder: Path) -> None:
    page = html_of(opened())
    assert "Honest AUC" in page
    assert "Optimistic AUC" in page


def test_two_studies_share_their_axes_and_state_their_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    pair_of_studies.write_two_studies(tmp_path / "studies")
    app = pair_of_studies.opened("timesteps")
    alone = repr(app.main)
    pair_of_studies.compare(app)
    assert not app.error
    first, second, *drops = pair_of_studies.layouts_of(app)
    for one, two in ((first, second), drops):
        assert one["xaxis"]["range"] == two["xaxis"]["range"]
        assert one["yaxis"]["range"] == two["yaxis"]["range"]
    text = html_of(app)
    studies = [open_study(tmp_path / "studies" / name) for name in ("noise", "other")]
    aucs = [roc_auc(one.is_member, unmasked_scores(one, "sima", 50)) for one in studies]
    assert value_text(aucs[0] - aucs[1], signed=True) in text
    assert "Honest AUC" in text
    assert "Lowest influence dropped, change" in text
    assert "The two samples are independent." in pair_of_studies.words_of(app)
    pair_of_studies.compare(app, None)
    assert repr(app.main) == alone


def test_on_the_same_images_the_difference_is_paired_and_narrower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    pair_of_studies.write_two_studies(tmp_path / "studies", num_samples=80)
    app = pair_of_studies.opened("timesteps", other="other")
    text = html_of(app)
    # The very same study under another name: without pairing the interval could not be a point.
    assert "AUC at t = 50, paired" in text
    assert "<b>0.000</b><small>0.000 to 0.000</small>" in text
    assert "so the check is one" in pair_of_studies.words_of(app)


def test_what_the_other_study_does_not_have_is_said_and_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    pair_of_studies.write_two_studies(tmp_path / "studies", with_attack=False)
    app = pair_of_studies.opened("timesteps", other="other")
    assert len(app.get("plotly_chart")) == 2
    assert "SimA at t = 50 is not stored with Other noise." in pair_of_studies.words_of(app)
    assert app.button(key="drop-compute/other").label == "Compute SimA at timestep 50"
    assert app.button(key="timesteps-compute/other").label == "Compute 30 more timesteps"
