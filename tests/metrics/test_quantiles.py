"""Quantiles: order statistics picked by hand, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.metrics.quantiles import sample_quantile


def of(values: np.ndarray, share: float = 0.5):
    return sample_quantile(values, share, is_member=np.zeros(len(values), dtype=bool))


def test_the_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    # Of Binomial(10, 1/2), P(X <= 1) = 1.07 % and P(X <= 2) = 5.5 %: ranks 2 and 9.
    number = of(np.arange(1.0, 11.0)[::-1])
    assert number.value == 5.5
    assert number.ci95 == (2.0, 9.0)
    assert (number.n_member, number.n_held_out) == (0, 10)


def test_too_few_values_give_no_interval_and_none_no_value() -> None:
    assert of(np.arange(4.0)).ci95 is None
    assert "too few" in of(np.arange(4.0)).note
    assert of(np.arange(20.0), 0.05).ci95 is None
    assert of(np.empty(0)).value is None


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_the_interval_covers_at_least_as_often_as_it_says(share: float) -> None:
    draws = np.random.default_rng(3).exponential(size=(1000, 60))
    truth = -np.log1p(-share)
    inside = [low <= truth <= high for low, high in (of(row, share).ci95 for row in draws)]
    # At least 95 %; 1,000 repetitions err by 0.7 points, and order statistics are conservative.
    assert 0.935 < np.mean(inside) < 0.985


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be in \(0, 1\), got 50"):
        of(np.arange(9.0), 50)
    with pytest.raises(InputError, match="finite values"):
        of(np.array([1.0, np.nan]))
