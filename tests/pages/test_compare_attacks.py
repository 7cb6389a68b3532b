"""Attacks compared by AppTest: the table's numbers, what is missing, what is bold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks import get_attack
from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.roc import roc_auc
from ldviz.study.cache import write_cached
from ldviz.study.evidence import unmasked_scores
from ldviz.study.store import Study, open_study
from ldviz.study.vectors import vectors_key
from ldviz.ui import evidence_jobs
from ldviz.ui.numbers import value_text
from tests.pages.hand_made_study import write_hand_made_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "compare_attacks.py")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    return open_study(write_hand_made_study(tmp_path / "studies" / "noise"))


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def html_of(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def cache_vectors(study: Study, name: str, timestep: int | None, vectors: np.ndarray) -> None:
    attack = get_attack(name)
    key = vectors_key(study, attack, timestep, attack.parameters(), 0)
    write_cached(key, vectors.astype(np.float16))


def test_one_attack_at_hand_has_its_block_and_the_others_a_button(study: Study) -> None:
    app = opened()
    table = html_of(app)
    assert table.count("<tbody>") == 1
    assert value_text(roc_auc(study.is_member, unmasked_scores(study, "sima", 50))) in table
    assert app.button(key="compare-compute").label == "Compute all 5"
    missing = " ".join(element.value for element in app.markdown)
    assert "PIA at timestep 50" in missing
    assert "PFAMI," in missing or "PFAMI." in missing


def test_a_cached_attack_joins_the_table_and_the_pairs(study: Study) -> None:
    cache_vectors(study, "pia", 50, study.stored_vectors("sima", 50))
    app = opened()
    assert html_of(app).count("<tbody>") == 2
    assert len(app.get("plotly_chart")) == 2
    assert app.button(key="compare-compute").label == "Compute all 4"


def test_the_best_timestep_is_named_optimistic(study: Study) -> None:
    app = opened()
    app.segmented_control(key="compare-where").set_value("best").run()
    assert not app.exception
    best = max((0, 50), key=lambda t: roc_auc(study.is_member, unmasked_scores(study, "sima", t)))
    assert f"t = {best}" in html_of(app)
    assert "optimistic" in " ".join(caption.value for caption in app.caption)


def test_an_attack_without_a_number_here_says_why(study: Study) -> None:
    app = opened(timestep="995")
    reasons = [caption.value for caption in app.caption if "is left out" in caption.value]
    assert len(reasons) == 1
    assert reasons[0].startswith("**SecMI**")


def test_the_button_computes_what_is_missing(study: Study, monkeypatch) -> None:
    from ldviz.jobs.record import JobRecord

    asked = []
    record = JobRecord(key="k", kind="vectors", arguments={}, model="m", state="running", total=2)

    def start(study, attack, timestep, **options) -> JobRecord:
        asked.append((attack, timestep))
        return record

    monkeypatch.setattr(evidence_jobs, "start_vectors", start)
    monkeypatch.setattr(evidence_jobs, "load_record", lambda key: record)
    app = opened()
    app.button(key="compare-compute").click().run()
    assert asked == [("loss", 50)]


def test_another_share_changes_the_masked_rows_alone(study: Study) -> None:
    plain = html_of(opened())
    more = html_of(opened(mask=MaskSpec(drop_fraction=0.8).to_text()))
    assert plain != more
    unmasked = value_text(roc_auc(study.is_member, unmasked_scores(study, "sima", 50)))
    assert unmasked in plain
    assert unmasked in more
