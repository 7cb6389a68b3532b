"""A large study: pages show a sample, say so, and show all when asked to."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.hand_made_study import write_hand_made_study

ROOT = Path(__file__).resolve().parents[2]
COUNT = 10_500


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    write_hand_made_study(folder / "large", num_samples=COUNT, latent_shape=(1, 2, 2))
    write_hand_made_study(folder / "small", num_samples=80, latent_shape=(1, 2, 2))
    return folder


def opened(studies: Path, monkeypatch, tmp_path: Path, **query: str) -> AppTest:
    monkeypatch.setenv("LDVIZ_STUDIES", str(studies))
    monkeypatch.setenv("LDVIZ_CACHE", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def text(app: AppTest) -> str:
    return " ".join(str(part.value) for part in (*app.caption, *app.markdown))


def test_a_sample_is_shown_and_stated(studies, monkeypatch, tmp_path):
    app = opened(studies, monkeypatch, tmp_path, study="large")
    assert "2,000 of its 10,500 samples are shown, drawn with seed 0" in text(app)
    assert app.sidebar.toggle(key="all-samples").label == "All 10,500 samples"


def test_all_are_shown_when_asked_for_and_the_link_keeps_it(studies, monkeypatch, tmp_path):
    app = opened(studies, monkeypatch, tmp_path, study="large")
    app.sidebar.toggle(key="all-samples").set_value(True).run()
    assert not app.exception
    assert not app.error
    assert "samples are shown" not in text(app)
    assert app.query_params["samples"] == "all"
    linked = opened(studies, monkeypatch, tmp_path, study="large", samples="all")
    assert linked.sidebar.toggle(key="all-samples").value
    linked.sidebar.toggle(key="all-samples").set_value(False).run()
    assert "samples" not in linked.query_params


def test_a_small_study_has_no_switch(studies, monkeypatch, tmp_path):
    app = opened(studies, monkeypatch, tmp_path, study="small")
    assert "samples are shown" not in text(app)
    assert not [one for one in app.sidebar.toggle if one.key == "all-samples"]


def test_a_large_study_beside_a_small_one_is_a_sample_too(studies, monkeypatch, tmp_path):
    app = opened(studies, monkeypatch, tmp_path, study="small", other="large")
    assert "2,000 of its 10,500 samples are shown" in text(app)
