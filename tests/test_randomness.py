"""Keyed randomness: reproducible, independent of order, and random enough."""

from __future__ import annotations

import numpy as np

from ldviz.randomness import keyed_bits, keyed_generator, keyed_normal


def test_a_draw_depends_on_its_key_alone() -> None:
    ids = np.array([5, 9, 2])
    together = keyed_normal("noise", 0, ids, 100, (4, 2))
    alone = keyed_normal("noise", 0, ids[1:2], 100, (4, 2))
    np.testing.assert_array_equal(together[1], alone[0])
    assert not np.array_equal(together[0], together[1])


def test_every_part_of_the_key_matters() -> None:
    draws = [
        keyed_generator(purpose, *key).standard_normal()
        for purpose, key in [
            ("a", (0, 1)),
            ("b", (0, 1)),
            ("a", (1, 1)),
            ("a", (0, 2)),
            ("a", (0,)),
        ]
    ]
    assert len(set(draws)) == len(draws)


def test_normal_draws_have_the_normal_moments() -> None:
    draws = keyed_normal("noise", 1, np.arange(400), 0, (64,)).astype(np.float64)
    # 25,600 draws: the standard errors are 0.006 and 0.009; five of them are allowed.
    assert abs(draws.mean()) < 0.03
    assert abs(draws.var() - 1.0) < 0.045


def test_bits_are_balanced_and_uncorrelated_between_samples() -> None:
    bits = np.unpackbits(keyed_bits("mask", 0, np.arange(200), 16).view(np.uint8), axis=1)
    # 204,800 bits: the standard error of the share of ones is 0.0011.
    assert abs(bits.mean() - 0.5) < 0.006
    signs = 2.0 * bits - 1.0
    correlation = signs[:-1] * signs[1:]
    assert abs(correlation.mean()) < 0.012
