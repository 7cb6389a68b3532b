"""An attack of someone else's, in the app: listed, on its card, computed, or named as broken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks import registry
from ldviz.ui.plugins import _load, plugin_modules

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "attack.py")
EXAMPLE = "docs.examples.expected_loss"


@pytest.fixture
def clean(tiny_study_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LDVIZ_STUDIES", str(tiny_study_folder.parent))
    monkeypatch.setattr(registry, "_ATTACKS", dict(registry._ATTACKS))
    sys.modules.pop(EXAMPLE, None)
    _load.clear()
    yield
    _load.clear()
    sys.modules.pop(EXAMPLE, None)


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_the_worked_example_shows_up_and_is_computed(
    clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ldviz.jobs.record import JobRecord
    from ldviz.ui import live

    started = []

    def start(study, attack_name, timestep, **options) -> JobRecord:
        started.append((attack_name, options["plugins"]))
        return JobRecord(key="k", kind="vectors", arguments={}, model="m", state="running")

    monkeypatch.setattr(live, "start_vectors", start)
    monkeypatch.setattr(live, "load_record", lambda key: start(None, "", 0, plugins=()))
    monkeypatch.setenv("LDVIZ_PLUGINS", EXAMPLE)
    app = opened(attack="expected_loss", timestep="0")
    assert not app.error
    assert "Expected loss" in app.selectbox(key="attack-picker").options
    assert started[0] == ("expected_loss", (EXAMPLE,))
    assert "denoiser evaluations" in "".join(element.value for element in app.markdown)


def test_a_plugin_that_cannot_be_loaded_is_named_and_harms_nothing(
    clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_PLUGINS", "no_such_plugin")
    app = opened()
    assert len(app.error) == 1
    assert 'Could not load the attack plugin "no_such_plugin"' in app.error[0].value
    assert app.selectbox(key="attack-picker").value == "sima"


def test_plugins_are_named_by_variable_and_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LDVIZ_PLUGINS", "a, b")
    monkeypatch.setattr(sys, "argv", ["app.py", "--plugin", "c", "--plugin=b", "--plugin"])
    assert plugin_modules() == ("a", "b", "c")
