"""ROC curves on one square."""

from __future__ import annotations

import numpy as np

from ldviz.figures.subset_roc import RocLine, roc_lines

FPR, TPR = np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.8, 1.0])


def test_linear_axes_name_the_positive_class() -> None:
    figure = roc_lines([RocLine("a", "#0072B2", FPR, TPR)], positive="member")
    assert figure.layout.xaxis.title.text == "False-positive rate (held-out accused)"
    assert figure.layout.yaxis.title.text == "True-positive rate (members found)"
    np.testing.assert_array_equal(figure.data[1].y, TPR)


def test_logarithmic_axes_draw_zero_at_the_edge() -> None:
    figure = roc_lines([RocLine("a", "#0072B2", FPR, TPR)], positive="member", lowest=0.01)
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.xaxis.range[0] == -2
    np.testing.assert_array_equal(figure.data[1].x, [0.01, 0.5, 1.0])
    assert min(figure.data[0].x) == 0.01, "the diagonal too"


def test_a_spread_is_a_band_that_stays_within_the_square() -> None:
    line = RocLine("random", "#0072B2", FPR, TPR, "dot", np.array([0.0, 0.3, 0.2]))
    figure = roc_lines([line], positive="member")
    band, curve = figure.data[1], figure.data[2]
    assert band.fill == "toself"
    np.testing.assert_allclose(band.y, [0, 1.0, 1.0, 0.8, 0.5, 0])
    assert band.showlegend is False
    assert curve.line.dash == "dot"
