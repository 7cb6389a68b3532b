"""Splits: disjoint, stratified, seeded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldviz.data.splits import check_split, stratified_split
from ldviz.errors import DataError


@given(st.integers(2, 200), st.integers(1, 7), st.integers(0, 10))
def test_every_class_is_halved(count: int, num_classes: int, seed: int) -> None:
    labels = np.arange(count) % num_classes
    is_member = stratified_split(np.arange(count), labels, member_fraction=0.5, seed=seed)
    assert abs(2 * is_member.sum() - count) <= 1
    for label in range(num_classes):
        inside = is_member[labels == label]
        assert abs(2 * inside.sum() - len(inside)) <= 2


def test_equal_seeds_give_equal_splits() -> None:
    ids, labels = np.arange(300), np.arange(300) % 10
    first, again, other = (
        stratified_split(ids, labels, member_fraction=0.5, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("fraction", [0.0, 1.0, 50])
def test_a_fraction_outside_the_open_interval_is_refused(fraction: float) -> None:
    with pytest.raises(DataError, match=r"`member_fraction` must be in \(0, 1\)"):
        stratified_split(np.arange(4), None, member_fraction=fraction, seed=0)


def test_an_overlap_is_counted_and_located() -> None:
    with pytest.raises(DataError, match=r"overlap in 2 places \(first: 3\)"):
        check_split(np.array([1, 3, 5]), np.array([5, 3, 7]))


def test_an_empty_side_is_named() -> None:
    with pytest.raises(DataError, match="no held-out images"):
        check_split(np.array([1]), np.array([], dtype=int))
