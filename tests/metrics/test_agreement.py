"""Attacks against each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ldviz.errors import InputError
from ldviz.metrics import roc
from ldviz.metrics.agreement import attack_agreement, found_members, rank_correlation


def test_found_and_overlap_by_hand():
    is_member = np.array([True] * 4 + [False] * 4)
    a = np.array([9.0, 8, 7, 1, 7.5, 3, 2, 0])
    b = np.array([9.0, 1, 8, 7, 7.5, 3, 2, 0])
    # One accusation allowed (0.25 of 4): a finds above 3: 9, 8, 7; b finds 9, 8, 7.
    agreement = attack_agreement(is_member, a, b, fpr=0.25)
    assert (agreement.found_a, agreement.found_b, agreement.found_both) == (3, 3, 2)
    assert agreement.overlap == pytest.approx(2 / 4)
    # Independent: 9/16 both, 3/4 + 3/4 - 9/16 either.
    assert agreement.expected_overlap == pytest.approx((9 / 16) / (24 / 16 - 9 / 16))
    np.testing.assert_array_equal(found_members(is_member, a, 1.0), is_member)


def test_found_members_are_those_of_tpr_at_fpr():
    generator = np.random.default_rng(0)
    is_member = generator.random(300) < 0.5
    scores = np.round(generator.standard_normal(300) + is_member, 1)  # with ties
    for fpr in (0.01, 0.1, 0.5):
        found = found_members(is_member, scores, fpr)
        assert not found[~is_member].any()
        assert found.sum() / is_member.sum() == roc.tpr_at_fpr(is_member, scores, fpr)


def test_rank_correlation_equals_scipy_with_ties():
    generator = np.random.default_rng(1)
    a = generator.integers(0, 9, 80).astype(float)
    b = a + generator.integers(0, 9, 80)
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1.0)
    assert rank_correlation(a, -a) == pytest.approx(-1.0)
    assert np.isnan(rank_correlation(a, np.zeros(80)))
    assert np.isnan(rank_correlation(a[:1], a[:1]))


def test_correlation_within_the_classes_is_not_the_difference_between_them():
    generator = np.random.default_rng(2)
    is_member = np.arange(2000) % 2 == 0
    a = generator.standard_normal(2000) + 4 * is_member
    b = generator.standard_normal(2000) + 4 * is_member
    agreement = attack_agreement(is_member, a, b)
    assert agreement.rank_correlation > 0.6
    assert abs(agreement.rank_correlation_members) < 0.15  # 4.7 standard errors
    assert abs(agreement.rank_correlation_held_out) < 0.15


def test_too_few_held_out_and_nothing_found():
    is_member = np.array([True] * 4 + [False] * 4)
    agreement = attack_agreement(is_member, np.arange(8.0), np.arange(8.0))
    assert agreement.found_a is None
    assert agreement.overlap is None
    assert agreement.rank_correlation == pytest.approx(1.0)
    with pytest.raises(InputError, match="at least 100 held-out images, there are 4"):
        found_members(is_member, np.arange(8.0), 0.01)
    nothing = attack_agreement(is_member, np.arange(8.0), np.arange(8.0), fpr=0.25)
    assert nothing.found_both == 0
    assert np.isnan(nothing.overlap)
