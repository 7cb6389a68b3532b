"""Resamples: exact multinomial counts, keyed, whatever the chunks."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.metrics import resampling


def collect(*arguments):
    members, others = zip(*resampling.resample_chunks(*arguments), strict=True)
    return np.concatenate(members, axis=1), np.concatenate(others, axis=1)


def test_every_resample_draws_n_of_each_class():
    members, others = collect(30, 50, 700, 1)
    assert members.shape == (30, 700)
    assert others.shape == (50, 700)
    np.testing.assert_array_equal(members.sum(axis=0, dtype=int), 30)
    np.testing.assert_array_equal(others.sum(axis=0, dtype=int), 50)


def test_counts_have_multinomial_moments():
    members, _ = collect(20, 10, 4000, 2)
    # Mean 1, variance 1 - 1/20, covariance -1/20 between samples; five standard errors.
    error = 5 / np.sqrt(4000)
    np.testing.assert_allclose(members.mean(axis=1), 1.0, atol=error)
    covariance = np.cov(members.astype(float))
    np.testing.assert_allclose(np.diag(covariance), 0.95, atol=2 * error)
    off_diagonal = covariance[~np.eye(20, dtype=bool)]
    np.testing.assert_allclose(off_diagonal, -0.05, atol=1.2 * error)


def test_keyed_by_seed_and_kept_for_the_next_call():
    first = collect(12, 15, 300, 3)
    np.testing.assert_array_equal(collect(12, 15, 300, 3)[0], first[0])
    assert (collect(12, 15, 300, 4)[0] != first[0]).any()
    chunk = next(iter(resampling.resample_chunks(12, 15, 300, 3)))[0]
    assert chunk is next(iter(resampling.resample_chunks(12, 15, 300, 3)))[0]
    assert not chunk.flags.writeable


def test_large_samples_come_in_chunks_that_are_not_kept(monkeypatch):
    monkeypatch.setattr(resampling, "_KEPT_CELLS", 1000)
    monkeypatch.setattr(resampling, "_CHUNK_CELLS", 1000)
    monkeypatch.setattr(resampling, "_MIN_WIDTH", 16)
    chunks = list(resampling.resample_chunks(40, 60, 50, 0))
    assert [members.shape[1] for members, _ in chunks] == [16, 16, 16, 2]
    again = list(resampling.resample_chunks(40, 60, 50, 0))
    np.testing.assert_array_equal(chunks[2][1], again[2][1])
    assert (chunks[0][0] != chunks[1][0]).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_cumulative_is_the_same_for_narrow_and_wide_rows(dtype):
    generator = np.random.default_rng(0)
    wide = (9 * generator.random((50, 2 * resampling._NARROW))).astype(dtype)
    order = generator.permutation(50)[:40]
    narrow = resampling.cumulative(wide[:, :7], order)
    assert np.array_equal(narrow, resampling.cumulative(wide, order)[:, :7])
    assert narrow.dtype == resampling.cumulative(wide, order).dtype


def test_cumulative_by_hand():
    counts = np.array([[1, 0], [2, 5], [0, 7]], dtype=np.uint8)
    total = resampling.cumulative(counts, np.array([2, 0]))
    np.testing.assert_array_equal(total, [[0, 0], [0, 7], [1, 7]])


def test_ranked_scores_with_ties_by_hand():
    one = resampling.ranked_scores(np.array([1.0, 3.0, 2.0]), np.array([2.0, 0.0, 2.0]))
    np.testing.assert_array_equal(one.positive_order, [1, 2, 0])
    np.testing.assert_array_equal(one.negative_order, [0, 2, 1])
    np.testing.assert_array_equal(one.above, [1, 1, 3])
    np.testing.assert_array_equal(one.at_or_above, [2, 2, 3])
    np.testing.assert_array_equal(one.before, [0, 0, 2])
    np.testing.assert_array_equal(one.positive_group_end, [1, 2, 3])
    tied = resampling.ranked_scores(np.array([1.0, 1.0, 5.0]), np.array([0.0]))
    np.testing.assert_array_equal(tied.positive_group_end, [1, 3, 3])


def test_spacings_split_the_unit_interval_as_uniforms_do():
    gaps = resampling.spacings(9, 4000, 1, 0)
    assert gaps.shape == (10, 4000)
    third = gaps[:3].sum(axis=0) / gaps.sum(axis=0)
    # The third of nine uniforms: mean 3/10, variance 3 * 7 / (100 * 11); five standard errors.
    error = np.sqrt(21 / 1100 / 4000)
    assert abs(third.mean() - 0.3) < 5 * error
    assert abs(third.var() * 1100 / 21 - 1) < 5 * np.sqrt(2 / 4000)
    np.testing.assert_array_equal(gaps, resampling.spacings(9, 4000, 1, 0))
    assert (gaps != resampling.spacings(9, 4000, 1, 256)).any()
