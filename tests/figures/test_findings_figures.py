"""The figures of the Findings page, with hand-made numbers: traces, arrays, axis titles."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.figures.findings_beta import beta_line
from ldviz.figures.findings_effects import EffectRow, effect_dots
from ldviz.figures.findings_frequency import frequency_scatter
from ldviz.figures.findings_scatter import distortion_scatter, thinned_rows
from ldviz.figures.findings_violins import StudyImage, StudyViolin, study_violins
from ldviz.figures.violin_density import summarise_density
from ldviz.metrics.measured import Measured


def test_effects_tell_the_papers_numbers_apart() -> None:
    figure = effect_dots(
        [
            EffectRow("CIFAR-10", Measured(value=0.02, source="paper")),
            EffectRow("Digits", Measured(value=-0.01, ci95=(-0.03, 0.02))),
        ],
        colour="#009E73",
        axis="Change of AUC",
    )
    ours, paper = figure.data
    assert (ours.name, paper.name) == ("Digits", "CIFAR-10")  # ours stand on top
    assert ours.y[0] > paper.y[0]
    assert ours.marker.symbol == "circle"
    assert paper.marker.symbol == "diamond-open"
    assert ours.error_x.array[0] == pytest.approx(0.03)
    assert ours.error_x.arrayminus[0] == pytest.approx(0.02)
    assert paper.error_x.array is None
    assert "(the paper)" in paper.hovertemplate
    assert "<i>CIFAR-10</i>" in figure.layout.yaxis.ticktext
    assert figure.layout.xaxis.title.text == "Change of AUC"
    low, high = figure.layout.xaxis.range
    assert low < -0.03 < 0.02 < high


def test_an_effect_that_is_not_available_says_so() -> None:
    figure = effect_dots([EffectRow("Digits", Measured(value=None))], colour="#000000", axis="x")
    assert not figure.data
    assert "not available" in [note.text for note in figure.layout.annotations]


def test_beta_runs_on_a_logarithmic_axis_with_the_reference_marked() -> None:
    numbers = [Measured(value=v, ci95=(v - 0.1, v + 0.2)) for v in (0.6, 0.8, 0.7)]
    figure = beta_line(
        [0.001, 0.01, 0.1], numbers, title="AUC", colour="#009E73", reference=0.01, level=0.0
    )
    (line,) = figure.data
    assert list(line.y) == [0.6, 0.8, 0.7]
    np.testing.assert_allclose(line.error_y.array, 0.2)
    np.testing.assert_allclose(line.error_y.arrayminus, 0.1)
    assert figure.layout.xaxis.type == "log"
    assert list(figure.layout.xaxis.ticktext) == ["0.001", "<b>0.01</b><br>reference", "0.1"]
    assert figure.layout.yaxis.range[0] < 0.0  # the level is on the axis


def test_beta_without_a_value_leaves_a_gap() -> None:
    numbers = [Measured(value=None), Measured(value=0.5)]
    figure = beta_line([0.1, 1.0], numbers, title="", colour="#000000")
    assert figure.data[0].y[0] is None


def test_thinning_keeps_the_ends_and_never_repeats() -> None:
    rows = thinned_rows(1797, 400)
    assert len(rows) == len(set(rows)) == 400
    assert rows[0] == 0
    assert rows[-1] == 1796
    np.testing.assert_array_equal(thinned_rows(3, 400), [0, 1, 2])


def test_the_scatter_keeps_classes_apart() -> None:
    figure = distortion_scatter(
        np.array([1.0, 2.0, 3.0]),
        np.array([5.0, 6.0, 7.0]),
        np.array([True, False, True]),
        np.array([10, 11, 12]),
        title="Edge length (pixels)",
        rank=20,
    )
    members, held_out = figure.data
    assert (list(members.x), list(members.y)) == ([1.0, 3.0], [5.0, 7.0])
    assert held_out.customdata.tolist() == [[11]]
    assert "rank 20" in figure.layout.yaxis.title.text


def frequency_figure(count: int = 30):
    generator = np.random.default_rng(0)
    low, high = generator.standard_normal((2, 3, count))
    return (
        low,
        high,
        frequency_scatter(
            (0.1, 0.25, 0.5),
            low,
            high,
            np.arange(count, dtype=float),
            np.arange(count) % 2 == 0,
            low_text=["a", "b", "c"],
            high_text=["d", "e", "f"],
            start=0.25,
            rank=20,
        ),
    )


def test_the_slider_has_a_frame_for_every_cutoff() -> None:
    low, high, figure = frequency_figure()
    assert [frame.name for frame in figure.frames] == ["0.1", "0.25", "0.5"]
    (slider,) = figure.layout.sliders
    assert slider.active == 1
    assert [list(step.args[0]) for step in slider.steps] == [["0.1"], ["0.25"], ["0.5"]]
    frame = figure.frames[2]
    np.testing.assert_allclose(frame.data[0].x, low[2][::2], atol=5e-4)
    np.testing.assert_allclose(frame.data[3].x, high[2][1::2], atol=5e-4)
    texts = [note.text for note in frame.layout.annotations]
    assert texts == ["<b>Low frequencies</b>: r = c", "<b>High frequencies</b>: r = f"]


def test_what_is_shown_first_is_the_start_and_axes_hold_every_frame() -> None:
    low, high, figure = frequency_figure()
    np.testing.assert_allclose(figure.data[0].x, low[1][::2], atol=5e-4)
    for axis, values in ((figure.layout.xaxis, low), (figure.layout.xaxis2, high)):
        assert axis.range[0] < values.min()
        assert axis.range[1] > values.max()
    assert [note.text[-1] for note in figure.layout.annotations] == ["b", "e"]


def test_many_points_are_thinned_in_every_frame() -> None:
    figure = frequency_figure(2000)[2]
    assert sum(len(trace.x) for trace in figure.data[:2]) == 400
    assert sum(len(part.x) for part in figure.frames[0].data[:2]) == 400


def violin(title: str, values: np.ndarray, images: int) -> StudyViolin:
    ends = np.sort(values)[:images]
    return StudyViolin(
        title=title,
        colour="#0072B2",
        summary=summarise_density(values),
        images=tuple(StudyImage(float(end), "data:,", f"{title} {end:.2f}") for end in ends),
    )


def test_every_violin_stands_on_its_own_line_with_its_pictures() -> None:
    generator = np.random.default_rng(0)
    rows = [violin("Digits", generator.random(50), 4), violin("Photos", generator.random(60), 3)]
    figure = study_violins(rows, axis="Distortion", span=(0.0, 1.0))
    outlines = [trace for trace in figure.data if trace.fill == "toself"]
    for outline, level in zip(outlines, (1.0, 0.0), strict=True):
        assert max(outline.y) - level == pytest.approx(0.24)
        assert level - min(outline.y) == pytest.approx(0.24)
    assert len(figure.layout.images) == 7
    assert "n = 50" in figure.layout.yaxis.ticktext[0]
    pictures = [trace for trace in figure.data if trace.name.endswith("pictures")]
    assert pictures[1].hovertext[0].startswith("Photos")
    assert (np.diff(pictures[0].x) > 0).all()


def test_leaders_start_at_the_images_own_values() -> None:
    values = np.random.default_rng(1).random(40)
    figure = study_violins([violin("Digits", values, 4)], axis="", span=(0.0, 1.0))
    leaders = next(trace for trace in figure.data if trace.name.endswith("leaders"))
    np.testing.assert_allclose(leaders.x[::3], np.sort(values)[:4])
