"""Sums that go on from the last mask against sums made anew: equal to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldviz.attacks import moving
from ldviz.attacks.masks import drop_order, num_dropped
from ldviz.attacks.moving import MovingSums
from ldviz.attacks.ranked import drop_ranks, ranked_statistics
from ldviz.attacks.statistic import powered
from ldviz.errors import InputError


class Case:
    """Some samples, and orders of every kind."""

    def __init__(self, num_samples: int, latent_dim: int, seed: int) -> None:
        generator = np.random.default_rng(seed)
        vectors = generator.standard_normal((num_samples, latent_dim)).astype(np.float16)
        influence = generator.standard_normal((num_samples, latent_dim)).astype(np.float32)
        ids = np.arange(num_samples)
        self.values = powered(vectors, 4)
        self.orders = [
            drop_order("influence", influence, ids),
            drop_order("highest", influence, ids, ranking="global"),
            drop_order("random", influence, ids, draw=3),
        ]
        self.ranks = [drop_ranks(order) for order in self.orders]
        self.sums = MovingSums(self.values, self.orders, self.ranks)

    def check(self, on: np.ndarray, count: int) -> None:
        expected = ranked_statistics(self.values, self.ranks, on, count)
        np.testing.assert_array_equal(self.sums.statistics(on, count), expected)
        for index, ranks in enumerate(self.ranks):
            kept = np.zeros(ranks.shape, dtype=bool)
            for row, order in enumerate(self.orders[index]):
                kept[row, order[on[order]][count:]] = True
            np.testing.assert_array_equal(self.sums.kept_shares(index), kept.mean(axis=0))


@given(latent_dim=st.sampled_from([2, 7, 40, 256, 300]), seed=st.integers(0, 30), data=st.data())
def test_a_walk_of_toggles_equals_sums_made_anew(latent_dim, seed, data):
    case = Case(6, latent_dim, seed)
    generator = np.random.default_rng(seed)
    on = np.ones(latent_dim, dtype=bool)
    for _ in range(5):
        flipped = generator.permutation(latent_dim)[: data.draw(st.integers(0, 8))]
        on = on.copy()
        on[flipped] = ~on[flipped]
        on[generator.integers(latent_dim)] = True
        num_on = int(on.sum())
        case.check(on, data.draw(st.integers(0, num_on - 1)))


def test_a_toggle_of_a_cell_is_not_summed_anew(monkeypatch):
    case = Case(20, 256, 0)
    on = np.ones(256, dtype=bool)
    case.check(on, num_dropped(0.4, 256))
    monkeypatch.setattr(moving, "sums_and_thresholds", None)
    on = on.copy()
    on[[3, 67, 131, 195]] = False
    case.check(on, num_dropped(0.4, 252))
    case.check(np.ones(256, dtype=bool), num_dropped(0.4, 256))


def test_a_bad_mask_is_refused_and_forgotten():
    case = Case(4, 16, 1)
    on = np.ones(16, dtype=bool)
    case.check(on, 5)
    with pytest.raises(InputError, match="Cannot drop positions"):
        case.sums.statistics(on, 16)
    with pytest.raises(InputError, match="do not fit"):
        case.sums.statistics(np.ones(15, dtype=bool), 5)
    case.check(on, 6)
