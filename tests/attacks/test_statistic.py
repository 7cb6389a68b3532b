"""Statistics: the fast sums equal the obvious ones to the last bit."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldviz.attacks import get_attack, statistic
from ldviz.attacks.masks import MaskSpec, drop_order, dropped_range, evaluate_mask, on_dimensions
from ldviz.attacks.statistic import (
    draw_statistics,
    masked_statistic,
    masked_statistics,
    powered,
    sweep_statistics,
)
from ldviz.errors import InputError

SHAPE = (3, 5, 4)
LATENT_DIM = math.prod(SHAPE)


def heavy_tailed(num_samples=40, seed=0, dtype=np.float16, latent_dim=LATENT_DIM):
    """Vectors over eight decades: the hardest to sum in two orders alike."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((num_samples, latent_dim)) ** 5).astype(dtype)


def test_hand_worked():
    """(1, −2, 3): Σ|S|⁴ = 98, Σ|S|² = 14, ΣS = 2; without the last 17, 5, −1."""
    vectors = np.array([[1, -2, 3]], dtype=np.float16)
    mask = np.array([True, True, False])
    for power, whole, masked in ((4.0, 98, 17), (2.0, 14, 5), (None, 2, -1), (1.0, 6, 3)):
        values = powered(vectors, power)
        assert masked_statistic(values).tolist() == [whole]
        assert masked_statistic(values, mask).tolist() == [masked]
        assert masked_statistic(values, mask[None]).tolist() == [masked]


@pytest.mark.parametrize("power", [4.0, 2.0, 1.0, 3.0, 0.5, None])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_powered_is_the_naive_power_to_rounding(power, dtype):
    vectors = heavy_tailed(dtype=dtype).reshape(-1, *SHAPE)
    naive = vectors.reshape(-1, LATENT_DIM).astype(np.float64)
    naive = naive if power is None else np.abs(naive) ** power
    values = powered(vectors, power)
    assert values.dtype == np.float64
    bound = abs(naive).max(axis=1, keepdims=True) * LATENT_DIM * 2.0**-51
    assert (abs(values - naive) <= bound).all()


def test_powered_takes_an_attack_at_its_default_power():
    vectors = heavy_tailed()
    np.testing.assert_array_equal(powered(vectors, get_attack("sima")), powered(vectors, 4.0))


@pytest.mark.parametrize("power", [4.0, 2.0, None])
def test_sums_are_exact_in_any_order(power):
    """Against rational arithmetic; and the bare float64 powers do fail this."""
    vectors = heavy_tailed(8)
    values = powered(vectors, power)
    for row in values:
        exact = sum(Fraction(value) for value in row)
        assert Fraction(float(np.sum(row))) == exact
        running = np.cumsum(row[::-1])[-1]
        assert Fraction(float(running)) == exact
    if power == 4.0:
        bare = np.abs(vectors.astype(np.float64)) ** 4
        assert (np.cumsum(bare[:, ::-1], axis=1)[:, -1] != np.cumsum(bare, axis=1)[:, -1]).any()


def test_values_do_not_depend_on_the_batch_or_the_memory_layout():
    vectors = heavy_tailed(10)
    whole = powered(vectors, 4.0)
    np.testing.assert_array_equal(whole[3:4], powered(vectors[3:4], 4.0))
    np.testing.assert_array_equal(whole, powered(np.asfortranarray(vectors), 4.0))
    np.testing.assert_array_equal(whole[::2], powered(vectors[::2], 4.0))


def test_a_non_finite_entry_makes_its_sample_nan_and_no_other():
    vectors = heavy_tailed(4)
    vectors[1, 3], vectors[2, 5] = np.nan, np.inf
    assert np.isnan(masked_statistic(powered(vectors, 4.0))).tolist() == [False, True, True, False]
    order = np.broadcast_to(np.arange(LATENT_DIM, dtype=np.uint16), vectors.shape)
    on = np.ones(LATENT_DIM, dtype=bool)
    swept = sweep_statistics(powered(vectors, 4.0), order, on, np.array([0, 30]))
    assert np.isnan(swept).all(axis=1).tolist() == [False, True, True, False]


def test_zero_vectors_have_zero_statistic():
    assert masked_statistic(powered(np.zeros((2, 5), dtype=np.float16), 4.0)).tolist() == [0, 0]


def test_no_samples_have_no_statistics():
    assert masked_statistic(powered(np.zeros((0, 2, 5), dtype=np.float16), 4.0)).shape == (0,)


KINDS = st.sampled_from(["none", "influence", "highest", "random", "band"])


