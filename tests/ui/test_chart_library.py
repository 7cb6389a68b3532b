"""Plotly is found where this Streamlit keeps it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from ldviz.ui import chart_library


def test_the_installed_streamlit_keeps_plotly_in_one_script():
    name = chart_library.chart_library()
    assert name is not None
    assert b"plotly.js v" in (chart_library._FOLDER / name).read_bytes()


def test_without_that_script_nothing_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(chart_library, "_FOLDER", tmp_path)
    chart_library.chart_library.cache_clear()
    try:
        app = AppTest.from_function(_ask).run()
    finally:
        chart_library.chart_library.cache_clear()
    assert not app.exception
    assert not app.main.children


def _ask():
    from ldviz.ui.chart_library import load_chart_library

    load_chart_library()
