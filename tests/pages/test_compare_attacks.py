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
from tests.pages import pair_of_studies
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


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Study, Study]:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    pair_of_studies.write_two_studies(tmp_path / "studies")
    return tuple(open_study(tmp_path / "studies" / name) for name in ("noise", "other"))


def cache_loss(study: Study, timestep: int, *, seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((study.num_samples, study.latent_dim))
    cache_vectors(study, "loss", timestep, vectors)


def test_two_studies_are_compared_attack_by_attack(two: tuple[Study, Study]) -> None:
    for seed, study in enumerate(two):
        cache_loss(study, 50, seed=seed)
    app = pair_of_studies.opened("compare_attacks")
    alone = repr(app.main)
    pair_of_studies.compare(app)
    assert not app.error
    aucs = [roc_auc(one.is_member, unmasked_scores(one, "sima", 50)) for one in two]
    table = html_of(app)
    assert value_text(aucs[0] - aucs[1], signed=True) in table
    assert "AUC, no mask, t = 50" in table
    assert table.count('<div class="ldviz-table">') == 2
    charts = app.get("plotly_chart")
    assert len(charts) == 4
    assert "Of 1 rank correlations that both have" in pair_of_studies.words_of(app)
    pair_of_studies.compare(app, None)
    assert repr(app.main) == alone


def test_an_attack_elsewhere_is_taken_at_the_nearest_timestep_and_said_so(
    two: tuple[Study, Study],
) -> None:
    cache_loss(two[0], 50, seed=0)
    cache_loss(two[1], 100, seed=1)
    app = pair_of_studies.opened("compare_attacks", other="other")
    assert "t = 50 in A, 100 in B" in html_of(app)
    title = get_attack("loss").title
    assert f"{title} at t = 100 (A: t = 50)" in pair_of_studies.words_of(app)


def test_an_attack_that_one_study_lacks_can_be_computed_there(two: tuple[Study, Study]) -> None:
    cache_loss(two[0], 50, seed=0)
    app = pair_of_studies.opened("compare_attacks", other="other")
    assert app.button(key="compare-compute").label == "Compute all 4"
    assert app.button(key="compare-compute/other").label == "Compute all 5"
    assert "no pairs" in pair_of_studies.words_of(app)
