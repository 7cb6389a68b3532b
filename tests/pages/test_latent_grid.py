"""The Latent grid page by AppTest, with a tiny real decoder."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from ldviz.geometry import exact_geometry
from ldviz.models import load_model
from ldviz.study.pair import Pair
from ldviz.study.store import open_study
from ldviz.ui.latent_grid_pair import beside_spec
from ldviz.ui.latent_grid_planes import PlaneSpec
from tests.pages.hand_made_study import write_hand_made_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "latent_grid.py")


@pytest.fixture
def study(tiny_study_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LDVIZ_STUDIES", str(tiny_study_folder.parent))
    return open_study(tiny_study_folder)


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=240)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def figures(app: AppTest) -> list[dict]:
    """The drawn figures, as the browser gets them."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def decoded(value) -> np.ndarray:
    """An array as plotly writes it: a list, or base64 with its type."""
    if isinstance(value, list):
        return np.array(value)
    return np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])


def captions(app: AppTest) -> str:
    return " ".join(element.value for element in app.caption)


def by_distortion(study) -> np.ndarray:
    return np.argsort(-study.local_distortion(), kind="stable")


def test_the_page_opens_on_two_planes_and_both_bent(study) -> None:
    app = opened()
    assert not app.error
    first, second, data_space = figures(app)
    assert first["layout"]["images"][0]["source"].startswith("data:image/png;base64,")
    assert first["layout"]["images"] != second["layout"]["images"]
    names = {trace["name"] for trace in data_space["data"]}
    assert {"highest influence", "lowest influence", "the image"} <= names
    assert "of variance" in data_space["layout"]["xaxis"]["title"]["text"]


def test_the_default_dimensions_are_those_of_extreme_influence(study) -> None:
    row = int(by_distortion(study)[0])
    order = np.argsort(-study.influence()[row].astype(np.float64), kind="stable")
    text = captions(opened())
    for rank, dimension in ((1, order[0]), (2, order[1]), (64, order[-1]), (63, order[-2])):
        channel, cell_row, column = np.unravel_index(dimension, study.latent_shape)
        assert f"channel {channel}, cell {cell_row},{column} · rank {rank}" in text


def test_the_caption_compares_true_pixel_distances(study) -> None:
    text = captions(opened())
    assert "pixel distance: L2 over 256 pixels in [-1, 1]" in text
    assert "a factor of" in text


def test_stepping_walks_by_distortion_and_changes_the_current_image(study) -> None:
    order = by_distortion(study)
    app = opened()
    assert app.button(key="grid-previous").disabled
    app.button(key="grid-next").click().run()
    assert not app.exception
    assert app.session_state["ldviz-view"].image == study.sample_ids[order[1]]
    assert app.number_input(key="grid-distortion-rank").value == 2
    app.number_input(key="grid-distortion-rank").set_value(96).run()
    assert app.session_state["ldviz-view"].image == study.sample_ids[order[-1]]
    assert app.button(key="grid-next").disabled
    assert f"Image {study.sample_ids[order[-1]]}" in app.markdown[1].value


def test_a_link_opens_its_image(study) -> None:
    wanted = int(study.sample_ids[by_distortion(study)[40]])
    app = opened(image=str(wanted))
    assert app.number_input(key="grid-distortion-rank").value == 41


def test_other_ranks_and_other_cells_draw_other_planes(study) -> None:
    app = opened()
    before = figures(app)[0]
    app.number_input(key="grid-rank-Orange-across-tiny").set_value(30).run()
    assert not app.exception
    assert "· rank 30" in captions(app)
    assert figures(app)[0] != before
    app.segmented_control(key="grid-mode").set_value("cell").run()
    app.selectbox(key="grid-cell-Blue-up-tiny").set_value(5).run()
    assert not app.exception
    assert "channel 0, cell 1,1" in captions(app)


