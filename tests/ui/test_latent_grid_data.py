"""What the Latent grid page hands to the browser, with hand-made numbers."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ldviz.geometry.lattice import dimension_basis
from ldviz.study.store import open_study
from ldviz.ui.latent_grid_cells import cells_data
from ldviz.ui.latent_grid_lattices import amount
from ldviz.ui.latent_grid_planes import DimensionNames, PlaneChoice, PlaneSpec, planes_at
from ldviz.ui.latent_grid_travel import travel_data
from tests.pages.hand_made_study import write_hand_made_study


@pytest.fixture
def study(tmp_path):
    return open_study(write_hand_made_study(tmp_path / "hand"))


def plane(name, colour="#D55E00"):
    return PlaneChoice(
        name=name, colour=colour, basis=dimension_basis((0, 1), 3), axis_titles=("x", "y")
    )


def opened(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.00134, "0.00134"),
        (2.034, "2.03"),
        (41.27, "41.3"),
        (865.2, "865"),
        (556_432.0, "556,000"),
        (1.74e-7, "1.7 × 10⁻⁷"),
        (float("inf"), "∞"),
    ],
)
def test_amounts_have_three_digits_and_no_exponent_where_it_can_be_read(value, text):
    assert amount(value) == text


def test_a_journey_carries_distances_from_its_start_and_frames_in_order():
    offsets = np.array([-1.0, 0.0, 1.0])
    images = np.zeros((3, 4), dtype=np.float32)
    images[0], images[2] = -1.0, 0.5
    still = np.zeros((3, 4), dtype=np.float32)
    data = travel_data(
        [plane("high"), plane("low", "#0072B2")],
        ["first", "second"],
        [(offsets, images), (offsets, still)],
        image_shape=(1, 2, 2),
        key="k",
    )
    assert data["start"] == 1
    assert (data["width"], data["height"]) == (2, 2)
    high, low = data["tracks"]
    assert high["distances"] == pytest.approx([2.0, 0.0, 1.0])
    assert low["distances"] == [0.0, 0.0, 0.0]
    sheet = opened(high["sheet"])
    assert sheet.shape == (6, 2, 2)
    assert sheet[0, 0, 0] == 0
    assert sheet[5, 1, 0] == 191
    assert data["largest_change"] == pytest.approx(128.0)


def test_cells_are_listed_in_the_order_of_the_flat_index(study):
    maps = np.zeros((24, 8, 8))
    maps[np.arange(24), 0, 0] = np.arange(1.0, 25.0)
    data = cells_data(study, 3, maps)
    influence = study.influence()[3]
    assert data["shape"] == [2, 3, 4]
    np.testing.assert_allclose(data["influence"], influence, atol=1e-4)
    assert data["rank"][int(influence.argmax())] == 1
    assert data["rank"][int(influence.argmin())] == 24
    assert data["peaks"][10] == 11.0
    assert (data["tile_columns"], data["width"], data["height"]) == (5, 8, 8)
    assert opened(data["tiles"]).shape == (40, 40)


def test_names_rank_the_highest_influence_first_and_break_ties_by_index():
    names = DimensionNames(np.array([0.0, 2.0, 2.0, -1.0]), (1, 2, 2))
    assert names.by_rank.tolist() == [1, 2, 0, 3]
    assert names.rank.tolist() == [3, 1, 2, 4]
    assert names.title(2) == "channel 0, cell 1,0 · rank 2"
    assert names.label(3) == "channel 0, cell 1,1 · rank 4 · -1.00 nats"


def test_ranks_mean_other_dimensions_at_other_images(study):
    spec = PlaneSpec("influence", pairs=((1, 2), (24, 23)))
    for row in (0, 5):
        order = np.argsort(-study.influence()[row].astype(np.float64), kind="stable")
        high, low = planes_at(study, row, spec)
        assert high.name == "highest influence"
        np.testing.assert_array_equal(np.flatnonzero(high.basis[0]), [order[0]])
        np.testing.assert_array_equal(np.flatnonzero(low.basis[1]), [order[22]])


def test_pairs_in_the_middle_are_not_called_extreme(study):
    first, second = planes_at(study, 0, PlaneSpec("influence", pairs=((3, 4), (24, 23))))
    assert (first.name, second.name) == ("first pair", "lowest influence")
