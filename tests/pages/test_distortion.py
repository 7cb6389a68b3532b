"""The Distortion page by AppTest: who stands where, and what the controls change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.hand_made_study import RANK, write_hand_made_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "distortion.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page looks for studies."""
    path = tmp_path / "studies"
    monkeypatch.setenv("LDVIZ_STUDIES", str(path))
    return path


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def figure(app: AppTest) -> dict:
    (chart,) = app.get("plotly_chart")
    return json.loads(chart.proto.spec)


def gallery(app: AppTest) -> dict:
    """What the gallery was sent."""
    (component,) = app.get("bidi_component")
    (payload,) = json.loads(component.proto.json)
    return payload


def ids(group: dict) -> list[int]:
    return [item["id"] for item in group["items"]]


def test_the_page_opens_with_violins_of_both_classes(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    assert app.title[0].value == "Distortion"
    assert not app.error
    drawn = figure(app)
    assert drawn["layout"]["xaxis"]["title"]["text"] == f"Local distortion, rank {RANK} (nats)"
    assert {"Members", "Held-out"} <= {trace["name"] for trace in drawn["data"]}
    assert len(drawn["layout"]["images"]) == 16


def test_the_gallery_holds_both_extremes(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    lowest, highest = gallery(app)["groups"]
    # Distortion grows with the id, 100 to 179.
    assert ids(lowest) == list(range(100, 108))
    assert ids(highest) == list(range(179, 171, -1))
    app.slider(key="distortion-count").set_value(3).run()
    assert [ids(group) for group in gallery(app)["groups"]] == [[100, 101, 102], [179, 178, 177]]


def test_the_filter_applies_to_violins_and_gallery(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    app.segmented_control(key="distortion-shown").set_value("held_out").run()
    assert not app.exception
    names = [trace["name"] for trace in figure(app)["data"]]
    assert "Held-out" in names
    assert "Members" not in names
    lowest, _ = gallery(app)["groups"]
    assert ids(lowest)[:3] == [101, 103, 105]
    assert {item["kind"] for item in lowest["items"]} == {"held-out"}


def test_the_current_image_is_the_links_and_else_the_most_distorted(folder):
    write_hand_made_study(folder / "noise")
    assert gallery(opened())["current"] == 179
    app = opened(image="104")
    assert gallery(app)["current"] == 104
    marks = [trace for trace in figure(app)["data"] if trace["name"] == "current image"]
    assert [mark["customdata"] for mark in marks] == [[[104]]]


def test_the_numerical_rank_and_the_counts_are_told(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    text = "\n".join(element.value for element in [*app.markdown, *app.caption])
    assert "40 members and 40 held-out" in text
    assert "24 of 24 singular values" in text
    assert "AUC of 0.487 (95 % interval" in text
    assert "SimA at timestep 50" in text


def test_a_study_without_scores_shows_distortion_alone(folder):
    write_hand_made_study(folder / "noise", with_attack=False, with_labels=False)
    lowest, _ = gallery(opened())["groups"]
    assert lowest["items"][0]["lines"] == []


def test_an_image_that_is_not_in_the_study_is_one_clear_message(folder):
    write_hand_made_study(folder / "noise")
    (error,) = opened(image="7").error
    assert "has no sample 7" in error.value


def test_an_end_of_the_violins_is_chosen_for_every_page(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    app.button(key="distortion-quarter/3").click().run()
    assert not app.exception
    # Distortion grows with the id: the highest quarter of 100..179 is 160..179.
    assert app.session_state["ldviz-view"].selection == tuple(range(160, 180))
    assert app.session_state["ldviz-view"].to_query()["selection"] == "160-179"
    text = " ".join(caption.value for caption in app.caption)
    assert "20 samples chosen, on every page: 10 members, 10 held-out" in text
    assert "Attack AUC among them" in text
    marks = [trace for trace in figure(app)["data"] if trace["name"].endswith(": chosen")]
    assert [len(trace["x"]) for trace in marks] == [10, 10]
    app.button(key="distortion-clear").click().run()
    assert app.session_state["ldviz-view"].selection == ()


def test_an_end_is_chosen_among_the_classes_shown(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    app.segmented_control(key="distortion-shown").set_value("member").run()
    app.button(key="distortion-quarter/0").click().run()
    assert app.session_state["ldviz-view"].selection == tuple(range(100, 120, 2))
    assert "With one class alone there is no ROC" in " ".join(c.value for c in app.caption)
