"""The spectrum against the study's band, with hand-made numbers."""

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.figures.spectrum import plot_spectrum, spectrum_quantiles

VALUES = np.array([[4.0, 2.0, 1.0], [3.0, 1.0, 0.5], [2.0, 0.5, 0.0]])


def figure(floor=1e-3):
    return plot_spectrum(
        spectrum_quantiles(VALUES), [("image 7", "#009E73", VALUES[0])], rank=2, floor=floor
    )


def named(name):
    return next(trace for trace in figure().data if trace.name == name)


def test_quantiles_are_taken_over_samples():
    quantiles = spectrum_quantiles(VALUES)
    np.testing.assert_allclose(quantiles[2], [3.0, 1.0, 0.5])
    np.testing.assert_allclose(quantiles[0], np.quantile(VALUES, 0.05, axis=0))
    np.testing.assert_allclose(quantiles[4], np.quantile(VALUES, 0.95, axis=0))


def test_the_image_is_drawn_on_a_logarithmic_axis_numbered_from_one():
    line = named("image 7")
    np.testing.assert_array_equal(line.x, [1, 2, 3])
    np.testing.assert_array_equal(line.y, [4.0, 2.0, 1.0])
    assert figure().layout.yaxis.type == "log"
    assert "pixel distance per latent unit" in figure().layout.yaxis.title.text


def test_bands_run_up_one_side_and_down_the_other():
    band = named("90 % of images")
    np.testing.assert_array_equal(band.x, [1, 2, 3, 3, 2, 1])
    quantiles = spectrum_quantiles(VALUES)
    np.testing.assert_allclose(band.y[:3], quantiles[4])
    np.testing.assert_allclose(band.y[5], quantiles[0, 0])


def test_nothing_is_drawn_below_the_floor():
    assert named("90 % of images").y.min() >= 1e-3


def test_the_rank_of_the_distortion_is_marked():
    drawing = figure()
    assert drawing.layout.shapes[0].x0 == 2.5
    assert "k = 2" in drawing.layout.annotations[0].text


def test_wrong_bands_are_refused():
    with pytest.raises(InputError, match=r"\(5, k\) quantiles, got \(3, 3\)"):
        plot_spectrum(VALUES, [], rank=2, floor=1e-3)
