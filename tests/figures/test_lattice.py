"""Lattices in data space, with hand-made numbers."""

import numpy as np
import plotly.graph_objects as go
import pytest

from ldviz.errors import InputError
from ldviz.figures.lattice import plot_lattices
from ldviz.figures.lattice_drawn import DrawnLattice, broken_path, common_limits, edge_middles
from ldviz.figures.lattice_inset import place_inset, rounded_down


def square(side, name="high", colour="#D55E00", substeps=2, components=2):
    """A flat 3 x 3 lattice of a given side, its edges' distances numbered 1 to 12."""
    fine = np.linspace(-side / 2, side / 2, 2 * substeps + 1)
    coarse = fine[::substeps]
    rows = np.zeros((3, len(fine), components))
    columns = np.zeros((3, len(fine), components))
    rows[..., 0], rows[..., 1] = fine, coarse[:, None]
    columns[..., 0], columns[..., 1] = coarse[:, None], fine
    return DrawnLattice(
        name=name,
        colour=colour,
        rows=rows,
        columns=columns,
        substeps=substeps,
        row_edges=np.arange(1.0, 7.0).reshape(3, 2),
        column_edges=np.arange(7.0, 13.0).reshape(3, 2),
        offsets=np.array([-1.0, 0.0, 1.0]),
    )


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_each_lattice_is_one_path_in_its_colour_with_a_gap_between_lines():
    figure = plot_lattices(
        [square(4.0), square(0.5, "low", "#0072B2")], explained=[0.7, 0.2], num_pixels=9
    )
    for name, colour in (("high", "#D55E00"), ("low", "#0072B2")):
        trace = named(figure, name)
        assert isinstance(trace, go.Scatter)
        assert trace.line.color == colour
        assert len(trace.x) == 6 * 5 + 5
        assert np.isnan(trace.x).sum() == 5


def test_the_two_lattices_share_one_isotropic_scale():
    lattices = [square(4.0), square(2.0, "low")]
    figure = plot_lattices(lattices, explained=[0.7, 0.2], num_pixels=9)
    assert figure.layout.yaxis.scaleanchor == "x"
    low, high = figure.layout.xaxis.range
    assert low < -2.0
    assert high > 2.0
    assert figure.layout.yaxis.range == pytest.approx(figure.layout.xaxis.range)


def test_axis_titles_state_the_variance_explained():
    figure = plot_lattices([square(4.0)], explained=[0.712, 0.204], num_pixels=9)
    assert "71%" in figure.layout.xaxis.title.text
    assert "20%" in figure.layout.yaxis.title.text


def test_every_edge_carries_its_pixel_distance_at_its_middle():
    lattice = square(4.0)
    figure = plot_lattices([lattice], explained=[0.7, 0.2], num_pixels=1024)
    hover = named(figure, "high: edges")
    np.testing.assert_array_equal(hover.customdata, np.arange(1.0, 13.0))
    assert "L2 over 1,024 pixels" in hover.hovertemplate
    assert (hover.x[0], hover.y[0]) == (-1.0, -2.0)
    assert (hover.x[6], hover.y[6]) == (-2.0, -1.0)


@pytest.mark.parametrize("substeps", [1, 2, 3, 4])
def test_middles_of_straight_edges_do_not_depend_on_the_substeps(substeps):
    middles = edge_middles(square(4.0, substeps=substeps))
    np.testing.assert_allclose(middles, edge_middles(square(4.0)), atol=1e-12)


def test_edges_by_distance_cover_every_edge_once_and_show_a_scale_from_zero():
    lattice = square(4.0)
    figure = plot_lattices([lattice], explained=[0.7, 0.2], num_pixels=9, colour_by_distance=True)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    # Each edge is 3 points long; a gap stands between edges of one colour.
    assert sum((np.isnan(trace.x).sum() + 1) for trace in lines) == 12
    assert len({trace.line.color for trace in lines}) == len(lines)
    scale = named(figure, "scale").marker
    assert (scale.cmin, scale.cmax) == (0.0, 12.0)
    assert "pixel distance" in scale.colorbar.title.text


def test_three_components_are_drawn_as_a_scene_with_true_proportions():
    figure = plot_lattices([square(4.0, components=3)], explained=[0.6, 0.2, 0.1], num_pixels=9)
    assert all(isinstance(trace, go.Scatter3d) for trace in figure.data)
    assert figure.layout.scene.aspectmode == "data"
    assert "10%" in figure.layout.scene.zaxis.title.text


def test_limits_given_are_the_limits_drawn():
    limits = common_limits([square(4.0), square(8.0)])
    figure = plot_lattices([square(4.0)], explained=[0.7, 0.2], num_pixels=9, limits=limits)
    assert figure.layout.xaxis.range == limits[0]
    assert limits[0][1] == pytest.approx(4.0 + 0.06 * 8.0)


def test_a_collapsed_lattice_can_still_be_drawn():
    figure = plot_lattices([square(0.0)], explained=[0.0, 0.0], num_pixels=9)
    low, high = figure.layout.xaxis.range
    assert low < 0.0 < high


def test_a_lattice_too_small_to_see_is_shown_again_and_says_how_much_larger():
    small = square(0.1, "low", "#0072B2")
    figure = plot_lattices([square(4.0), small], explained=[0.7, 0.2], num_pixels=9)
    first, second = (trace for trace in figure.data if trace.name == "low")
    assert np.nanmax(first.x) - np.nanmin(first.x) == pytest.approx(0.1)
    assert np.nanmax(second.x) - np.nanmin(second.x) == pytest.approx(0.1 * 10)
    assert [note.text for note in figure.layout.annotations] == ["low,<br>10 × larger"]
    edges = [trace for trace in figure.data if trace.name == "low: edges"]
    np.testing.assert_array_equal(edges[0].customdata, edges[1].customdata)


def test_the_enlarged_copy_stands_beside_the_lattices_inside_its_frame():
    large, small = square(4.0), square(0.1, "low")
    limits = common_limits([large])
    inset = place_inset([large, small], limits)
    left, right, bottom, top = inset.frame
    assert left >= limits[0][1]
    assert inset.limits[0][1] > right
    assert inset.limits[1] == limits[1]
    copied = np.concatenate(inset.lattice.lines)
    assert copied[:, 0].min() > left
    assert copied[:, 0].max() < right
    assert copied[:, 1].min() > bottom
    assert copied[:, 1].max() < top


def test_nothing_is_enlarged_without_need():
    assert place_inset([square(4.0), square(2.0)], [(-2, 2), (-2, 2)]) is None
    assert place_inset([square(4.0), square(0.0)], [(-2, 2), (-2, 2)]) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(1.0, 1.0), (43.0, 40.0), (999.0, 800.0), (0.37, 0.3), (5.0, 5.0)]
)
def test_factors_are_round(value, expected):
    assert rounded_down(value) == pytest.approx(expected)


def test_one_component_is_refused():
    with pytest.raises(InputError, match="2 or 3 components, got 1"):
        plot_lattices([square(1.0)], explained=[1.0], num_pixels=9)


def test_a_broken_path_ends_with_its_last_line():
    path = broken_path([np.zeros((2, 2)), np.ones((3, 2))])
    assert path.shape == (6, 2)
    assert np.isnan(path[2]).all()
    assert (path[3:] == 1.0).all()
