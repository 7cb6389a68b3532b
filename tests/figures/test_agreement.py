"""The square of pairs: numbers where they belong, an empty diagonal."""

from __future__ import annotations

import numpy as np

from ldviz.figures.agreement import agreement_matrix


def test_numbers_stand_at_their_pair_and_the_diagonal_is_empty():
    values = np.array([[1.0, 0.25], [-0.001, 1.0]])
    hover = [["", "a and b"], ["b and a", ""]]
    figure = agreement_matrix(("A", "B"), values, hover, quantity="correlation")
    (square,) = figure.data
    assert square.text[0][1] == "0.25"
    assert square.text[1][0] == "0.00"
    assert np.isnan(square.z[0][0])
    assert square.text[1][1] == ""
    assert square.customdata[0][1][0] == "a and b"
    assert figure.layout.yaxis.autorange == "reversed"


def test_what_is_not_available_stays_empty():
    values = np.array([[np.nan, np.nan], [np.nan, np.nan]])
    figure = agreement_matrix(("A", "B"), values, [["", ""]] * 2, quantity="overlap")
    assert [list(row) for row in figure.data[0].text] == [["", ""], ["", ""]]


def test_a_negative_number_keeps_its_minus():
    values = np.array([[np.nan, -0.5], [-0.5, np.nan]])
    figure = agreement_matrix(("A", "B"), values, [["", ""]] * 2, quantity="correlation")
    assert figure.data[0].text[0][1] == "−0.50"
