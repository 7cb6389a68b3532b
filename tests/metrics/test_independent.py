"""Differences of independent numbers: by hand, and against simulated coverage."""

import numpy as np
import pytest

from ldviz.metrics.independent import independent_difference
from ldviz.metrics.measured import Measured


def test_symmetric_intervals_add_in_squares() -> None:
    a = Measured(value=0.8, ci95=(0.77, 0.83), n_member=10, n_held_out=20)
    b = Measured(value=0.5, ci95=(0.46, 0.54), n_member=1, n_held_out=2)
    step = independent_difference(a, b)
    assert step.value == pytest.approx(0.3)
    assert step.ci95 == pytest.approx((0.25, 0.35))  # 3, 4, 5
    assert (step.n_member, step.n_held_out) == (11, 22)


def test_asymmetric_ends_are_crossed() -> None:
    a = Measured(value=0.0, ci95=(-3.0, 5.0))
    b = Measured(value=0.0, ci95=(-12.0, 4.0))
    assert independent_difference(a, b).ci95 == pytest.approx((-5.0, 13.0))


def test_without_an_interval_there_is_no_difference() -> None:
    number = Measured(value=0.8, ci95=(0.77, 0.83))
    assert independent_difference(number, Measured(value=0.5)).value is None


def test_the_interval_covers_the_truth_95_times_in_100() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for a, b in generator.standard_normal((2000, 2)) * (1.0, 2.0):
        step = independent_difference(
            Measured(value=a, ci95=(a - 1.96, a + 1.96)),
            Measured(value=b, ci95=(b - 3.92, b + 3.92)),
        )
        covered += step.ci95[0] <= 0.0 <= step.ci95[1]
    assert 0.935 < covered / 2000 < 0.965
