"""An image's place among two classes, and influence as maps."""

from __future__ import annotations

import numpy as np

from ldviz.figures.distribution import plot_place
from ldviz.figures.influence_panels import plot_influence_panels
from ldviz.figures.score_axis import score_axis


def test_both_classes_are_shares_and_the_axis_reaches_the_image() -> None:
    places = np.concatenate([np.linspace(0, 1, 30), np.linspace(1, 2, 10)])
    is_member = np.arange(40) < 30
    figure = plot_place(places, is_member, 5.0, title="nats", text="this picture")
    for trace in figure.data:
        assert np.isclose(np.asarray(trace.y)[1:-1:2].sum(), 1.0)
    low, high = figure.layout.xaxis.range
    assert low < 0.0
    assert high > 5.0
    assert figure.layout.shapes[0].x0 == 5.0
    assert figure.layout.xaxis.title.text == "nats"


def test_ticks_are_the_score_axis_own() -> None:
    axis = score_axis(-np.geomspace(1, 1e4, 50))
    figure = plot_place(
        axis.places, np.arange(50) % 2 == 0, -2.0, title=axis.title, text="x", axis=axis
    )
    assert tuple(figure.layout.xaxis.tickvals) == axis.ticks


def test_each_channel_is_one_map_on_a_common_scale() -> None:
    influence = np.random.default_rng(0).normal(size=(6, 3, 5))
    figure = plot_influence_panels(influence)
    assert [trace.type for trace in figure.data] == ["heatmap"] * 6
    for trace, values in zip(figure.data, influence, strict=True):
        np.testing.assert_allclose(trace.z, values.astype(np.float32))
        assert trace.coloraxis == "coloraxis"
