"""ROC metrics against pen and paper, slow twins, scikit-learn and invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from ldviz.errors import InputError
from ldviz.metrics import roc

MEMBER = np.array([True, True, True, False, False])


@st.composite
def labelled_scores(draw):
    """Both classes present, and few distinct scores, so that ties are the rule."""
    members = draw(st.integers(1, 12))
    held_out = draw(st.integers(1, 12))
    is_member = np.array(draw(st.permutations([True] * members + [False] * held_out)))
    levels = draw(st.integers(1, 30))
    scores = draw(hnp.arrays(np.float64, members + held_out, elements=st.integers(0, levels)))
    return is_member, scores


def slow_counts(is_member, scores, positive="member"):
    """From the definition: try every threshold for every number of accusations."""
    flagged = is_member if positive == "member" else ~is_member
    ranking = scores if positive == "member" else -scores
    negatives = int((~flagged).sum())
    best = np.zeros(negatives, dtype=int)
    for threshold in [*np.unique(ranking), np.inf]:
        accused = int((ranking[~flagged] >= threshold).sum())
        found = int((ranking[flagged] >= threshold).sum())
        best[accused:] = np.maximum(best[accused:], found)
    return best


def slow_auc(is_member, scores):
    """Count pairs, ties as a half."""
    wins = [(a > b) + 0.5 * (a == b) for a in scores[is_member] for b in scores[~is_member]]
    return float(np.mean(wins))


def slow_asr(is_member, scores):
    rates = [
        ((scores[is_member] >= t).mean() + (scores[~is_member] < t).mean()) / 2
        for t in [*scores, np.inf]
    ]
    return max(rates)


def slow_tpr(is_member, scores, fpr):
    found = [
        (scores[is_member] >= t).mean()
        for t in [*scores, np.inf]
        if (scores[~is_member] >= t).mean() <= fpr + 1e-12
    ]
    return max(found)


# Pen and paper -------------------------------------------------------------------------


def test_a_case_with_a_tie_worked_by_hand():
    # Descending: 5 m | 4 h | 3 m and h (tie) | 1 m.  Pairs won: 5 beats both (2), 3 beats
    # none of 4 and ties with 3 (0.5), 1 beats none: 2.5 of 6.
    scores = np.array([5.0, 3.0, 1.0, 4.0, 3.0])
    assert roc.roc_auc(MEMBER, scores) == pytest.approx(2.5 / 6)
    # No accusation allowed: threshold above 4 finds one; one allowed: above 3 still one.
    np.testing.assert_array_equal(roc.detection_counts(MEMBER, scores), [1, 1])
    # Thresholds: 5 -> (0, 1/3), 4 -> (1/2, 1/3), 3 -> (1, 2/3), 1 -> (1, 1).
    curve = roc.roc_curve(MEMBER, scores)
    np.testing.assert_allclose(curve.fpr, [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(curve.tpr, [0, 1 / 3, 1 / 3, 2 / 3, 1])
    np.testing.assert_array_equal(curve.thresholds, [np.inf, 5, 4, 3, 1])
    assert roc.attack_success_rate(MEMBER, scores) == pytest.approx((1 / 3 + 1) / 2)
    assert roc.tpr_at_fpr(MEMBER, scores, 0.5) == pytest.approx(1 / 3)
    assert roc.tpr_at_fpr(MEMBER, scores, 1.0) == 1.0
    assert roc.tpr_at_fpr(MEMBER, scores, 0.49) is None


def test_the_other_convention_worked_by_hand():
    # Held-out positive, scores negated: 1 m | 3 m and h | 4 h | 5 m, suspicious first.
    scores = np.array([5.0, 3.0, 1.0, 4.0, 3.0])
    counts = roc.detection_counts(MEMBER, scores, positive="held_out")
    np.testing.assert_array_equal(counts, [0, 0, 2])
    assert roc.tpr_at_fpr(MEMBER, scores, 1 / 3, positive="held_out") == 0.0
    assert roc.tpr_at_fpr(MEMBER, scores, 2 / 3, positive="held_out") == 1.0
    curve = roc.roc_curve(MEMBER, scores, positive="held_out")
    np.testing.assert_array_equal(curve.thresholds, [-np.inf, 1, 3, 4, 5])
    np.testing.assert_allclose(curve.fpr, [0, 1 / 3, 2 / 3, 2 / 3, 1])
    np.testing.assert_allclose(curve.tpr, [0, 0, 0.5, 1, 1])


@pytest.mark.parametrize(
    ("scores", "auc", "asr", "tpr"),
    [
        ([3, 4, 5, 1, 2], 1.0, 1.0, 1.0),  # perfect
        ([1, 2, 3, 4, 5], 0.0, 0.5, 0.0),  # reversed: calling nobody is the best one can do
        ([7, 7, 7, 7, 7], 0.5, 0.5, 0.0),  # one value for all
    ],
)
@pytest.mark.parametrize("positive", ["member", "held_out"])
def test_perfect_reversed_and_constant_scores(scores, auc, asr, tpr, positive):
    scores = np.array(scores, dtype=float)
    assert roc.roc_auc(MEMBER, scores, positive=positive) == auc
    assert roc.attack_success_rate(MEMBER, scores, positive=positive) == asr
    assert roc.tpr_at_fpr(MEMBER, scores, 0.5, positive=positive) == tpr


def test_fpr_counts_are_not_fooled_by_binary_fractions():
    assert roc.allowed_accusations(0.29, 100) == 29  # 0.29 * 100 is 28.999999999999996
    assert roc.allowed_accusations(0.01, 900) == 9
    assert roc.allowed_accusations(0.01, 99) == 0
    assert roc.tpr_key(0.001) == "tpr_at_0_1pct_fpr"
    assert roc.metric_keys() == (
        "auc",
        "asr",
        "tpr_at_10pct_fpr",
        "tpr_at_1pct_fpr",
        "tpr_at_0_1pct_fpr",
    )


def test_confusion_counts_at_a_threshold():
    counts = roc.confusion_counts(MEMBER, np.array([5.0, 3.0, 1.0, 4.0, 3.0]), 3.0)
    assert counts == {
        "members_found": 2,
        "members_missed": 1,
        "held_out_accused": 2,
        "held_out_cleared": 0,
    }


# Slow twins and scikit-learn -----------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(labelled_scores(), st.sampled_from([0.05, 0.1, 0.25, 0.5, 1.0]))
def test_equals_the_definitions(case, fpr):
    is_member, scores = case
    for positive in ("member", "held_out"):
        np.testing.assert_array_equal(
            roc.detection_counts(is_member, scores, positive=positive),
            slow_counts(is_member, scores, positive),
        )
    assert roc.roc_auc(is_member, scores) == pytest.approx(slow_auc(is_member, scores))
    assert roc.attack_success_rate(is_member, scores) == pytest.approx(slow_asr(is_member, scores))
    found = roc.tpr_at_fpr(is_member, scores, fpr)
    if fpr < 1 / (~is_member).sum():
        assert found is None
    else:
        assert found == pytest.approx(slow_tpr(is_member, scores, fpr))


@settings(max_examples=100, deadline=None)
@given(labelled_scores())
def test_equals_scikit_learn(case):
    is_member, scores = case
    assert roc.roc_auc(is_member, scores) == pytest.approx(sk.roc_auc_score(is_member, scores))
    fpr, tpr, thresholds = sk.roc_curve(is_member, scores, drop_intermediate=False)
    curve = roc.roc_curve(is_member, scores)
    np.testing.assert_allclose(curve.fpr, fpr)
    np.testing.assert_allclose(curve.tpr, tpr)
    np.testing.assert_array_equal(curve.thresholds, thresholds)


def test_rows_are_independent_and_chunks_meet(monkeypatch):
    generator = np.random.default_rng(3)
    is_member = generator.random(57) < 0.5
    scores = generator.standard_normal((23, 57))
    scores[::3] = np.round(scores[::3], 1)  # some rows with ties, some without
    monkeypatch.setattr(roc, "_CHUNK", 57 * 4)
    counts = roc.detection_counts(is_member, scores)
    table = roc.curve_metrics(is_member, scores, fprs=(0.1, 0.01))
    for row, row_scores in enumerate(scores):
        np.testing.assert_array_equal(counts[row], slow_counts(is_member, row_scores))
        assert table["auc"][row] == pytest.approx(slow_auc(is_member, row_scores))
        assert table["asr"][row] == pytest.approx(slow_asr(is_member, row_scores))
        assert table["tpr_at_10pct_fpr"][row] == pytest.approx(slow_tpr(is_member, row_scores, 0.1))
    assert np.isnan(table["tpr_at_1pct_fpr"]).all()  # 1 % of fewer than 57 is less than one


# Invariants ----------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(labelled_scores(), st.randoms(use_true_random=False))
def test_invariants(case, random):
    is_member, scores = case
    auc = roc.roc_auc(is_member, scores)
    counts = roc.detection_counts(is_member, scores)
    assert roc.roc_auc(is_member, -scores) == pytest.approx(1 - auc)
    assert roc.roc_auc(~is_member, scores) == pytest.approx(1 - auc)
    assert roc.roc_auc(is_member, scores, positive="held_out") == pytest.approx(auc)
    np.testing.assert_array_equal(
        roc.detection_counts(is_member, np.arctan(scores) * 3 - 1), counts
    )
    order = list(range(len(scores)))
    random.shuffle(order)
    np.testing.assert_array_equal(roc.detection_counts(is_member[order], scores[order]), counts)
    assert (np.diff(counts) >= 0).all()
    assert 0.5 <= roc.attack_success_rate(is_member, scores) <= 1.0


# What a screen shows -------------------------------------------------------------------


def test_display_curve_is_exact_where_it_is_looked_at_closely():
    generator = np.random.default_rng(0)
    is_member = np.arange(20_000) % 2 == 0
    scores = generator.standard_normal((2, 20_000)) + is_member
    counts = roc.detection_counts(is_member, scores)
    fpr, tpr = roc.display_curve(counts, 10_000, max_columns=200)
    assert fpr.shape[0] <= 402
    assert tpr.shape == (2, fpr.shape[0])
    np.testing.assert_array_equal(fpr[[0, -1]], [0, 1])
    np.testing.assert_array_equal(tpr[:, [0, -1]], [[0, 1], [0, 1]])
    # Every point is a corner of the staircase, and its first 50 steps are all there.
    columns = np.rint(fpr * 10_000).astype(int)
    whole = np.pad(counts, ((0, 0), (1, 1)), constant_values=(0, 10_000))
    np.testing.assert_allclose(tpr[:, ::2], whole[:, columns[::2]] / 10_000)
    np.testing.assert_allclose(tpr[:, 1::2], whole[:, columns[1::2] + 1] / 10_000)
    np.testing.assert_array_equal(columns[:100:2], np.arange(50))
    # Nowhere is the drawn line further from the curve than half a per cent of the axis.
    for row in range(2):
        drawn = np.interp(np.arange(10_000) + 0.5, columns, tpr[row])
        assert np.abs(drawn - counts[row] / 10_000).max() < 0.005


def test_display_curve_of_few_points_is_whole():
    fpr, tpr = roc.display_curve(np.array([1, 1, 2]), 2)
    np.testing.assert_allclose(fpr, [0, 0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1])
    np.testing.assert_allclose(tpr, [0, 0.5, 0.5, 0.5, 0.5, 1, 1, 1])
    with pytest.raises(InputError, match="at least 8, got 3"):
        roc.display_columns(100, 3)


# Errors --------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, False])
def test_one_class_warns_and_is_nan(value):
    is_member = np.full(4, value)
    scores = np.arange(4.0)
    with pytest.warns(roc.UndefinedMetricWarning, match="undefined"):
        metrics = roc.curve_metrics(is_member, scores)
    assert all(np.isnan(number) for number in metrics.values())
    with pytest.warns(roc.UndefinedMetricWarning, match="undefined"):
        assert np.isnan(roc.roc_auc(is_member, scores))
    with pytest.warns(roc.UndefinedMetricWarning, match="undefined"):
        curve = roc.roc_curve(is_member, scores)
    assert np.isnan(curve.fpr if value else curve.tpr).all()
    assert not np.isnan(curve.tpr if value else curve.fpr).any()


def test_no_samples_at_all_is_undefined():
    with pytest.warns(roc.UndefinedMetricWarning, match="0 positives and 0 negatives"):
        curve = roc.roc_curve(np.zeros(0, dtype=bool), np.zeros(0))
    assert np.isnan(curve.fpr).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_name_count_and_first(bad):
    scores = np.zeros((2, 5))
    scores[1, [2, 4]] = bad
    scores[0, 2] = bad
    with pytest.raises(InputError, match=r"2 of 5 samples are NaN or infinite \(first: 2\)"):
        roc.detection_counts(MEMBER, scores)


def test_other_bad_input():
    with pytest.raises(InputError, match=r"shape \(4,\) do not fit 5 samples"):
        roc.roc_auc(MEMBER, np.zeros(4))
    with pytest.raises(InputError, match="one True"):
        roc.roc_auc(np.array([0, 1, 2]), np.zeros(3))
    with pytest.raises(InputError, match="`positive` must be"):
        roc.roc_auc(MEMBER, np.zeros(5), positive="members")
    with pytest.raises(InputError, match=r"must be in \(0, 1\], got 40"):
        roc.tpr_at_fpr(MEMBER, np.zeros(5), 40)
    with pytest.raises(InputError, match="one score per sample"):
        roc.roc_auc(MEMBER, np.zeros((2, 5)))
    with pytest.raises(InputError, match="one score per sample"):
        roc.roc_curve(MEMBER, np.zeros((2, 5)))
