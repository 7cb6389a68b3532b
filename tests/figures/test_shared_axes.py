"""Axes that figures share: whatever any of them shows is on all of them."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from ldviz.figures.shared_axes import share_axes


def drawn(x, y, **layout) -> go.Figure:
    return go.Figure(go.Scatter(x=x, y=y), layout=layout)


def test_both_get_a_range_that_holds_the_numbers_of_both() -> None:
    figures = [drawn([0, 1], [5, 6]), drawn([2, 4], [-5, None])]
    share_axes(figures)
    for name, (low, high) in {"xaxis": (0, 4), "yaxis": (-5, 6)}.items():
        ranges = [figure.layout[name].range for figure in figures]
        assert ranges[0] == ranges[1]
        assert ranges[0][0] < low
        assert ranges[0][1] > high
        assert ranges[0][1] - ranges[0][0] == pytest.approx(1.08 * (high - low))


def test_a_logarithmic_axis_shares_exponents() -> None:
    log = {"yaxis": {"type": "log"}}
    figures = [drawn([0, 1], [0.01, 1], **log), drawn([0, 1], [0, 100], **log)]
    share_axes(figures, "y")
    assert figures[0].layout.yaxis.range == pytest.approx((-2.16, 2.16))
    assert figures[0].layout.xaxis.range is None


def test_a_fixed_range_counts_and_zero_stays_where_the_axis_starts_there() -> None:
    zero = {"yaxis": {"rangemode": "tozero"}, "xaxis": {"range": [-1, 3]}}
    figures = [drawn([0], [2], **zero), drawn([7], [4], **zero)]
    share_axes(figures)
    assert figures[1].layout.xaxis.range == (-1, 3)
    assert figures[1].layout.yaxis.range[0] == 0


def test_a_second_axis_takes_its_own_traces_alone() -> None:
    figures = [drawn([0, 1], [0, 1]), drawn([0, 1], [0, 1])]
    figures[0].add_scatter(x=[0, 1], y=[100, 200], yaxis="y2")
    share_axes(figures, ("y", "y2"))
    assert figures[1].layout.yaxis.range[1] < 2
    assert figures[1].layout.yaxis2.range[1] > 200


def test_categories_are_left_alone() -> None:
    figures = [drawn(["a", "b"], [1, 2]), drawn(["c"], [3])]
    share_axes(figures, "x")
    assert figures[0].layout.xaxis.range is None
