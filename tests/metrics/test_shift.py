"""Pixel statistics: by hand, blind to nothing at chance, sharp where there is a shift."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from ldviz.errors import InputError
from ldviz.metrics import shift


def test_statistics_by_hand():
    images = np.zeros((1, 4, 4, 1))
    images[0, :, 2:, 0] = 1.0  # left half black, right half white
    features = shift.pixel_statistics(images)[0]
    assert features[0] == 0.5  # mean
    assert features[1] == 0.5  # standard deviation
    np.testing.assert_allclose(features[2:9], [0, 0, 0, 0.5, 1, 1, 1])  # quantiles
    assert features[9] == features[10] == 0.0  # edges down
    assert features[11] == pytest.approx(1 / 3)  # edges across: one of three columns
    np.testing.assert_allclose(features[-16:], np.tile([0, 0, 1, 1], 4))  # thumbnail


def test_bytes_and_floats_agree_and_blocks_meet():
    images = np.random.default_rng(0).integers(0, 256, (1030, 6, 5, 3), dtype=np.uint8)
    features = shift.pixel_statistics(images)
    np.testing.assert_allclose(features, shift.pixel_statistics(images / 255.0))
    np.testing.assert_allclose(features[1025], shift.pixel_statistics(images[1025:1026])[0])
    assert np.isfinite(shift.pixel_statistics(np.zeros((2, 4, 4, 1)))).all()


def test_finds_a_shift_in_brightness():
    generator = np.random.default_rng(0)
    is_member = np.arange(300) % 2 == 0
    images = generator.random((300, 8, 8, 1)) * 0.5
    same = shift.pixel_shift(is_member, images)
    assert same.shifted is False
    assert "do not tell" in same.verdict
    images[is_member] += 0.05
    check = shift.pixel_shift(is_member, images)
    assert check.shifted is True
    assert check.auc.value > 0.8
    assert "tell members" in check.verdict
    assert (check.auc.n_member, check.auc.n_held_out) == (150, 150)


def test_interval_contains_one_half_at_chance():
    """The null holds 95 % where the usual interval of cross-validation does not."""
    inside = {"ours": 0, "cross-validated": 0}
    trials = 80
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        is_member = np.arange(160) % 2 == 0
        features = generator.standard_normal((160, 30))
        low, high = shift.feature_shift(is_member, features, seed=trial).auc.ci95
        inside["ours"] += low <= 0.5 <= high
        scores = cross_val_predict(
            LogisticRegression(C=0.1), features, is_member, cv=8, method="decision_function"
        )
        auc, error = shift._auc_and_error(is_member, scores)
        inside["cross-validated"] += abs(auc - 0.5) < 1.96 * error
    assert inside["ours"] >= 0.88 * trials  # 95 % has a standard deviation of 2.4 points
    assert inside["cross-validated"] < inside["ours"]


def test_labels_undo_what_a_stratified_split_does_to_a_classifier():
    """Each label has as many members as not: what one half learns is wrong in the other."""
    labels = np.repeat(np.arange(10), 20)
    features = np.eye(10)[labels]
    below, with_labels = [], []
    for trial in range(30):
        generator = np.random.default_rng(trial)
        is_member = np.concatenate([generator.permutation(20) < 10 for _ in range(10)])
        options = {"seed": trial}
        below.append(shift.feature_shift(is_member, features, **options).auc.value)
        check = shift.feature_shift(is_member, features, labels=labels, **options)
        with_labels.append(check.auc.value)
    assert np.mean(below) < 0.45
    assert np.mean(with_labels) == pytest.approx(0.5, abs=0.01)


def test_standard_error_of_an_auc_is_delongs():
    generator = np.random.default_rng(0)
    is_member = np.arange(90) < 40
    scores = np.round(generator.standard_normal(90) + is_member, 1)
    members, others = scores[is_member], scores[~is_member]
    wins = (members[:, None] > others) + 0.5 * (members[:, None] == others)
    auc, error = shift._auc_and_error(is_member, scores)
    assert auc == pytest.approx(wins.mean())
    variance = wins.mean(axis=1).var(ddof=1) / 40 + wins.mean(axis=0).var(ddof=1) / 50
    assert error == pytest.approx(np.sqrt(variance))


def test_too_few_samples_and_bad_shapes():
    check = shift.pixel_shift(np.arange(30) < 5, np.zeros((30, 8, 8, 1)))
    assert check.shifted is None
    assert check.auc.value is None
    assert "there are 5 and 25" in check.verdict
    with pytest.raises(InputError, match="does not fit 3 images"):
        shift.pixel_shift(np.zeros(2, bool), np.zeros((3, 8, 8, 1)))
    with pytest.raises(InputError, match=r"`labels` of shape \(4,\) does not fit 3 images"):
        shift.pixel_shift(np.zeros(3, bool), np.zeros((3, 8, 8, 1)), labels=np.zeros(4))
    with pytest.raises(InputError, match=r"at least 4 pixels a side, got \(3, 2, 8, 1\)"):
        shift.pixel_statistics(np.zeros((3, 2, 8, 1)))
