"""Distortion, rank and influence against pen and paper; and no torch needed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.geometry import influence_from_diagonal, local_distortion, numerical_rank


def test_distortion_is_the_sum_of_the_leading_logarithms():
    values = np.array([[4.0, 2.0, 1.0, 0.5], [1.0, 1.0, 1.0, 0.0]])
    np.testing.assert_allclose(local_distortion(values, 2), [np.log(8), 0.0])
    np.testing.assert_allclose(local_distortion(values, 4), [np.log(4), -np.inf])
    assert local_distortion(np.ones((3, 5, 20))).shape == (3, 5)


def test_distortion_accumulates_in_float64():
    values = np.full((1, 1000), 1.1, dtype=np.float32)
    expected = 1000 * np.log(np.float64(np.float32(1.1)))
    np.testing.assert_allclose(local_distortion(values, 1000), [expected], rtol=1e-13)


@pytest.mark.parametrize("rank", [0, 5, -1])
def test_distortion_refuses_a_rank_it_has_no_values_for(rank):
    with pytest.raises(InputError, match="between 1 and the 4 singular values"):
        local_distortion(np.ones((2, 4)), rank)


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, -1.0], [np.nan, np.nan]])
def test_distortion_refuses_what_is_no_spectrum(values):
    with pytest.raises(InputError, match="descending order"):
        local_distortion(np.array([values]), 1)


def test_numerical_rank_is_relative_to_the_largest():
    values = np.array([[1e3, 1.0, 1.1e-2, 0.9e-2], [0.0, 0.0, 0.0, 0.0]])
    assert numerical_rank(values).tolist() == [3, 0]
    assert numerical_rank(values, 1e-1).tolist() == [1, 0]


def test_influence_is_half_a_logarithm_with_a_floor():
    diagonal = np.array([[np.e**2, 1.0], [0.0, np.e**-4]])
    expected = [[1.0, 0.0], [0.5 * np.log(1e-12), -2.0]]
    np.testing.assert_allclose(influence_from_diagonal(diagonal), expected, atol=1e-10)


@pytest.mark.parametrize("bad", [-1e-3, np.nan])
def test_influence_refuses_what_is_no_sum_of_squares(bad):
    with pytest.raises(InputError, match="must be non-negative"):
        influence_from_diagonal(np.array([1.0, bad]))


def test_the_numbers_need_no_torch():
    code = (
        "import sys; import ldviz.geometry as g; g.local_distortion; g.influence_from_diagonal; "
        "g.ExactGeometry; g.Control if hasattr(g, 'Control') else None; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_names_are_attribute_errors():
    import ldviz.geometry

    with pytest.raises(AttributeError, match="no attribute 'volume'"):
        ldviz.geometry.volume  # noqa: B018
    assert "exact_geometry" in dir(ldviz.geometry)
