"""Drawn shapes: reproducible to the bit, and their complexity is what it says."""

import hashlib

import numpy as np
import pytest

from ldviz.data import shapes
from ldviz.data.shapes import (
    FURTHER_HELD_OUT,
    GRID,
    STUDY_IMAGES,
    draw_images,
    edge_points,
    load_shapes,
    shapes_complexity,
)
from ldviz.data.sources import get_source
from ldviz.errors import DataError


@pytest.fixture(scope="module")
def drawn():
    return draw_images(np.arange(200))


def test_the_images_are_the_same_everywhere(drawn) -> None:
    """All arithmetic is in integers, so this digest holds on every machine."""
    pixels, _ = drawn
    assert hashlib.sha256(pixels[:100].tobytes()).hexdigest()[:16] == "29fc17911d5f835f"


def test_an_image_depends_on_its_id_alone(drawn) -> None:
    pixels, complexity = drawn
    again, known = draw_images(np.array([150, 3]))
    np.testing.assert_array_equal(again, pixels[[150, 3]])
    assert known.edge_length.tolist() == complexity.edge_length[[150, 3]].tolist()
    other, _ = draw_images(np.array([150, 3]), seed=1)
    assert (other != again).any(axis=(1, 2, 3)).all()


def test_no_two_images_are_alike(drawn) -> None:
    assert len(np.unique(drawn[0].reshape(200, -1), axis=0)) == 200


def test_the_edge_of_a_rectangle_is_its_perimeter() -> None:
    owner = np.zeros((GRID, GRID), dtype=int)
    owner[8:28, 40:80] = 1  # 20 x 40 points: a perimeter of 120 points
    assert edge_points(owner) == 120
    owner[0:5, :] = 2  # along the border only its lower side is an edge
    assert edge_points(owner) == 120 + GRID


def test_without_shapes_there_is_no_edge(drawn) -> None:
    _, complexity = drawn
    bare = complexity.num_shapes == 0
    assert bare.sum() > 5
    assert (complexity.edge_length[bare] == 0).all()
    assert (complexity.edge_length[~bare] > 0).all()


def test_every_kind_of_image_occurs(drawn) -> None:
    _, complexity = drawn
    assert complexity.num_shapes.max() >= 12
    assert set(complexity.texture_frequency) == set(range(9))
    assert 0.35 < (complexity.texture_frequency == 0).mean() < 0.65


@pytest.mark.parametrize("direction", [0, 1])
def test_the_grating_has_the_stated_number_of_periods(direction: int) -> None:
    """Counted on the grid itself, along the axis that the stripes cross."""
    for frequency in range(1, 9):
        numbers = np.zeros(12, dtype=np.int64)
        numbers[8], numbers[9], numbers[10], numbers[11] = 1, frequency - 1, direction, 5
        points, stated = shapes._background(numbers)
        assert stated == frequency
        line = points[:, 0, 0] if direction else points[0, :, 0]
        spectrum = np.abs(np.fft.rfft(line.astype(float) - line.mean()))
        assert spectrum.argmax() == frequency


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_shape_has_the_area_of_its_kind(kind: int) -> None:
    """Disc, square and triangle of size 8 pixels (32 points), turned by (3, 2)."""
    down, right = np.mgrid[-64:64, -64:64]
    numbers = np.array([kind, 6, 6, 7, 6])
    area = shapes._inside(numbers, down, right).sum()
    expected = {0: np.pi * 32**2, 1: 4 * 32**2, 2: 2 * 32**2}[kind]
    assert area == pytest.approx(expected, rel=0.02)


def test_the_known_complexity_is_that_of_the_drawing(drawn) -> None:
    columns = shapes_complexity(np.arange(10))
    assert list(columns) == ["num_shapes", "edge_length", "texture_frequency"]
    np.testing.assert_array_equal(columns["num_shapes"], drawn[1].num_shapes[:10])


def test_the_further_images_follow_the_studys_own(monkeypatch) -> None:
    monkeypatch.setattr(
        shapes, "draw_images", lambda ids: (np.zeros((len(ids), 32, 32, 3), np.uint8), None)
    )
    own, further = load_shapes(32), get_source("shapes").load_further(32)
    assert len(own) == STUDY_IMAGES == 2000
    assert len(further) == FURTHER_HELD_OUT == 9000
    assert not np.intersect1d(own.sample_ids, further.sample_ids).size


def test_only_the_stated_size_is_drawn() -> None:
    with pytest.raises(DataError, match="32 x 32 pixels, got `image_size` = 64"):
        load_shapes(64)


def test_an_unknown_source_is_named() -> None:
    with pytest.raises(DataError, match=r'no image source "cats"\. Known: digits, photos, shapes'):
        get_source("cats")
