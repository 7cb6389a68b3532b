"""A metric by share dropped: curves, the paper's share, the best one, the current numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.figures.drop_curve import DropLine, metric_by_fraction
from ldviz.metrics.measured import Measured

FRACTIONS = np.array([0.0, 0.4, 0.8])


def drawn(**changes):
    settings = {
        "metric": "AUC",
        "level": 0.6,
        "paper_fraction": 0.4,
        "best": (0.8, 0.7),
        "current_fraction": 0.4,
        "current": {"influence": Measured(value=0.65, ci95=(0.6, 0.72))},
    }
    lines = [
        DropLine("influence", np.array([0.6, 0.65, 0.7])),
        DropLine("random", np.array([0.6, 0.55, 0.5]), spread=np.array([0.0, 0.01, 0.02])),
    ]
    return metric_by_fraction(FRACTIONS, lines, **(settings | changes))


def trace(figure, name):
    (found,) = [each for each in figure.data if each.name == name]
    return found


def test_curves_carry_their_fraction():
    curve = trace(drawn(), "Lowest influence dropped")
    assert list(curve.y) == [0.6, 0.65, 0.7]
    assert [float(entry[0]) for entry in curve.customdata] == [0.0, 0.4, 0.8]


def test_the_random_mask_has_the_band_of_its_draws():
    band = trace(drawn(), "Random dropped: ± 1 sd of the draws")
    assert band.y[:3] == pytest.approx((0.6, 0.56, 0.52))


def test_the_best_share_is_a_star_named_for_how_it_was_chosen():
    star = trace(drawn(), "best, chosen after the fact")
    assert (star.x, star.y) == ((0.8,), (0.7,))
    assert star.marker.symbol == "star"
    assert "best, chosen after the fact" not in [t.name for t in drawn(best=None).data]


def test_the_current_numbers_have_their_intervals():
    whisker = trace(drawn(), "Lowest influence dropped: current")
    assert (whisker.x, whisker.y) == ((0.4,), (0.65,))
    assert whisker.error_y.array == pytest.approx([0.07])
    assert whisker.error_y.arrayminus == pytest.approx([0.05])


def test_no_mask_stands_at_zero_and_its_level_is_a_line():
    number = Measured(value=0.6, ci95=(0.55, 0.66))
    figure = drawn(current={"none": number})
    assert trace(figure, "No mask: current").x == (0.0,)
    assert [(s.y0, s.y1) for s in figure.layout.shapes if s.line.dash == "dash"] == [(0.6, 0.6)]
    assert [s.x0 for s in figure.layout.shapes if s.line.dash == "dot"] == [0.4]
    assert "paper: 40 %" in [note.text for note in figure.layout.annotations]


def test_what_is_not_available_is_left_out():
    figure = drawn(level=float("nan"), current={"influence": Measured(value=None)})
    assert not [shape for shape in figure.layout.shapes if shape.line.dash == "dash"]
    assert "Lowest influence dropped: current" not in [each.name for each in figure.data]
