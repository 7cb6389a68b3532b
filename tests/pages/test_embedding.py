"""The Latent map by AppTest: colourings, t-SNE only on request, selections from the link."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import pair_of_studies
from tests.pages.hand_made_study import write_hand_made_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "embedding.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page looks for studies."""
    path = tmp_path / "studies"
    monkeypatch.setenv("LDVIZ_STUDIES", str(path))
    return path


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def figure(app: AppTest) -> dict:
    (chart,) = app.get("plotly_chart")
    return json.loads(chart.proto.spec)


def galleries(app: AppTest) -> list[dict]:
    sent = [json.loads(component.proto.json)[0] for component in app.get("bidi_component")]
    return [payload["groups"][0] for payload in sent if "groups" in payload]


def numbers(packed) -> np.ndarray:
    """A figure's array, written out or packed."""
    if isinstance(packed, dict):
        return np.frombuffer(base64.b64decode(packed["bdata"]), dtype=packed["dtype"])
    return np.asarray(packed)


def text_of(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def test_the_page_opens_on_pca_coloured_by_distortion(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    assert app.title[0].value == "Latent map"
    drawn = figure(app)
    assert "of variance" in drawn["layout"]["xaxis"]["title"]["text"]
    points = drawn["data"][0]
    assert len(numbers(points["x"])) == 80
    assert sorted(numbers(points["customdata"]).ravel()) == list(range(100, 180))
    assert points["marker"]["colorbar"]["title"]["text"] == "Local distortion, rank 4 (nats)"
    assert "Nothing is selected" in text_of(app)
    assert galleries(app) == []


@pytest.mark.parametrize(
    ("colour", "names"),
    [
        ("membership", ["member", "held-out"]),
        ("class", ["0", "1", "2"]),
        ("score", ["Membership score"]),
        ("influence", ["Mean influence (nats)"]),
    ],
)
def test_colourings(folder, colour, names):
    write_hand_made_study(folder / "noise")
    app = opened()
    app.segmented_control(key="map-colour").set_value(colour).run()
    assert not app.exception
    assert [trace["name"] for trace in figure(app)["data"]] == [*names, "current image"]


def test_what_a_study_does_not_have_is_not_offered(folder):
    write_hand_made_study(folder / "noise", with_attack=False, with_labels=False)
    app = opened()
    assert app.segmented_control(key="map-colour").options == [
        "Local distortion",
        "Mean influence",
        "Membership",
    ]


def test_a_links_selection_is_drawn_counted_and_attacked(folder):
    write_hand_made_study(folder / "noise")
    app = opened(selection="100-103.150")
    (points, _) = figure(app)["data"]
    assert list(numbers(points["selectedpoints"])) == [0, 1, 2, 3, 50]
    text = text_of(app)
    assert "**5 selected**: 3 members, 2 held-out" in text
    assert "AUC within the selection" in text
    (gallery,) = galleries(app)
    assert [item["id"] for item in gallery["items"]] == [100, 101, 102, 103, 150]
    app.button(key="map-clear").click().run()
    assert app.session_state["ldviz-view"].selection == ()
    assert galleries(app) == []


def test_a_large_selection_shows_a_few_dozen_and_says_so(folder):
    write_hand_made_study(folder / "noise")
    (gallery,) = galleries(opened(selection="100-179"))
    assert len(gallery["items"]) == 24
    assert gallery["detail"].startswith("24 of 80")


@pytest.mark.slow
def test_tsne_runs_when_its_button_is_pressed_and_not_before(folder):
    write_hand_made_study(folder / "noise")
    app = opened()
    app.segmented_control(key="map-method").set_value("tsne").run()
    assert "of variance" in figure(app)["layout"]["xaxis"]["title"]["text"]
    app.slider(key="map-perplexity").set_value(9).run()
    app.button(key="map-tsne-run").click().run()
    assert not app.exception
    assert figure(app)["layout"]["xaxis"]["title"]["text"] == "t-SNE 1 (no unit)"
    assert "perplexity 9, seed 0" in text_of(app)


def test_two_maps_share_scale_and_colours_and_state_their_differences(folder):
    pair_of_studies.write_two_studies(folder)
    app = pair_of_studies.opened("embedding", selection="100-103")
    alone = repr(app.main)
    pair_of_studies.compare(app)
    assert not app.error
    first, second = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    for axis in ("xaxis", "yaxis"):
        assert first["layout"][axis]["range"] == second["layout"][axis]["range"]
    for end in ("cmin", "cmax"):
        assert first["data"][0]["marker"][end] == second["data"][0]["marker"][end]
    assert len(numbers(second["data"][0]["x"])) == 60
    assert "selectedpoints" not in second["data"][0], "the other study holds other images"
    html = pair_of_studies.html_of(app)
    for label in ("Variance on the map", "Median local distortion", "Median of the mean influence"):
        assert label in html
    assert len(galleries(app)) == 1
    pair_of_studies.compare(app, None)
    assert repr(app.main) == alone


def test_on_the_same_images_a_selection_stands_on_both_maps(folder):
    pair_of_studies.write_two_studies(folder, num_samples=80)
    app = pair_of_studies.opened("embedding", other="other", selection="100-119", image="101")
    for chart in app.get("plotly_chart"):
        drawn = json.loads(chart.proto.spec)["data"]
        assert len(numbers(drawn[0]["selectedpoints"])) == 20
    assert "AUC within the selection" in pair_of_studies.html_of(app)
    assert len(galleries(app)) == 2
    assert pair_of_studies.html_of(app).count("<b>Image 101</b>") == 2


def test_distortions_of_other_ranks_are_not_subtracted(folder):
    pair_of_studies.write_two_studies(folder, rank=3)
    app = pair_of_studies.opened("embedding", other="other")
    assert "Median local distortion" not in pair_of_studies.html_of(app)
    assert "A sums 4 singular values and B 3" in pair_of_studies.words_of(app)
    first, second = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    assert first["data"][0]["marker"]["cmax"] != second["data"][0]["marker"]["cmax"]
