"""Frequencies of images with known spectra, and Pearson's interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ldviz.errors import InputError
from ldviz.metrics import frequency


def slow_bands(grey, cutoff):
    """From the definition, term by term."""
    height, width = grey.shape
    low, high = [], []
    for u in range(height):
        for v in range(width):
            phase = np.outer(
                np.exp(-2j * np.pi * u * np.arange(height) / height),
                np.exp(-2j * np.pi * v * np.arange(width) / width),
            )
            radius = np.hypot(min(u, height - u) / height, min(v, width - v) / width)
            log = np.log(np.abs((grey * phase).sum()) + 1e-6)
            (low if radius <= cutoff else high).append(log)
    return np.mean(low), np.mean(high)


@pytest.mark.parametrize("cutoff", [0.1, 0.25, 0.5, 0.6])
def test_equals_the_definition(cutoff):
    images = np.random.default_rng(0).random((3, 6, 8))
    low, high = frequency.radial_spectrum(images).bands(cutoff)
    for image, one_low, one_high in zip(images, low, high, strict=True):
        assert (one_low, one_high) == pytest.approx(slow_bands(image, cutoff))


def test_a_quarter_of_the_sampling_frequency_is_low():
    across = np.arange(16)
    at_cutoff = 0.5 + 0.4 * np.cos(2 * np.pi * 4 / 16 * across)  # 4 of 16 cycles: 0.25
    above = 0.5 + 0.4 * np.cos(2 * np.pi * 5 / 16 * across)
    images = np.stack([np.tile(at_cutoff, (16, 1)), np.tile(above, (16, 1))])
    low, high = frequency.radial_spectrum(images).bands()
    assert low[0] > low[1]
    assert high[0] < high[1]


def test_grey_scale_and_types():
    images = np.random.default_rng(0).integers(0, 256, (600, 8, 8, 3), dtype=np.uint8)
    low, high = frequency.radial_spectrum(images).bands()
    grey = images @ np.array([0.299, 0.587, 0.114]) / 255
    low_grey, high_grey = frequency.radial_spectrum(grey).bands()
    np.testing.assert_allclose(low, low_grey)
    np.testing.assert_allclose(high, high_grey)
    single = frequency.radial_spectrum(grey[..., None]).bands()
    np.testing.assert_allclose(single[0], low_grey)


def test_bad_images_and_cutoffs():
    spectrum = frequency.radial_spectrum(np.zeros((2, 8, 8)))
    assert np.isfinite(spectrum.log_magnitude).all()  # flat images have a floor
    with pytest.raises(InputError, match=r"between 0 and 0\.7071 cycles per pixel, got 16"):
        spectrum.bands(16)
    with pytest.raises(InputError, match="cannot be made grey"):
        frequency.radial_spectrum(np.zeros((2, 8, 8, 4)))
    with pytest.raises(InputError, match="one pixel"):
        frequency.radial_spectrum(np.zeros((2, 1, 1)))
    with pytest.raises(InputError, match="not finite"):
        frequency.radial_spectrum(np.full((2, 8, 8), np.nan))


def test_pearson_equals_scipy_and_a_bootstrap_spelled_out():
    generator = np.random.default_rng(0)
    a = generator.standard_normal(40) ** 2
    b = a + generator.standard_normal(40)
    measured = frequency.pearson(a, b, num_resamples=200, is_member=np.arange(40) < 15)
    assert measured.value == pytest.approx(stats.pearsonr(a, b).statistic)
    assert (measured.n_member, measured.n_held_out) == (15, 25)
    counts = frequency.resample_counts(
        frequency.keyed_generator("pearson-bootstrap", 0, 0), 40, 200
    )
    draws = [np.corrcoef(np.repeat(a, column), np.repeat(b, column))[0, 1] for column in counts.T]
    assert measured.ci95 == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))))
    shifted = frequency.pearson(3 * a + 1e6, -b, num_resamples=200)
    assert shifted.ci95 == pytest.approx((-measured.ci95[1], -measured.ci95[0]), abs=1e-6)


def test_rows_together_equal_rows_alone():
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((19, 60))
    other = rows[0] + generator.standard_normal(60)
    rows[7] = 3.0
    together = frequency.pearsons(rows, other, num_resamples=300, is_member=np.arange(60) < 20)
    for row, one in zip(rows, together, strict=True):
        alone = frequency.pearson(row, other, num_resamples=300, is_member=np.arange(60) < 20)
        assert (one.value, one.ci95) == (
            pytest.approx(alone.value, abs=1e-12),
            pytest.approx(alone.ci95, abs=1e-12),
        )
    assert [row for row, one in enumerate(together) if one.value is None] == [7]
    assert frequency.pearsons(rows[:0], other) == []


def test_pearson_covers_where_fisher_does_not():
    """Uncorrelated but dependent: b has the size of a, and a sign of its own."""
    inside = {"ours": 0, "fisher": 0}
    for trial in range(100):
        generator = np.random.default_rng(trial)
        a = generator.standard_normal(300)
        b = np.abs(a) * generator.choice([-1.0, 1.0], 300)
        low, high = frequency.pearson(a, b, num_resamples=200).ci95
        inside["ours"] += low <= 0 <= high
        low, high = stats.pearsonr(a, b).confidence_interval()
        inside["fisher"] += low <= 0 <= high
    assert inside["fisher"] < 85
    assert inside["ours"] >= 87  # 95 % has a standard deviation of 2.2 points


def test_pearson_where_it_is_undefined():
    assert frequency.pearson(np.zeros(20), np.arange(20.0)).value is None
    short = frequency.pearson(np.arange(5.0), np.arange(5.0))
    assert short.value == pytest.approx(1.0)
    assert short.ci95 is None
    with pytest.raises(InputError, match=r"\(3,\), \(4,\)"):
        frequency.pearson(np.zeros(3), np.zeros(4))
    with pytest.raises(InputError, match="not finite"):
        frequency.pearson(np.array([1.0, np.nan, 2.0]), np.zeros(3))
    with pytest.raises(InputError, match="at least 100, got 10"):
        frequency.pearson(np.arange(20.0), np.arange(20.0), num_resamples=10)
