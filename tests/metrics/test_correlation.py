"""Pearson's r against NumPy, its interval against Fisher's, and what is refused."""

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.metrics.correlation import pearson


def test_the_value_is_numpys() -> None:
    generator = np.random.default_rng(0)
    x = generator.standard_normal(50)
    y = 3e6 + 0.3 * x + generator.standard_normal(50)
    assert pearson(x, y).value == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-9)


def test_the_interval_agrees_with_fishers_for_normal_pairs() -> None:
    generator = np.random.default_rng(1)
    x = generator.standard_normal(2000)
    y = 0.6 * x + 0.8 * generator.standard_normal(2000)
    number = pearson(x, y)
    centre, reach = np.arctanh(number.value), 1.96 / np.sqrt(1997)
    expected = np.tanh([centre - reach, centre + reach])
    # 2,000 resamples place a percentile within a few hundredths of the interval's width.
    np.testing.assert_allclose(number.ci95, expected, atol=0.12 * np.ptp(expected))


def test_the_sign_turns_with_one_side() -> None:
    x, y = np.random.default_rng(2).standard_normal((2, 40))
    there, back = pearson(x, y, seed=3), pearson(-x, y, seed=3)
    assert back.value == pytest.approx(-there.value)
    np.testing.assert_allclose(back.ci95, [-there.ci95[1], -there.ci95[0]])


def test_a_constant_side_has_no_correlation() -> None:
    number = pearson(np.ones(5), np.arange(5))
    assert number.value is None
    assert "constant" in number.note


def test_bad_pairs_are_refused() -> None:
    with pytest.raises(InputError, match=r"1 of 4 pairs are not finite \(first: 2\)"):
        pearson(np.arange(4), np.array([0.0, 1.0, np.nan, 2.0]))
    with pytest.raises(InputError, match="equal length"):
        pearson(np.arange(4), np.arange(5))
