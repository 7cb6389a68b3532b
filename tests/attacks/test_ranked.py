"""Statistics from ranks against those from orders: equal to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldviz.attacks.masks import drop_order
from ldviz.attacks.ranked import (
    drop_ranks,
    ranked_kept_shares,
    ranked_statistics,
    sums_and_thresholds,
)
from ldviz.attacks.statistic import draw_statistics, powered
from ldviz.errors import InputError


def study_of(num_samples: int, latent_dim: int, seed: int = 0):
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((num_samples, latent_dim)).astype(np.float16)
    influence = generator.standard_normal((num_samples, latent_dim)).astype(np.float32)
    ids = np.arange(num_samples)
    orders = [
        drop_order("influence", influence, ids),
        drop_order("highest", influence, ids, ranking="global"),
        drop_order("random", influence, ids, draw=3),
    ]
    return powered(vectors, 4), orders


@given(
    latent_dim=st.sampled_from([1, 2, 7, 40, 256, 300]),
    seed=st.integers(0, 50),
    data=st.data(),
)
def test_equals_the_statistics_from_orders(latent_dim, seed, data):
    values, orders = study_of(5, latent_dim, seed)
    on = np.random.default_rng(seed).random(latent_dim) < data.draw(st.sampled_from([0.1, 0.5, 1]))
    on[data.draw(st.integers(0, latent_dim - 1))] = True
    num_on = int(on.sum())
    start = data.draw(st.integers(0, num_on - 1))
    count = data.draw(st.integers(0, num_on - start - (start == 0)))
    ranks = [drop_ranks(order) for order in orders]
    fast = ranked_statistics(values, ranks, on, count, start=start)
    np.testing.assert_array_equal(fast, draw_statistics(values, orders, on, count, start=start))


def test_many_rows_run_in_threads_and_give_the_same(monkeypatch):
    values, orders = study_of(3000, 256)
    on = np.arange(256) % 5 > 0
    ranks = [drop_ranks(order) for order in orders]
    one_by_one = [
        draw_statistics(values[rows], [o[rows] for o in orders], on, 82)
        for rows in np.array_split(np.arange(3000), 30)
    ]
    np.testing.assert_array_equal(
        ranked_statistics(np.tile(values, (4, 1)), [np.tile(r, (4, 1)) for r in ranks], on, 82),
        np.tile(np.concatenate(one_by_one, axis=1), 4),
    )


def test_ranks_invert_the_order_and_stay_small():
    _, (order, shared, _) = study_of(6, 256)
    ranks = drop_ranks(order)
    assert ranks.dtype == np.uint8
    np.testing.assert_array_equal(np.take_along_axis(ranks, order.astype(int), 1)[0], range(256))
    assert drop_ranks(shared).strides[0] == 0, "one ranking needs one row"
    assert drop_ranks(study_of(2, 300)[1][0]).dtype == np.uint16


def test_kept_shares_count_samples():
    order = np.array([[0, 1, 2, 3], [3, 2, 1, 0]], dtype=np.uint16)
    on = np.array([True, True, False, True])
    # Of dimensions 0, 1, 3 the first sample drops 0, the second 3.
    ranks = drop_ranks(order)
    (thresholds,) = sums_and_thresholds(np.ones((2, 4)), [ranks], on, 1)[1]
    np.testing.assert_array_equal(ranked_kept_shares(ranks, on, thresholds), [0.5, 1, 0, 0.5])


@pytest.mark.parametrize(("count", "start"), [(4, 0), (2, 3), (-1, 0)])
def test_a_mask_must_keep_a_dimension(count, start):
    values, orders = study_of(3, 4)
    with pytest.raises(InputError, match="Cannot drop positions"):
        ranked_statistics(values, [drop_ranks(orders[0])], np.ones(4, bool), count, start=start)


def test_shapes_must_fit():
    values, orders = study_of(3, 4)
    with pytest.raises(InputError, match="do not fit"):
        ranked_statistics(values[:2], [drop_ranks(orders[0])], np.ones(4, bool), 1)
