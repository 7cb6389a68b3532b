"""Quartiles, random groups and halves."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.metrics import roc, strata


def test_quartiles_by_hand():
    np.testing.assert_array_equal(
        strata.quartiles(np.array([8.0, 1, 7, 2, 6, 3, 5, 4])), [3, 0, 3, 0, 2, 1, 2, 1]
    )


@pytest.mark.parametrize("n", [4, 5, 6, 7, 1797])
def test_quartiles_of_distinct_values_have_equal_sizes(n):
    values = np.random.default_rng(n).standard_normal(n)
    groups = strata.quartiles(values)
    sizes = np.bincount(groups, minlength=4)
    assert sizes.max() - sizes.min() <= 1
    for low, high in ((0, 1), (1, 2), (2, 3)):
        assert values[groups == low].max() < values[groups == high].min()


def test_equal_values_share_a_quartile():
    groups = strata.quartiles(np.array([1.0, 1, 1, 1, 1, 2, 3, 4]))
    assert len(set(groups[:5])) == 1


def test_quartiles_reject_what_has_none():
    with pytest.raises(InputError, match="at least 4"):
        strata.quartiles(np.arange(3.0))
    with pytest.raises(InputError, match=r"1 of 5 values are not finite \(first: 3\)"):
        strata.quartiles(np.array([1.0, 2, 3, np.nan, 5]))


def test_random_groups_are_seeded_and_without_replacement():
    groups = strata.random_groups(100, 25, 10, seed=4)
    assert groups.shape == (10, 25)
    assert (np.diff(groups, axis=1) > 0).all()
    np.testing.assert_array_equal(groups[:3], strata.random_groups(100, 25, 3, seed=4))
    assert (groups != strata.random_groups(100, 25, 10, seed=5)).any()
    # Every sample is as likely as any other: 4,000 groups of a quarter, 5 standard errors.
    share = np.bincount(strata.random_groups(8, 2, 4000).ravel(), minlength=8) / 4000
    np.testing.assert_allclose(share, 0.25, atol=5 * np.sqrt(0.25 * 0.75 / 4000))
    with pytest.raises(InputError, match="between 1 and the 5 samples, got 6"):
        strata.random_groups(5, 6)


def test_random_band_equals_its_slow_twin():
    generator = np.random.default_rng(0)
    is_member = np.arange(60) % 2 == 0
    scores = generator.standard_normal((3, 60))
    mean, deviation = strata.random_band(is_member, scores, 15, num_groups=4, seed=2)
    aucs = [
        [roc.roc_auc(is_member[rows], row[rows]) for row in scores]
        for rows in strata.random_groups(60, 15, 4, seed=2)
    ]
    np.testing.assert_allclose(mean, np.mean(aucs, axis=0))
    np.testing.assert_allclose(deviation, np.std(aucs, axis=0, ddof=1))


def test_halves_keep_the_balance():
    is_member = np.array([True] * 7 + [False] * 10)
    first = strata.stratified_halves(is_member, seed=1)
    assert first[is_member].sum() == 4
    assert first[~is_member].sum() == 5
    np.testing.assert_array_equal(first, strata.stratified_halves(is_member, seed=1))
    assert (first != strata.stratified_halves(is_member, seed=2)).any()


def test_halves_keep_the_balance_of_labels():
    generator = np.random.default_rng(0)
    is_member = generator.random(200) < 0.5
    labels = generator.integers(0, 7, 200)
    first = strata.stratified_halves(is_member, seed=1, labels=labels)
    for stratum in (True, False):
        for label in range(7):
            cell = first[(is_member == stratum) & (labels == label)]
            assert abs(cell.sum() - (~cell).sum()) <= 1
        assert abs(2 * first[is_member == stratum].sum() - (is_member == stratum).sum()) <= 1
