"""The Overview's figures: dots with their intervals, losses, and the epoch that was kept."""

from __future__ import annotations

import pytest

from ldviz.figures.overview import HeadlineRow, headline_aucs
from ldviz.figures.overview_training import autoencoder_losses, denoiser_loss, selection_curve
from ldviz.metrics.measured import Measured

EVALUATIONS = [
    {"epoch": 20, "timesteps": [0, 50], "auc": [0.5, 0.6], "best_auc": 0.6, "kept": False},
    {"epoch": 40, "timesteps": [0, 50], "auc": [0.6, 0.8], "best_auc": 0.8, "kept": True},
]


def headline_row(value: float | None, **fields) -> HeadlineRow:
    ci95 = None if value is None else (value - 0.03, value + 0.02)
    return HeadlineRow("a row", "#009E73", Measured(value=value, ci95=ci95, **fields))


def test_a_dot_has_the_whiskers_of_its_interval():
    figure = headline_aucs([("All", [headline_row(0.8, n_member=3, n_held_out=4)])])
    (dot,) = figure.data
    assert dot.x == (0.8,)
    assert dot.error_x.arrayminus == pytest.approx([0.03])
    assert dot.error_x.array == pytest.approx([0.02])
    assert "3 members, 4 held-out" in dot.hovertemplate
    assert figure.layout.xaxis.title.text == "AUC with 95 % interval"


def test_rows_run_downwards_under_their_headings():
    figure = headline_aucs([("All", [headline_row(0.8)]), ("Parts", [headline_row(0.6)])])
    assert [tick for tick in figure.layout.yaxis.ticktext] == [
        "<b>All</b>",
        "a row",
        "<b>Parts</b>",
        "a row",
    ]
    levels = list(figure.layout.yaxis.tickvals)
    assert levels == sorted(levels, reverse=True)
    assert [trace.y[0] for trace in figure.data] == [levels[1], levels[3]]


def test_a_number_that_is_not_available_says_so_and_draws_nothing():
    figure = headline_aucs([("All", [headline_row(None)])])
    assert not figure.data
    assert "not available" in [note.text for note in figure.layout.annotations]


def test_the_papers_numbers_are_hollow():
    figure = headline_aucs([("All", [headline_row(0.8), headline_row(0.9, source="paper")])])
    assert [trace.marker.symbol for trace in figure.data] == ["circle", "circle-open"]


def test_the_axis_always_shows_chance():
    figure = headline_aucs([("All", [headline_row(0.9)])])
    low, high = figure.layout.xaxis.range
    assert low < 0.5
    assert high > 0.92
    assert figure.layout.shapes[0].x0 == 0.5


def test_the_selection_curve_marks_the_kept_epoch_and_the_target():
    figure = selection_curve(EVALUATIONS, 0.85)
    each, best, kept = figure.data
    assert each.x == (20, 40, None, 20, 40, None)
    assert each.y == (0.5, 0.6, None, 0.6, 0.8, None)
    assert (best.x, best.y) == ((20, 40), (0.6, 0.8))
    assert (kept.x, kept.y) == ((40,), (0.8,))
    assert [shape.y0 for shape in figure.layout.shapes] == [0.85, 0.5]
    assert figure.layout.yaxis.title.text == "SimA AUC"


def test_losses_stand_over_their_epochs():
    log = [{"epoch": 1.0, "reconstruction": 0.3, "kl": 0.5, "seconds": 1.0}]
    reconstruction, kl = autoencoder_losses(log).data
    assert (reconstruction.x, reconstruction.y) == ((1.0,), (0.3,))
    assert (kl.y, kl.yaxis) == ((0.5,), "y2")
    figure = denoiser_loss([{"epoch": 1.0, "loss": 0.9}, {"epoch": 2.0, "loss": 0.4}])
    assert figure.data[0].y == (0.9, 0.4)
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis.title.text == "Mean squared error of the noise"