@settings(deadline=None, max_examples=60)
@given(
    kind=KINDS,
    ranking=st.sampled_from(["sample", "global"]),
    power=st.sampled_from([4.0, 2.0, None]),
    fractions=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=12),
    channels_off=st.sets(st.integers(0, 2), max_size=2),
    cells_off=st.sets(st.integers(0, 19), max_size=15),
    seed=st.integers(0, 1000),
)
def test_fast_routines_equal_the_mask_to_the_last_bit(
    kind, ranking, power, fractions, channels_off, cells_off, seed
):
    vectors = heavy_tailed(7, seed)
    influence = np.random.default_rng(seed).standard_normal((7, LATENT_DIM)).astype(np.float32)
    sample_ids = np.arange(7) * 3
    values = powered(vectors, power)
    order = drop_order(kind, influence, sample_ids, ranking=ranking, seed=seed)
    swept, counts = [], []
    for fraction in fractions:
        spec = MaskSpec(
            kind=kind,
            drop_fraction=fraction,
            band=(0.2, 0.6),
            ranking=ranking,
            channels_off=tuple(channels_off),
            cells_off=tuple(cells_off),
            seed=seed,
        )
        on = on_dimensions(spec, SHAPE)
        start, stop = dropped_range(spec, int(on.sum()))
        slow = masked_statistic(values, evaluate_mask(spec, influence, sample_ids, SHAPE))
        fast = masked_statistics(values, order, on, stop - start, start=start)
        np.testing.assert_array_equal(fast, slow)
        if start == 0:
            swept.append(slow)
            counts.append(stop)
    if counts:
        np.testing.assert_array_equal(
            sweep_statistics(values, order, on, np.array(counts)), np.stack(swept, axis=1)
        )


def test_wide_latents_use_the_wide_keys():
    latent_dim = 2**16 + 8
    vectors = heavy_tailed(2, latent_dim=latent_dim)
    values = powered(vectors, 4.0)
    influence = np.random.default_rng(0).standard_normal((2, latent_dim)).astype(np.float32)
    spec = MaskSpec(channels_off=(1,))
    shape = (4, 2, latent_dim // 8)
    on = on_dimensions(spec, shape)
    count = dropped_range(spec, int(on.sum()))[1]
    order = drop_order("influence", influence, np.arange(2))
    slow = masked_statistic(values, evaluate_mask(spec, influence, np.arange(2), shape))
    np.testing.assert_array_equal(masked_statistics(values, order, on, count), slow)


def test_draws_equal_one_order_at_a_time():
    values, influence = powered(heavy_tailed(9), 4.0), np.zeros((9, LATENT_DIM))
    orders = [drop_order("random", influence, np.arange(9), draw=draw) for draw in range(4)]
    on = on_dimensions(MaskSpec(channels_off=(1,)), SHAPE)
    draws = draw_statistics(values, orders, on, 15)
    assert draws.shape == (4, 9)
    for order, draw in zip(orders, draws, strict=True):
        np.testing.assert_array_equal(draw, masked_statistics(values, order, on, 15))
    assert len(np.unique(draws, axis=0)) == 4


def test_blocks_and_threads_change_nothing(monkeypatch):
    vectors = heavy_tailed(50)
    influence = np.random.default_rng(0).standard_normal((50, LATENT_DIM)).astype(np.float32)
    on = on_dimensions(MaskSpec(cells_off=(0, 3)), SHAPE)

    def results():
        values = powered(vectors, 4.0)
        order = drop_order("influence", influence, np.arange(50))
        counts = np.array([0, 11, 3, 40])
        return (
            values,
            sweep_statistics(values, order, on, counts),
            draw_statistics(values, [order], on, 40),
        )

    whole = results()
    monkeypatch.setattr(statistic, "_BLOCK_ENTRIES", 3 * LATENT_DIM)
    monkeypatch.setattr(statistic, "PARALLEL_ENTRIES", 2)
    for expected, actual in zip(whole, results(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_overflowing_powers_warn_of_nothing_and_are_nan(monkeypatch):
    vectors = np.array([[1e200, 1.0], [1.0, 2.0]])
    for _ in range(2):
        assert np.isnan(masked_statistic(powered(vectors, 4.0))).tolist() == [True, False]
        monkeypatch.setattr(statistic, "_BLOCK_ENTRIES", 2)
        monkeypatch.setattr(statistic, "PARALLEL_ENTRIES", 1)


def test_no_counts_give_no_columns():
    order = np.broadcast_to(np.arange(LATENT_DIM, dtype=np.uint16), (7, LATENT_DIM))
    on = np.ones(LATENT_DIM, dtype=bool)
    counts = np.array([], dtype=int)
    assert sweep_statistics(powered(heavy_tailed(7), 4.0), order, on, counts).shape == (7, 0)


def test_arguments_that_do_not_fit_are_refused():
    values = powered(heavy_tailed(3), 4.0)
    order = np.broadcast_to(np.arange(LATENT_DIM, dtype=np.uint16), (3, LATENT_DIM))
    on = np.ones(LATENT_DIM, dtype=bool)
    with pytest.raises(InputError, match=r"mask has shape \(5,\)"):
        masked_statistic(values, np.ones(5, dtype=bool))
    with pytest.raises(InputError, match="do not fit"):
        sweep_statistics(values, order[:2], on, np.array([1]))
    with pytest.raises(
        InputError, match=r"in 0\.\.59 where 60 dimensions are left on, got 1\.\.60"
    ):
        sweep_statistics(values, order, on, np.array([1, 60]))
    with pytest.raises(InputError, match=r"Cannot drop positions 50\.\.69"):
        masked_statistics(values, order, on, 20, start=50)
