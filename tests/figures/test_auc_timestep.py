"""A metric by timestep: bands, lines and marks stand where the numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.figures.auc_timestep import TimestepLine, metric_by_timestep
from ldviz.figures.line_ends import padded_range

STEPS = (0, 50, 100)


def line(short: str, *values: float, **options) -> TimestepLine:
    return TimestepLine(f"title {short}", short, "#0072B2", np.array(values), **options)


def test_points_carry_their_timestep_and_axes_their_names():
    figure = metric_by_timestep(STEPS, [line("Q4", 0.6, 0.7, 0.8)], metric="AUC")
    (trace,) = figure.data
    assert list(trace.x) == list(STEPS)
    assert list(trace.y) == [0.6, 0.7, 0.8]
    assert [int(entry[0]) for entry in trace.customdata] == list(STEPS)
    assert figure.layout.xaxis.title.text == "Timestep t"
    assert figure.layout.yaxis.title.text == "AUC"


def test_the_band_reaches_one_deviation_to_both_sides():
    band = (np.array([0.6, 0.6, 0.6]), np.array([0.01, 0.02, 0.03]))
    figure = metric_by_timestep(STEPS, [line("all", 0.6, 0.6, 0.6)], metric="AUC", band=band)
    ribbon = figure.data[0]
    assert ribbon.y[:3] == pytest.approx((0.61, 0.62, 0.63))
    assert ribbon.y[3:][::-1] == pytest.approx((0.59, 0.58, 0.57))


def test_intervals_are_drawn_only_where_there_are_any():
    low, high = np.array([0.5, np.nan, 0.7]), np.array([0.7, np.nan, 0.9])
    figure = metric_by_timestep(
        STEPS, [line("Q1", 0.6, 0.7, 0.8, low=low, high=high)], metric="AUC"
    )
    ribbon = figure.data[0]
    assert list(ribbon.x) == [0, 100, 100, 0]
    assert ribbon.y == pytest.approx((0.7, 0.9, 0.7, 0.5))


def test_names_at_line_ends_never_overlap():
    crowded = [line(f"Q{index}", 0.6, 0.6, 0.7 + index * 1e-4) for index in range(4)]
    figure = metric_by_timestep(STEPS, crowded, metric="AUC")
    low, high = figure.layout.yaxis.range
    places = sorted(note.y for note in figure.layout.annotations)
    assert [note.text for note in figure.layout.annotations] == ["Q0", "Q1", "Q2", "Q3"]
    assert np.diff(places).min() >= 0.06 * (high - low)


def test_current_timestep_and_chance_are_marked_where_they_are_in_range():
    lines = [line("all", 0.4, 0.5, 0.6)]
    shapes = metric_by_timestep(STEPS, lines, metric="AUC", current=50, chance=0.5).layout.shapes
    assert [(shape.x0, shape.y0) for shape in shapes] == [(0, 0.5), (50, 0)]
    above = metric_by_timestep(STEPS, [line("all", 0.7, 0.8, 0.9)], metric="AUC", chance=0.5)
    assert not above.layout.shapes


def test_a_single_timestep_still_has_a_band():
    band = (np.array([0.6]), np.array([0.05]))
    figure = metric_by_timestep((50,), [line("all", 0.6)], metric="AUC", band=band)
    assert figure.data[0].y == pytest.approx((0.55, 0.65))
    assert figure.data[0].x == (50, 50)


def test_a_range_without_numbers_is_the_unit_interval():
    assert padded_range([np.nan]) == (0.0, 1.0)
