"""The Attack page by AppTest: what it shows, what it refuses, without torch."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks.masks import MaskSpec

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "attack.py")


@pytest.fixture
def studies(tiny_study_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tiny_study_folder.parent))
    return tiny_study_folder.parent


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_the_page_opens_on_the_default_timestep(studies: Path) -> None:
    app = opened()
    assert app.title[0].value == "Attack"
    assert not app.error
    assert app.selectbox(key="attack-picker").value == "sima"
    assert app.select_slider(key="timestep-slider").value in (0, 50, 100)
    assert "arXiv:2509.25003" in "".join(element.value for element in app.markdown)


def test_changing_the_timestep_changes_the_view_and_the_link(studies: Path) -> None:
    app = opened(timestep="0")
    app.select_slider(key="timestep-slider").set_value(100).run()
    assert not app.exception
    assert app.session_state["ldviz-view"].timestep == 100
    assert app.query_params["timestep"] in ("100", ["100"])


def test_a_link_restores_mask_axes_and_positive_class(studies: Path) -> None:
    spec = MaskSpec(drop_fraction=0.25, channels_off=(1,))
    app = opened(mask=spec.to_text(), axes="log", positive="held_out")
    view = app.session_state["ldviz-view"]
    assert (view.mask, view.axes, view.positive) == (spec, "log", "held_out")
    assert app.selectbox(key="positive-switch").value == "held_out"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"study": "atlantis"}, 'There is no study "atlantis"'),
        ({"attack": "oracle"}, 'There is no attack "oracle"'),
        ({"timestep": "1000"}, "`timestep` must be"),
    ],
)
def test_a_link_to_nothing_gets_one_clear_error(studies: Path, query, message: str) -> None:
    app = opened(**query)
    assert len(app.error) == 1
    assert message in app.error[0].value


def test_a_mask_beyond_the_latents_is_an_error_in_place_of_curves(studies: Path) -> None:
    app = opened(mask=MaskSpec(channels_off=(17,)).to_text())
    assert not app.exception


def test_a_damaged_array_is_named(
    tiny_study_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "studies" / "tiny"
    shutil.copytree(tiny_study_folder, folder)
    path = folder / "arrays" / "influence" / "00000.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    monkeypatch.setenv("LDVIZ_STUDIES", str(folder.parent))
    app = opened()
    assert len(app.error) == 1
    assert "influence/00000" in app.error[0].value


def test_without_a_study_the_page_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path))
    app = opened()
    assert len(app.error) == 1
    assert "python -m ldviz train digits" in app.error[0].value


def test_vectors_that_are_not_at_hand_are_computed_in_the_background(
    studies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ldviz.jobs.record import JobRecord
    from ldviz.ui import live

    asked = []

    def start(study, attack_name, timestep, **options) -> JobRecord:
        asked.append((attack_name, timestep))
        return JobRecord(key="k", kind="vectors", arguments={}, model="m", state="running")

    monkeypatch.setattr(live, "start_vectors", start)
    monkeypatch.setattr(
        live,
        "load_record",
        lambda key: JobRecord(
            key=key, kind="vectors", arguments={}, model="m", state="running", done=1, total=4
        ),
    )
    app = opened(timestep="10")
    assert asked == [("sima", 10)]
    assert app.button(key="cancel-vectors").label == "Cancel"


SAVED = "Paper:influence;Chance:random~f0.5"


def test_masks_saved_in_a_link_stand_side_by_side(studies: Path) -> None:
    app = opened(saved=SAVED, compared="Paper;Chance")
    assert app.multiselect(key="named-masks-compared").value == ["Paper", "Chance"]
    shown = "".join(element.proto.body for element in app.get("html"))
    for text in ("Paper − No mask", "Chance − No mask", "Paper − Chance", "50 % dropped at random"):
        assert text in shown
    assert not app.error


def test_the_lab_s_mask_is_saved_under_a_name_and_undo_forgets_it(studies: Path) -> None:
    app = opened(mask=MaskSpec(drop_fraction=0.25, channels_off=(1,)).to_text())
    app.text_input(key="named-mask-name").input("Mine")
    app.selectbox(key="named-mask-which").select("highest")
    app.button(key="FormSubmitter:named-mask-form-Save").click().run()
    assert not app.exception
    view = app.session_state["ldviz-view"]
    assert [entry.name for entry in view.saved] == ["Mine"] == list(view.compared)
    expected = MaskSpec(kind="highest", drop_fraction=0.25, channels_off=(1,))
    assert view.saved[0].mask == expected
    assert app.query_params["saved"] in (
        f"Mine:{expected.to_text()}",
        [f"Mine:{expected.to_text()}"],
    )
    from ldviz.ui.state import _HISTORY

    assert app.session_state[_HISTORY].undo(view).saved == ()


def test_a_name_that_cannot_be_used_is_explained(studies: Path) -> None:
    app = opened()
    app.text_input(key="named-mask-name").input("a:b")
    app.button(key="FormSubmitter:named-mask-form-Save").click().run()
    assert "A mask's name has 1 to 24" in app.warning[0].value
    assert app.session_state["ldviz-view"].saved == ()


def test_a_saved_mask_of_another_study_is_an_error_in_place_of_numbers(studies: Path) -> None:
    app = opened(saved="Far:influence~d9999", compared="Far")
    assert len(app.error) == 1
    assert "The mask was made for another study" in app.error[0].value


def test_a_saved_mask_goes_back_to_the_lab_and_can_be_forgotten(studies: Path) -> None:
    app = opened(saved=SAVED)
    app.button(key="named-mask-use/Chance").click().run()
    assert app.session_state["ldviz-view"].mask == MaskSpec(drop_fraction=0.5)
    app.button(key="named-mask-forget/Chance").click().run()
    assert [entry.name for entry in app.session_state["ldviz-view"].saved] == ["Paper"]