def test_reach_and_resolution_change_the_grid(study) -> None:
    app = opened()
    app.select_slider(key="grid-reach").set_value(0.5).run()
    app.select_slider(key="grid-resolution").set_value(5).run()
    assert not app.exception
    ticks = figures(app)[0]["layout"]["xaxis"]["tickvals"]
    assert ticks == [-0.5, 0.0, 0.5]
    assert "One step of 0.25 latent units" in captions(app)


def test_edges_can_be_coloured_and_a_third_component_drawn(study) -> None:
    app = opened()
    app.toggle(key="grid-by-distance").set_value(True).run()
    assert "scale" in {trace["name"] for trace in figures(app)[2]["data"]}
    app.toggle(key="grid-3d").set_value(True).run()
    assert not app.exception
    assert {trace["type"] for trace in figures(app)[2]["data"]} == {"scatter3d"}


def open_section(name: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=240)
    app.session_state["grid-section"] = name
    app.run()
    assert not app.exception
    assert not app.error
    return app


def test_singular_directions_can_be_chosen_by_part_of_the_spectrum(study) -> None:
    app = opened()
    app.segmented_control(key="grid-mode").set_value("singular").run()
    assert not app.exception
    row = int(by_distortion(study)[0])
    assert "singular direction 1 · σ" in captions(app)
    strongest = study.array("singular_values")[row, 0]
    assert f"singular direction 1 · σ = {strongest:.3g}" in captions(app)
    app.segmented_control(key="grid-part-Blue").set_value("Middle").run()
    assert not app.exception
    assert "middle directions" in {trace["name"] for trace in figures(app)[2]["data"]}


def test_indicatrices_of_both_spaces_are_a_click_apart(study) -> None:
    app = open_section("Indicatrices")
    data_space = figures(app)
    assert len(data_space) == 3
    assert "median √λ" in captions(app)
    app.segmented_control(key="grid-space").set_value("latent").run()
    assert not app.exception
    assert len(figures(app)) == 2
    assert "median 1/√λ" in captions(app)


def test_drawn_indicatrices_carry_the_metric_of_the_real_decoder(study) -> None:
    app = open_section("Indicatrices")
    row = int(by_distortion(study)[0])
    hover = next(trace for trace in figures(app)[0]["data"] if trace["name"] == "semi-axes")
    drawn = decoded(hover["customdata"]).reshape(-1, 2)
    assert len(drawn) == 49
    model = load_model(study.path, image_shape=study.image_shape, device="cpu")
    latents = torch.from_numpy(study.array("latents")[row : row + 1].copy())
    diagonal = exact_geometry(model.decode, latents).diagonal.ravel()
    # At the image itself √λ of the plane's metric: its trace is the sum of the two G_ii.
    assert (drawn[24] ** 2).sum() == pytest.approx(np.sort(diagonal)[-2:].sum(), rel=1e-3)


def test_the_journey_is_decoded_ahead(study) -> None:
    app = open_section("Travel")
    assert "Drag the slider" in captions(app)
    app.segmented_control(key="grid-travel-axis").set_value("up").run()
    assert not app.exception


def test_two_images_share_one_scale(study) -> None:
    app = open_section("Two images")
    drawings = figures(app)
    assert len(drawings) == 6
    ranges = [drawings[index]["layout"]["yaxis"]["range"] for index in (2, 5)]
    assert ranges[0][1] - ranges[0][0] == pytest.approx(ranges[1][1] - ranges[1][0])
    first, last = by_distortion(study)[[0, -1]]
    text = " ".join(element.value for element in app.markdown)
    assert f"Image {study.sample_ids[first]}" in text
    assert f"Image {study.sample_ids[last]}" in text


def test_the_spectrum_needs_no_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path))
    write_hand_made_study(tmp_path / "bare")
    app = open_section("Spectrum")
    assert "its local distortion" in captions(app).lower()
    assert {"median", "90 % of images"} <= {trace["name"] for trace in figures(app)[0]["data"]}


def test_every_cell_is_mapped(study) -> None:
    assert "Point at a cell" in captions(open_section("Where cells act"))


