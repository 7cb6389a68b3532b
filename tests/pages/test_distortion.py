"""The Distortion page by AppTest: who stands where, and what the controls change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.hand_made_study import RANK, write_hand_made_study
from tests.pages.page_contents import page_contents

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


def of_two(folder: Path, *, num_samples: int = 60, **query: str) -> AppTest:
    """The page of two studies; of the same images where both have 80."""
    write_hand_made_study(folder / "noise")
    write_hand_made_study(folder / "other", title="Other noise", num_samples=num_samples)
    return opened(study="noise", other="other", **query)


def galleries(app: AppTest) -> list[dict]:
    return [json.loads(entry.proto.json)[0] for entry in app.get("bidi_component")]


def texts(app: AppTest) -> str:
    return "\n".join(
        [element.value for element in [*app.markdown, *app.caption]]
        + [element.proto.body for element in app.get("html")]
    )


def test_two_studies_share_axis_and_density_scale(folder):
    app = of_two(folder)
    assert not app.error
    one, two = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    assert one["layout"]["xaxis"]["range"] == two["layout"]["xaxis"]["range"]
    assert one["layout"]["yaxis"]["range"] == two["layout"]["yaxis"]["range"]
    alone = figure(opened(study="other"))
    assert alone["layout"]["xaxis"]["range"] != two["layout"]["xaxis"]["range"]
    quarters = [
        next(trace for trace in drawn["data"] if trace["name"] == "quarters")
        for drawn in (one, two)
    ]
    assert "Choose" in quarters[0]["hovertemplate"]
    assert "hovertemplate" not in quarters[1]


def test_the_differences_of_two_studies_are_stated(folder):
    text = texts(of_two(folder))
    assert text.count('<tr><th scope="row">') == 4
    assert f"local distortion of all images, rank {RANK}, nats" in text
    assert "A: 40 members, 40 held-out; B: 30 members, 30 held-out" in text
    assert "The two samples are independent." in text
    assert "Image by image" not in text


def test_the_filter_applies_to_both_studies_and_to_their_difference(folder):
    app = of_two(folder)
    app.segmented_control(key="distortion-shown").set_value("member").run()
    assert not app.exception
    assert "local distortion of members" in texts(app)
    assert {
        item["kind"] for payload in galleries(app) for item in payload["groups"][0]["items"]
    } == {"member"}


def test_the_same_images_are_compared_one_by_one(folder):
    app = of_two(folder, num_samples=80, image="104")
    text = texts(app)
    assert "**Image by image**, A − B has a median of 0.00" in text
    assert "Current image, the same in both" in text
    assert [payload["current"] for payload in galleries(app)] == [104, 104]


def test_the_second_study_has_a_current_image_of_its_own(folder):
    app = of_two(folder, image="104")
    # Image 104 is A's; B starts at its own most stretched one, the last of 60.
    assert [payload["current"] for payload in galleries(app)] == [104, 159]
    assert "Current image of B, on this page" in texts(app)


def test_distortions_of_different_rank_are_not_subtracted(folder):
    write_hand_made_study(folder / "noise")
    write_hand_made_study(folder / "other", title="Other noise", num_samples=60, rank=6)
    app = opened(study="noise", other="other")
    text = texts(app)
    assert f"A sums {RANK} singular values and B 6" in text
    assert text.count('<tr><th scope="row">') == 1
    one, two = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    assert one["layout"]["xaxis"]["range"] != two["layout"]["xaxis"]["range"]


def test_without_the_second_study_the_page_is_as_before(folder):
    write_hand_made_study(folder / "noise")
    write_hand_made_study(folder / "other", title="Other noise", num_samples=60)
    app = opened(study="noise")
    before = page_contents(app)
    view = app.session_state["ldviz-view"]
    app.session_state["ldviz-view"] = view.changed(other="other")
    assert page_contents(app.run()) != before
    app.session_state["ldviz-view"] = view
    assert page_contents(app.run()) == before
