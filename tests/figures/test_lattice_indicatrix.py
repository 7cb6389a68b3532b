"""Tissot's indicatrices as drawn: the right ellipse in the right place, at the stated scale."""

import numpy as np
import plotly.graph_objects as go
import pytest

from ldviz.figures.lattice_indicatrix import (
    CELL_SHARE,
    add_shadows,
    drawing_scale,
    plot_indicatrices,
)

OFFSETS = np.array([-2.0, 0.0, 2.0])


def circles(radii):
    """(n, 65, 2) circles and their (n, 2) semi-axes."""
    angle = np.linspace(0.0, 2.0 * np.pi, 65)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.asarray(radii)[:, None, None] * unit, np.repeat(np.asarray(radii)[:, None], 2, axis=1)


def drawn(space="data", radii=None, scale=0.1):
    curves, semi_axes = circles(np.arange(1.0, 10.0) if radii is None else radii)
    return plot_indicatrices(OFFSETS, curves, semi_axes, space=space, colour="#D55E00", scale=scale)


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_each_ellipse_stands_at_its_node_with_its_semi_axes_times_the_scale():
    path = traces(drawn())["indicatrices"]
    x = np.append(path.x, np.nan).reshape(9, 66)[:, :65]
    y = np.append(path.y, np.nan).reshape(9, 66)[:, :65]
    for index in range(9):
        center = (OFFSETS[index % 3], OFFSETS[index // 3])
        assert x[index, 0] - center[0] == pytest.approx(0.1 * (index + 1))
        reach = np.hypot(x[index] - center[0], y[index] - center[1])
        np.testing.assert_allclose(reach, 0.1 * (index + 1))


def test_the_two_kinds_of_ellipse_look_different_and_name_different_units():
    data, latent = traces(drawn("data")), traces(drawn("latent"))
    assert data["indicatrices"].fill == "toself"
    assert data["indicatrices"].line.dash == "solid"
    assert latent["indicatrices"].fill is None
    assert latent["indicatrices"].line.dash == "dot"
    assert data["semi-axes"].hovertemplate.startswith("<b>√λ")
    assert "pixel distance per latent unit" in data["semi-axes"].hovertemplate
    assert latent["semi-axes"].hovertemplate.startswith("<b>1/√λ")
    assert "latent units for a pixel distance of 1" in latent["semi-axes"].hovertemplate


def test_hover_carries_the_true_semi_axes_whatever_the_scale():
    np.testing.assert_array_equal(
        traces(drawn(scale=0.001))["semi-axes"].customdata[:, 0], range(1, 10)
    )


def test_ellipses_that_leave_their_cell_are_cut_there():
    path = traces(drawn("latent", radii=[50.0] + 8 * [1.0]))["indicatrices"]
    assert np.isnan(path.x[:65]).all()
    assert np.isfinite(path.x[66:131]).all()
    assert np.nanmax(np.abs(path.x)) <= 3.0


def test_the_longest_ellipse_in_data_space_fills_its_cell():
    semi_axes = np.array([[4.0, 1.0], [2.0, 2.0], [1.0, 0.5]])
    assert 4.0 * drawing_scale(semi_axes, 2.0, "data") == pytest.approx(2.0 * CELL_SHARE)


def test_one_endless_latent_ellipse_does_not_shrink_the_others():
    semi_axes = np.array([[1.0, 2.0], [1.0, np.inf], [0.5, 2.0]])
    assert 2.0 * drawing_scale(semi_axes, 1.0, "latent") == pytest.approx(CELL_SHARE)


def test_a_decoder_that_ignores_the_plane_gets_a_finite_scale():
    assert drawing_scale(np.zeros((4, 2)), 1.0, "data") == 1.0


def test_shadows_stand_on_the_nodes_and_tell_true_lengths():
    figure = go.Figure()
    curves, semi_axes = circles([0.5, 0.25])
    centers = np.array([[10.0, 0.0], [0.0, -3.0]])
    add_shadows(figure, centers, curves, 3 * semi_axes, colour="#0072B2", name="low")
    path = traces(figure)["low: circles"]
    np.testing.assert_allclose(np.hypot(path.x[:65] - 10.0, path.y[:65]), 0.5)
    np.testing.assert_allclose(np.hypot(path.x[66:], path.y[66:] + 3.0), 0.25)
    np.testing.assert_allclose(
        traces(figure)["low: semi-axes"].customdata, [[1.5, 1.5], [0.75, 0.75]]
    )
