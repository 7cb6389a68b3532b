"""Nearest images against a naive search."""

from __future__ import annotations

import numpy as np

from ldviz.study import nearest
from ldviz.study.nearest import nearest_rows, usual_distances


def naive(array: np.ndarray, picture: np.ndarray, unit: float) -> np.ndarray:
    return np.array(
        [np.sqrt(np.mean(((row.astype(float) - picture) / unit) ** 2)) for row in array]
    )


def test_the_nearest_are_those_of_a_naive_search(monkeypatch) -> None:
    monkeypatch.setattr(nearest, "_BLOCK_NUMBERS", 100)
    generator = np.random.default_rng(0)
    array = generator.integers(0, 256, (31, 4, 4, 3), dtype=np.uint8)
    candidates = np.arange(0, 31, 2)
    picture = array[7]
    found = nearest_rows(array, picture, candidates, 5, unit=255.0)
    distances = naive(array[candidates], picture.astype(float), 255.0)
    np.testing.assert_array_equal(found.rows, candidates[np.argsort(distances)[:5]])
    np.testing.assert_allclose(found.distances, np.sort(distances)[:5])


def test_the_same_picture_has_distance_zero_and_few_candidates_are_all_found() -> None:
    array = np.random.default_rng(1).normal(size=(5, 2, 3, 3)).astype(np.float32)
    found = nearest_rows(array, array[3], np.array([1, 3]), 10)
    assert found.rows.tolist() == [3, 1]
    assert found.distances[0] == 0.0


def test_usual_distances_are_those_of_held_out_images_to_their_nearest_member() -> None:
    array = np.random.default_rng(2).integers(0, 256, (40, 5, 5, 1), dtype=np.uint8)
    is_member = np.arange(40) % 3 == 0
    expected = [
        naive(array[is_member], row.astype(float), 255.0).min() for row in array[~is_member]
    ]
    found = usual_distances(array, is_member, unit=255.0)
    np.testing.assert_allclose(found, np.sort(expected), atol=1e-7)
    assert not usual_distances(array, np.ones(40, dtype=bool)).size


def test_of_many_held_out_images_a_seeded_part_is_asked(monkeypatch) -> None:
    monkeypatch.setattr(nearest, "_REFERENCE", 10)
    array = np.random.default_rng(3).normal(size=(60, 8))
    is_member = np.arange(60) < 20
    first, again, other = (usual_distances(array, is_member, seed=seed) for seed in (0, 0, 1))
    assert len(first) == 10
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
