"""The seam of a comparison: the pickers, the link, swap and stop, tables of differences."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks.masks import MaskSpec
from ldviz.figures.theme import STUDY_COLOURS
from ldviz.metrics.measured import Measured
from ldviz.study.pair import Pair
from ldviz.study.store import open_study
from ldviz.ui.compare import Difference, common_range, differences_html, independent, verdict
from ldviz.view import View
from tests.pages.hand_made_study import write_hand_made_study

FRAME = "from ldviz.ui.frame import show_frame\nshow_frame()"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two studies, found by the frame."""
    path = tmp_path / "studies"
    monkeypatch.setenv("LDVIZ_STUDIES", str(path))
    write_hand_made_study(path / "noise")
    write_hand_made_study(path / "other", title="Other noise", num_samples=60)
    return path


def framed(**query: str) -> AppTest:
    app = AppTest.from_string(FRAME, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def view(app: AppTest) -> View:
    return app.session_state["ldviz-view"]


def keys(app: AppTest) -> list[str]:
    return [button.key for button in app.button]


def test_choosing_swapping_and_stopping(folder: Path) -> None:
    app = framed(study="noise")
    assert app.selectbox(key="compare-picker").value is None
    assert app.selectbox(key="compare-picker").options == ["Other noise"]
    assert keys(app) == []
    before = view(app)
    app.selectbox(key="compare-picker").select("other").run()
    assert view(app) == before.changed(other="other")
    assert app.query_params["other"] == "other"
    app.button(key="compare-swap").click().run()
    assert (view(app).study, view(app).other) == ("other", "noise")
    assert app.selectbox(key="compare-picker").value == "noise"
    app.button(key="compare-swap").click().run()
    assert view(app) == before.changed(other="other")
    app.button(key="compare-stop").click().run()
    assert view(app) == before
    assert "other" not in app.query_params
    assert keys(app) == []


def test_a_link_restores_the_comparison(folder: Path) -> None:
    app = framed(study="noise", other="other", timestep="0")
    assert app.selectbox(key="compare-picker").value == "other"
    assert not app.warning


def test_a_swap_keeps_what_the_other_study_has_stored(folder: Path) -> None:
    mask = MaskSpec(kind="influence", drop_fraction=0.25, channels_off=(1,))
    app = framed(study="noise", other="other", timestep="0", image="102", mask=mask.to_text())
    app.button(key="compare-swap").click().run()
    assert view(app) == View(study="other", other="noise", timestep=0, mask=mask)


def test_a_swap_lets_go_of_what_it_has_not(folder: Path) -> None:
    write_hand_made_study(folder / "flat", title="Flat", latent_shape=(4, 3, 2), with_attack=False)
    app = framed(study="noise", other="flat", timestep="0", mask="influence~f0.4~c1")
    assert view(app).mask.channels_off == (1,)
    app.button(key="compare-swap").click().run()
    assert (view(app).study, view(app).timestep) == ("flat", None)
    assert view(app).mask == MaskSpec(kind="influence", drop_fraction=0.4)


def test_choosing_the_second_study_as_the_first_swaps_them(folder: Path) -> None:
    app = framed(other="other")
    app.selectbox(key="study-picker").select("other").run()
    assert (view(app).study, view(app).other) == ("other", "noise")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"study": "noise", "other": "gone"}, 'no study "gone" to compare with'),
        ({"study": "noise", "other": "noise"}, "with itself"),
        ({"other": "noise"}, 'The study "noise" cannot be compared with itself'),
        ({"study": "noise", "other": "broken"}, 'The study "broken" cannot be compared with.'),
    ],
)
def test_what_cannot_be_compared_is_one_clear_message(folder: Path, query, words) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "manifest.json").write_text("{")
    app = framed(**query)
    (warning,) = app.warning
    assert words in warning.value
    assert "compare-swap" not in keys(app)
    if "compare-stop" in keys(app):
        app.button(key="compare-stop").click().run()
    else:
        app.button(key="dismiss-link-problems").click().run()
    assert not app.warning


def test_one_study_alone_offers_no_comparison(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path))
    write_hand_made_study(tmp_path / "noise")
    assert [box.key for box in framed().selectbox] == ["study-picker"]


def test_undo_keeps_the_comparison_but_a_change_of_study_takes_it_along(folder: Path) -> None:
    script = FRAME + (
        "\nimport streamlit as st\nfrom ldviz.ui.state import change_view, undo\n"
        "st.button('axes', key='axes', on_click=lambda: change_view(axes='log'))\n"
        "st.button('undo', key='undo', on_click=undo)"
    )
    app = AppTest.from_string(script, default_timeout=60)
    app.query_params["study"] = "noise"
    app.run()
    app.button(key="axes").click().run()
    app.selectbox(key="compare-picker").select("other").run()
    app.button(key="undo").click().run()
    assert view(app) == View(study="noise", other="other")
    app.button(key="compare-swap").click().run()
    app.button(key="undo").click().run()
    assert view(app) == View(study="noise", other="other")


def number(value: float, reach: float) -> Measured:
    return Measured(value=value, ci95=(value - reach, value + reach), n_member=5, n_held_out=6)


def test_the_verdict_follows_the_interval() -> None:
    assert verdict(number(0.2, 0.1)) == "A is higher"
    assert verdict(number(-0.2, 0.1)) == "B is higher"
    assert verdict(number(0.2, 0.3)) == "cannot be told from zero"
    assert verdict(Measured(value=0.2)) == "no interval"
    assert verdict(Measured(value=None)) == "not available"


def test_the_table_states_both_numbers_and_their_difference(folder: Path) -> None:
    pair = Pair(open_study(folder / "noise"), open_study(folder / "other"))
    html = differences_html(
        pair,
        [
            independent("AUC", number(0.9, 0.03), number(0.7, 0.04), detail="of <all>"),
            Difference("Median", number(3, 1), number(2, 1), number(1, 2), unit="nats", digits=2),
        ],
    )
    assert "Hand-made noise" in html
    assert "Other noise" in html
    assert "of &lt;all&gt;" in html
    assert "<b>+0.200</b><small>+0.150 to +0.250</small>" in html
    assert html.count("A is higher") == 1
    assert "<b>+1.00</b> nats" in html
    assert html.count("cannot be told from zero") == 1
    assert all(colour in html for colour in STUDY_COLOURS)


def test_an_interval_that_excludes_zero_never_reads_as_if_it_held_it(folder: Path) -> None:
    pair = Pair(open_study(folder / "noise"), open_study(folder / "other"))
    narrow = Measured(value=-0.105, ci95=(-0.21, -0.0002))
    wide = Measured(value=-0.105, ci95=(-0.21, 0.0002))
    html = differences_html(
        pair,
        [Difference("TPR", number(0.1, 0.1), number(0.2, 0.1), step) for step in (narrow, wide)],
    )
    assert "<b>−0.1050</b><small>−0.2100 to −0.0002</small>" in html
    assert "<b>−0.105</b><small>−0.210 to 0.000</small>" in html


def test_a_common_range_holds_both_with_a_margin() -> None:
    assert common_range((0, 5), (2, 10), pad=0.1) == (-1.0, 11.0)
    low, high = common_range((3, 3), (3, 3))
    assert low < 3 < high