def test_the_same_dimension_twice_is_an_error_in_place_of_the_grid(study) -> None:
    app = opened()
    app.number_input(key="grid-rank-Blue-up-tiny").set_value(64).run()
    assert not app.exception
    assert "two different latent dimensions" in app.error[0].value
    app.number_input(key="grid-rank-Blue-up-tiny").set_value(60).run()
    assert not app.error


def test_weights_of_another_model_are_refused(
    tiny_study_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tiny_study_copy.parent))
    config = tiny_study_copy / "vae" / "config.json"
    config.write_text(config.read_text() + "\n")
    app = opened()
    assert len(app.error) == 1
    assert "not the ones that study" in app.error[0].value


def test_a_study_without_a_model_gets_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path))
    write_hand_made_study(tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "vae", ignore_errors=True)
    app = opened()
    assert len(app.error) == 1
    assert "No model files" in app.error[0].value


@pytest.fixture
def twins(study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The study, and beside it the very same one under another name."""
    for name in (study.name, "twin"):
        shutil.copytree(study.path, tmp_path / "studies" / name)
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    return open_study(tmp_path / "studies" / study.name)


def lengths(figure: dict) -> list[float]:
    """How far both axes of a figure reach."""
    ranges = [figure["layout"][axis]["range"] for axis in ("xaxis", "yaxis")]
    return [high - low for low, high in ranges]


def test_two_studies_show_their_grids_on_one_scale(twins, monkeypatch) -> None:
    monkeypatch.setattr(Pair, "same_images", property(lambda self: False))
    row = by_distortion(twins)[40]
    app = opened(study=twins.name, other="twin", image=str(twins.sample_ids[row]))
    assert not app.error
    drawn = figures(app)
    assert len(drawn) == 6
    np.testing.assert_allclose(lengths(drawn[2]), lengths(drawn[5]))
    # Study B has an image of its own, the one of highest distortion, and its own steps.
    assert app.number_input(key="grid-distortion-rank").value == 41
    assert app.number_input(key="grid-distortion-rank/other").value == 1
    app.button(key="grid-next/other").click().run()
    assert app.number_input(key="grid-distortion-rank/other").value == 2
    assert app.session_state["ldviz-view"].image == twins.sample_ids[row]
    text = " ".join(element.proto.body for element in app.get("html"))
    assert "Step along highest influence" in text
    assert "Strongest dimension" in text


def test_the_same_image_goes_through_both_decoders_in_every_section(twins) -> None:
    app = opened(study=twins.name, other="twin")
    first, second = (figures(app)[index]["data"] for index in (2, 5))
    assert first == second, "the same decoder under two names"
    for section, charts in (
        ("Indicatrices", 4),
        ("Travel", 0),
        ("Spectrum", 2),
        ("Where cells act", 0),
    ):
        app.session_state["grid-pair-section"] = section
        app.run()
        assert not app.exception
        assert not app.error
        assert len(figures(app)) == charts
        assert len(app.get("bidi_component")) == (0 if charts else 2)
    app.session_state["ldviz-view"] = app.session_state["ldviz-view"].changed(other=None)
    app.run()
    assert not app.exception
    assert len(figures(app)) == 3


def test_planes_that_another_latent_shape_does_not_have_become_the_nearest(tmp_path: Path) -> None:
    first = open_study(write_hand_made_study(tmp_path / "one"))
    second = open_study(write_hand_made_study(tmp_path / "two", latent_shape=(2, 2, 2)))
    pair = Pair(first, second)
    same, note = beside_spec(pair, PlaneSpec("influence", pairs=((1, 2), (24, 23))))
    assert same.pairs == ((1, 2), (8, 7))
    assert not note
    cells, note = beside_spec(pair, PlaneSpec("cell", pairs=((0, 1), (2, 3))))
    assert cells == PlaneSpec("influence", pairs=((1, 2), (8, 7)))
    assert "have another shape" in note
    collapsed, _ = beside_spec(pair, PlaneSpec("influence", pairs=((11, 12), (24, 23))))
    assert all(one != two for one, two in collapsed.pairs)
