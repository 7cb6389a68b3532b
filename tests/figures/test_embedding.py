"""The latent map: projections with known answers, and points that keep their ids."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from ldviz.errors import InputError
from ldviz.figures.embedding import Continuous, Groups, embedding_map, map_height
from ldviz.figures.embedding_projection import (
    pca_projection,
    principal_components,
    tsne_projection,
)

POINTS = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [5.0, 5.0]])
IDS = np.array([7, 3, 11, 5])
TITLES = ("first", "second")


def turned_plane(shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Latents that vary along two orthonormal directions alone, and their coordinates."""
    generator = np.random.default_rng(seed)
    directions, _ = np.linalg.qr(generator.standard_normal((int(np.prod(shape[1:])), 2)))
    coordinates = generator.standard_normal((shape[0], 2))
    coordinates -= coordinates.mean(axis=0)
    coordinates[:, 1] -= coordinates[:, 0] * (
        coordinates[:, 0] @ coordinates[:, 1] / (coordinates[:, 0] @ coordinates[:, 0])
    )
    scaled = coordinates / np.linalg.norm(coordinates, axis=0) * [3.0, 1.0]
    return (scaled @ directions.T).reshape(shape) + 5.0, scaled


@pytest.mark.parametrize("shape", [(40, 2, 2, 3), (8, 4, 5, 6)])
def test_a_turned_plane_is_found_up_to_sign(shape):
    latents, coordinates = turned_plane(shape)
    points, shares = principal_components(latents)
    signs = np.sign((points * coordinates).sum(axis=0))
    assert points * signs == pytest.approx(coordinates, abs=1e-10)
    assert shares == pytest.approx([0.9, 0.1])


def test_components_agree_with_a_singular_value_decomposition():
    latents = np.random.default_rng(1).standard_normal((30, 7))
    points, shares = principal_components(latents, 3)
    u, s, _ = np.linalg.svd(latents - latents.mean(axis=0), full_matrices=False)
    assert np.abs(points) == pytest.approx(np.abs(u[:, :3] * s[:3]))
    assert shares == pytest.approx(s[:3] ** 2 / (s**2).sum())
    assert (points[np.abs(points).argmax(axis=0), range(3)] > 0).all()


def test_constant_latents_have_a_map_and_no_variance():
    points, shares = principal_components(np.ones((5, 3)))
    assert points == pytest.approx(np.zeros((5, 2)))
    assert shares == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize("shape", [(1, 4), (5, 1)])
def test_too_little_for_a_map_is_refused(shape):
    with pytest.raises(InputError, match="at least two samples"):
        principal_components(np.zeros(shape))


def test_axis_titles_name_the_explained_variance():
    latents, _ = turned_plane((40, 2, 2, 3))
    assert pca_projection(latents).axis_titles == (
        "Principal component 1 (90.0 % of variance)",
        "Principal component 2 (10.0 % of variance)",
    )


@pytest.mark.slow
def test_tsne_keeps_two_clusters_apart_and_repeats_itself():
    generator = np.random.default_rng(0)
    latents = generator.standard_normal((60, 6)) + 20.0 * (np.arange(60) % 2)[:, None]
    first = tsne_projection(latents, perplexity=8.0)
    again = tsne_projection(latents, perplexity=8.0)
    assert np.array_equal(first.points, again.points)
    even, odd = first.points[::2], first.points[1::2]
    reach = max(np.linalg.norm(part - part.mean(axis=0), axis=1).max() for part in (even, odd))
    assert np.linalg.norm(even.mean(axis=0) - odd.mean(axis=0)) > 1.5 * reach


def test_a_perplexity_beyond_a_third_of_the_samples_is_refused():
    with pytest.raises(InputError, match="a third of the 30 samples"):
        tsne_projection(np.zeros((30, 4)), perplexity=10.0)


def test_a_continuous_colouring_is_one_trace_clipped_at_its_tails():
    values = np.r_[np.linspace(0, 1, 99), 1000.0]
    points = np.random.default_rng(0).standard_normal((100, 2))
    figure = embedding_map(
        points, np.arange(100), Continuous(values, "Score (unit)"), axis_titles=TITLES
    )
    (trace,) = figure.data
    assert isinstance(trace, go.Scatter)
    assert trace.marker.line.width == 0  # outlines double the time until the map is drawn
    assert figure.layout.margin.autoexpand is False
    assert np.array_equal(trace.marker.color, values)
    assert trace.marker.colorbar.title.text == "Score (unit)"
    assert trace.marker.cmax < 2
    # Not packed: Streamlit hands packed ids back as objects.
    assert trace.customdata[3] == [3]
    assert np.array_equal(np.ravel(trace.customdata), np.arange(100))
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == TITLES


def test_groups_split_points_and_ids_alike():
    groups = Groups(np.array([0, 1, 0, 1]), ("a", "b"), ("#000000", "#ffffff"), ("circle", "x"))
    figure = embedding_map(POINTS, IDS, groups, axis_titles=TITLES)
    first, second = figure.data
    assert (first.name, second.name) == ("a", "b")
    assert np.ravel(first.customdata).tolist() == [7, 11]
    assert np.ravel(second.customdata).tolist() == [3, 5]
    assert list(second.x) == [1.0, 5.0]
    assert (first.marker.symbol, second.marker.symbol) == ("circle", "x")


def test_labels_stand_at_the_median_of_their_group():
    groups = Groups(np.array([0, 0, 0, 1]), ("a", "b"), ("#000000", "#ffffff"), labelled=True)
    figure = embedding_map(POINTS, IDS, groups, axis_titles=TITLES)
    label = figure.layout.annotations[0]
    assert (label.text, label.x, label.y) == ("<b>a</b>", 1.0, 1.0)


def test_a_selection_is_carried_per_trace():
    groups = Groups(np.array([0, 1, 0, 1]), ("a", "b"), ("#000000", "#ffffff"))
    selected = np.array([False, False, True, True])
    figure = embedding_map(POINTS, IDS, groups, axis_titles=TITLES, selected=selected)
    assert [list(trace.selectedpoints) for trace in figure.data] == [[1], [1]]
    everything = embedding_map(POINTS, IDS, groups, axis_titles=TITLES, selected=~np.ones(4, bool))
    assert [trace.selectedpoints for trace in everything.data] == [None, None]


def test_the_current_image_is_ringed():
    figure = embedding_map(
        POINTS, IDS, Continuous(np.arange(4.0), "v"), axis_titles=TITLES, current=2
    )
    ring = figure.data[-1]
    assert (ring.x, ring.y) == ((3.0, 3.0), (1.0, 1.0))


def test_many_points_are_drawn_by_the_graphics_card():
    points = np.zeros((3001, 2))
    figure = embedding_map(
        points, np.arange(3001), Continuous(np.zeros(3001), "v"), axis_titles=TITLES
    )
    assert isinstance(figure.data[0], go.Scattergl)


def test_the_height_of_a_plot_follows_from_its_axes():
    figure = embedding_map(POINTS, IDS, Continuous(np.arange(4.0), "v"), axis_titles=TITLES)
    assert map_height(figure) == 1.0
    tall = embedding_map(
        POINTS * [1.0, 3.0], IDS, Continuous(np.arange(4.0), "v"), axis_titles=TITLES, current=2
    )
    assert map_height(tall) == 3.0
    assert map_height(tall.update_xaxes(range=[0, 30])) == 0.5
    point = embedding_map(
        np.zeros((2, 2)), IDS[:2], Continuous(np.arange(2.0), "v"), axis_titles=TITLES
    )
    assert map_height(point) == 1.0
