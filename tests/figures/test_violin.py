"""Violins: outlines that integrate to one, pictures beside their places, ids on every mark."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldviz.errors import InputError
from ldviz.figures.violin import (
    HALF_HEIGHT,
    CurrentImage,
    EndImage,
    ViolinRow,
    distortion_violins,
)
from ldviz.figures.violin_density import spread_out, summarise_density


def row(title: str, values: list[float], first_id: int) -> ViolinRow:
    images = tuple(
        EndImage(first_id + index, value, f"data:{first_id + index}", f"image {first_id + index}")
        for index, value in enumerate(sorted(values))
    )
    return ViolinRow(title, "#0072B2", summarise_density(np.array(values)), images)


def two_rows() -> list[ViolinRow]:
    return [row("Members", [1.0, 2.0, 4.0, 9.0], 10), row("Held-out", [0.0, 3.0, 5.0, 6.0], 20)]


def trace(figure: go.Figure, name: str) -> go.Scatter:
    (found,) = [each for each in figure.data if each.name == name]
    return found


def test_a_density_matches_the_formula_written_out():
    values = np.array([0.0, 1.0, 1.5, 4.0])
    summary = summarise_density(values, num_points=5)
    quartile_range = np.ptp(np.quantile(values, [0.25, 0.75]))
    spread = min(values.std(ddof=1), quartile_range / 1.349)
    assert summary.bandwidth == pytest.approx(0.9 * spread * 4**-0.2)
    assert summary.grid == pytest.approx([0, 1, 2, 3, 4])
    by_hand = [
        sum(np.exp(-0.5 * ((x - v) / summary.bandwidth) ** 2) for v in values)
        / (4 * summary.bandwidth * np.sqrt(2 * np.pi))
        for x in summary.grid
    ]
    assert summary.density == pytest.approx(by_hand)
    assert (summary.lower, summary.median, summary.upper) == pytest.approx((0.75, 1.25, 2.125))
    assert summary.ends == (0.0, 4.0)


def test_the_density_of_many_values_integrates_to_almost_one():
    summary = summarise_density(np.random.default_rng(0).standard_normal(4000))
    width = summary.grid[1] - summary.grid[0]
    assert 0.99 < summary.density.sum() * width < 1.001
    # The kernel widens the normal's peak to 0.393; three standard errors are 0.038.
    assert summary.density_at(0.0) == pytest.approx(0.393, abs=0.038)


@pytest.mark.parametrize("values", [[3.0], [2.0, 2.0, 2.0]])
def test_a_sample_without_spread_still_has_an_outline(values):
    summary = summarise_density(np.array(values))
    assert np.isfinite(summary.density).all()
    assert summary.density.min() > 0


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [-np.inf, 0.0]])
def test_values_that_cannot_be_drawn_are_refused(values):
    with pytest.raises(InputError, match="finite"):
        summarise_density(np.array(values))


def test_labels_stay_at_their_places_where_there_is_room():
    assert spread_out(np.array([0.0, 3.0, 9.0]), 2.0, 0.0, 10.0) == pytest.approx([0, 3, 9])


def test_crowded_labels_spread_about_their_mean():
    assert spread_out(np.array([5.0, 5.0, 5.0]), 1.0, 0.0, 10.0) == pytest.approx([4, 5, 6])


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=8),
    st.floats(0.1, 1.2),
)
def test_spread_labels_keep_distance_order_and_bounds(wanted, width):
    places = spread_out(np.sort(wanted), width, 0.0, 10.0)
    assert places[0] >= -1e-9
    assert places[-1] <= 10 + 1e-9
    assert (np.diff(places) >= width - 1e-9).all()


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="do not fit"):
        spread_out(np.arange(5.0), 3.0, 0.0, 10.0)


def test_the_axis_names_quantity_rank_and_unit():
    figure = distortion_violins(two_rows(), rank=20, cuts=(2.0, 3.0, 5.0))
    assert figure.layout.xaxis.title.text == "Local distortion, rank 20 (nats)"
    assert figure.layout.yaxis.ticktext == ("<b>Members</b><br>n = 4", "<b>Held-out</b><br>n = 4")


def test_outlines_share_one_scale_and_end_at_the_extremes():
    rows = two_rows()
    figure = distortion_violins(rows, rank=20, cuts=(2.0, 3.0, 5.0))
    peaks = []
    for level, each in zip((1.0, 0.0), rows, strict=True):
        outline = trace(figure, each.title)
        assert (min(outline.x), max(outline.x)) == each.summary.ends
        half = max(outline.y) - level
        peaks.append(half / each.summary.density.max())
        assert min(outline.y) == pytest.approx(level - half)
    assert peaks[0] == pytest.approx(peaks[1])
    tallest = max(each.summary.density.max() for each in rows)
    assert peaks[0] * tallest == pytest.approx(HALF_HEIGHT)


def test_members_pictures_stand_above_and_held_out_ones_below():
    figure = distortion_violins(two_rows(), rank=20, cuts=(2.0, 3.0, 5.0))
    above = [image for image in figure.layout.images if image.y > 1]
    below = [image for image in figure.layout.images if image.y < 0]
    assert [image.source for image in above] == ["data:10", "data:11", "data:12", "data:13"]
    assert [image.source for image in below] == ["data:20", "data:21", "data:22", "data:23"]
    assert {image.yanchor for image in above} == {"bottom"}
    assert {image.yanchor for image in below} == {"top"}


def test_each_leader_runs_from_the_images_value_to_its_picture():
    figure = distortion_violins(two_rows(), rank=20, cuts=(2.0, 3.0, 5.0))
    leaders = np.array(trace(figure, "Members: leaders").x).reshape(4, 3)
    assert leaders[:, 0] == pytest.approx([1, 2, 4, 9])
    centres = [image.x for image in figure.layout.images[:4]]
    assert leaders[:, 1] == pytest.approx(centres)
    assert np.isnan(leaders[:, 2]).all()


def test_marks_and_pictures_carry_the_sample_id():
    figure = distortion_violins(two_rows(), rank=20, cuts=(2.0, 3.0, 5.0))
    for name in ("places", "pictures"):
        marks = trace(figure, f"Held-out: {name}")
        assert [int(entry[0]) for entry in marks.customdata] == [20, 21, 22, 23]
        assert marks.hovertext == ("image 20", "image 21", "image 22", "image 23")


def test_quartile_cuts_are_drawn_where_they_are():
    figure = distortion_violins(two_rows(), rank=20, cuts=(2.0, 3.0, 5.0))
    assert [shape.x0 for shape in figure.layout.shapes] == [2.0, 3.0, 5.0]
    assert list(trace(figure, "quarters").text) == ["Q1", "Q2", "Q3", "Q4"]


def test_the_current_image_is_marked_only_in_a_row_that_is_shown():
    current = CurrentImage(sample_id=11, value=2.0, row=1)
    figure = distortion_violins(two_rows(), rank=20, cuts=(2.0, 3.0, 5.0), current=current)
    mark = trace(figure, "current image")
    assert (mark.x, mark.y) == ((2.0,), (0.0,))
    hidden = CurrentImage(sample_id=11, value=2.0, row=None)
    alone = distortion_violins(two_rows()[:1], rank=20, cuts=(2.0, 3.0, 5.0), current=hidden)
    assert "current image" not in [each.name for each in alone.data]


def test_the_figure_sends_outlines_and_not_samples():
    values = np.random.default_rng(0).standard_normal(50_000)
    big = ViolinRow("Members", "#0072B2", summarise_density(values))
    assert len(distortion_violins([big], rank=20, cuts=(-1.0, 0.0, 1.0)).to_json()) < 20_000


def test_quarters_can_be_clicked_and_chosen_samples_are_marked():
    rows = [
        ViolinRow("Members", "#0072B2", summarise_density(np.arange(9.0)), chosen=(7.0, 8.0)),
        ViolinRow("Held-out", "#D55E00", summarise_density(np.arange(9.0))),
    ]
    figure = distortion_violins(rows, rank=20, cuts=(2.0, 4.0, 6.0))
    quarters = trace(figure, "quarters")
    assert [data[0] for data in quarters.customdata] == ["Q1", "Q2", "Q3", "Q4"]
    assert list(quarters.x[1:3]) == [3.0, 5.0]
    assert list(trace(figure, "Members: chosen").x) == [7.0, 8.0]
    assert not [each for each in figure.data if each.name == "Held-out: chosen"]
