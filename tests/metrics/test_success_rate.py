"""The attack success rate: estimates too high, too low, and between."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ldviz.metrics import roc, success_rate
from ldviz.metrics.resampling import resample_chunks


def best_threshold(is_member, scores, weights):
    """Try every score as a threshold on a weighted sample; inf when none helps."""
    best, chosen = 0.0, np.inf
    for threshold in np.unique(scores[weights > 0])[::-1]:
        called = scores >= threshold
        gain = np.average(called[is_member], weights=weights[is_member]) - np.average(
            called[~is_member], weights=weights[~is_member]
        )
        if gain > best + 1e-12:
            best, chosen = gain, threshold
    return best, chosen


@pytest.mark.parametrize("decimals", [0, 12])
def test_equals_its_slow_twin(decimals):
    generator = np.random.default_rng(0)
    is_member = generator.random(50) < 0.5
    scores = np.round(generator.standard_normal((2, 50)) * 2 + is_member, decimals)
    rate = success_rate.success_rate(is_member, scores, num_resamples=120, seed=4)

    member, held_out = np.flatnonzero(is_member), np.flatnonzero(~is_member)
    votes, chances = np.zeros(50), np.zeros(50)
    for members, others in resample_chunks(member.size, held_out.size, 120, 4):
        for column in range(members.shape[1]):
            weights = np.zeros(50)
            weights[member] = members[:, column]
            weights[held_out] = others[:, column]
            out = weights == 0
            chances += out
            for row in scores:
                _, threshold = best_threshold(is_member, row, weights)
                votes += (out & (row >= threshold)) / 2
    left_out = votes / chances
    np.testing.assert_allclose(rate.called_left_out, left_out)
    largest = [best_threshold(is_member, row, np.ones(50))[0] for row in scores]
    assert rate.largest == pytest.approx(np.mean(largest))
    assert rate.largest == pytest.approx(
        2 * roc.curve_metrics(is_member, scores, fprs=())["asr"].mean() - 1
    )
    assert rate.left_out < rate.centre < rate.largest
    called = np.mean(
        [row >= best_threshold(is_member, row, np.ones(50))[1] for row in scores], axis=0
    )
    np.testing.assert_allclose(rate.called, called)


def test_centre_by_hand():
    empty = np.zeros(0)
    certain = success_rate.SuccessRate(0.5, 0.5, empty, empty)
    assert (certain.no_information, certain.centre) == pytest.approx((0.0, 0.5))
    clear = success_rate.SuccessRate(0.5, 0.4, empty, empty)
    weight = 0.632 / (1 - 0.368 * 0.2)
    assert clear.no_information == pytest.approx(0.2)
    assert clear.centre == pytest.approx(weight * 0.4 + (1 - weight) * 0.5)
    chance = success_rate.SuccessRate(0.04, -0.01, empty, empty)
    assert (chance.no_information, chance.centre) == pytest.approx((1.0, -0.01))
    nothing = success_rate.SuccessRate(0.0, 0.0, empty, empty)
    assert (nothing.no_information, nothing.centre) == (0.0, 0.0)


def test_intervals_by_hand():
    is_member = np.array([True] * 4 + [False] * 4)
    a = success_rate.SuccessRate(
        largest=0.75,
        left_out=0.6,
        called=np.array([1.0, 1, 1, 0, 0, 0, 0, 0]),
        called_left_out=np.array([1.0, 0.9, 0.8, 0, 0, 0.1, 0, 0]),
    )
    nobody = success_rate.SuccessRate(0.0, 0.0, np.zeros(8), np.zeros(8))
    weight = 0.632 / (1 - 0.368 * 0.2)
    centre = weight * 0.6 + (1 - weight) * 0.75
    at_chosen = (3 + 1) / 36 - 0.25 / 6 + 1 / 36
    left_out = (2.45 + 1) / 36 - 0.45**2 / 6 + 1.01 / 36 - (0.1 / 6) ** 2 / 6
    reach = 1.959964 * np.sqrt(at_chosen)
    assert success_rate.success_rate_interval(a, is_member) == pytest.approx(
        ((1 + max(0.0, centre - reach)) / 2, 1.0)
    )
    reach = 1.959964 * np.sqrt(0.6 * at_chosen + 0.4 * left_out)
    assert success_rate.success_rate_difference_interval(a, nobody, is_member) == pytest.approx(
        ((centre - reach) / 2, min(1.0, centre + reach) / 2)
    )
    # At chance the value shown lies above its interval, which then reaches up to it.
    chance = success_rate.SuccessRate(0.9, -0.9, np.ones(8), np.ones(8))
    assert success_rate.success_rate_interval(chance, is_member)[1] == pytest.approx(0.95)


def test_variance_of_decisions_by_hand():
    # Members 1, 1, 0: (2 + 1) / 25 - 0.4 ** 2 / 5; held-out 0, 0: (0 + 1) / 16 - 0.
    variance = success_rate.decision_variance(
        np.array([1.0, 1, 0, 0, 0]), np.array([True] * 3 + [False] * 2)
    )
    assert variance == pytest.approx(3 / 25 - 0.16 / 5 + 1 / 16)


def test_errors_of_the_estimates_cancel():
    """Largest too high, left-out too low, .632+ between: bias in standard errors of the mean."""
    trials = 120
    shift = np.sqrt(2) * norm.ppf(0.65)
    truth = 2 * norm.cdf(shift / 2) - 1
    is_member = np.arange(400) < 200
    rates = []
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        scores = generator.standard_normal((1, 400)) + shift * is_member
        rate = success_rate.success_rate(is_member, scores, num_resamples=100, seed=trial)
        rates.append((rate.largest, rate.left_out, rate.centre))
    errors = np.array(rates) - truth
    bias = errors.mean(axis=0) / (errors.std(axis=0) / np.sqrt(trials))
    assert bias[0] > 4
    assert bias[1] < -1
    assert abs(bias[2]) < 3


def test_split_by_hand():
    #               first half            second half
    is_member = np.array([True, True, False, False, True, True, False, False])
    scores = np.array([[4.0, 3.0, 1.0, 2.0, 3.5, 1.5, 3.2, 0.0]])
    first = np.arange(8) < 4
    # Chosen on the first half: 3 (all right).  On the second: called 3.5, not 3.2: 1/2 right
    # among members, 3.2 accused: (1 + 1/2 - 1/2) / 2.
    # Chosen on the second: 3.5 finds 1/2, accuses none; 1.5 finds all, accuses 1/2: the
    # first wins a draw.  On the first half 3.5 finds one of two: (1 + 1/2) / 2.
    assert success_rate.split_success_rate(is_member, scores, first) == pytest.approx(
        (0.5 + 0.75) / 2
    )


def test_split_at_chance_is_one_half_on_average():
    is_member = np.arange(100) < 50
    values = []
    for trial in range(400):
        generator = np.random.default_rng(trial)
        first = np.zeros(100, bool)
        first[generator.permutation(50)[:25]] = True
        first[50 + generator.permutation(50)[:25]] = True
        scores = generator.standard_normal((1, 100))
        values.append(success_rate.split_success_rate(is_member, scores, first))
    assert abs(np.mean(values) - 0.5) < 4 * np.std(values) / np.sqrt(400)
