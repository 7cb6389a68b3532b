"""Randomized spectra: within tolerance, honest about their error, cheap."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ldviz.errors import CancelledError, InputError
from ldviz.geometry import (
    exact_geometry,
    hutchinson_diagonal,
    local_distortion,
    randomized_spectrum,
)
from ldviz.randomness import keyed_normal
from tests.geometry.decoders import AutoencoderDecoder, latents_of, linear_decoder

SHAPE = (4, 5, 5)
IMAGE = (1, 13, 13)
IDS = np.array([3, 1, 40])
SPECTRA = {
    "exponential": 3 * np.exp(-np.arange(100) / 12),
    "step": np.r_[np.linspace(3, 2, 18), np.linspace(0.2, 0.1, 82)],
    "multiple": np.r_[[3.0] * 6, [1.0] * 14, [0.1] * 80],
    "slow": np.arange(1, 101) ** -0.7,
}


def halko_twin(matrix, start, num_power_iterations, rank):
    """Algorithms 4.4 and 5.1 of Halko et al. 2011 as they stand."""
    q = np.linalg.qr(matrix @ start)[0]
    for _ in range(num_power_iterations):
        q = np.linalg.qr(matrix.T @ q)[0]
        q = np.linalg.qr(matrix @ q)[0]
    return np.linalg.svd(q.T @ matrix, compute_uv=False)[:rank]


@pytest.mark.parametrize("name", SPECTRA)
def test_default_settings_meet_the_tolerance(name):
    spectrum = SPECTRA[name]
    decoder, _ = linear_decoder(spectrum, SHAPE, IMAGE)
    latents = latents_of(3, SHAPE)
    crippled = randomized_spectrum(
        decoder, latents, sample_ids=IDS, method="halko", num_oversamples=0, num_power_iterations=0
    )
    error = np.abs(crippled.singular_values - spectrum[:20]).max() / spectrum[0]
    assert error > 1e-3
    assert not crippled.converged.any()
    result = randomized_spectrum(decoder, latents, sample_ids=IDS)
    error = np.abs(result.singular_values - spectrum[:20]).max() / spectrum[0]
    assert error < 1e-4
    assert result.converged.all()
    distortion = local_distortion(result.singular_values) - np.log(spectrum[:20]).sum()
    assert np.abs(distortion).max() < 0.01


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("method", ["krylov", "halko"])
def test_error_estimate_covers_the_error(name, method):
    spectrum = SPECTRA[name]
    decoder, _ = linear_decoder(spectrum, SHAPE, IMAGE)
    latents = latents_of(10, SHAPE)
    for num_power_iterations in (0, 1, 2):
        result = randomized_spectrum(
            decoder,
            latents,
            sample_ids=np.arange(10),
            method=method,
            tolerance=0.0,
            num_power_iterations=num_power_iterations,
        )
        error = np.abs(result.singular_values - spectrum[:20])
        # an estimate, not a bound: it may be short by a factor of two
        covered = error.max(axis=1) <= 2 * result.error_estimate.max(axis=1)
        assert covered.all(), num_power_iterations


def test_halko_matches_its_slow_twin():
    spectrum = SPECTRA["slow"]
    decoder, matrix = linear_decoder(spectrum, SHAPE, IMAGE)
    result = randomized_spectrum(
        decoder, latents_of(3, SHAPE), sample_ids=IDS, method="halko", tolerance=0.0, seed=5
    )
    starts = keyed_normal("spectrum-start", 5, IDS, 0, (100, 50))
    for sample, start in enumerate(starts):
        expected = halko_twin(matrix.numpy(), start, 2, 20)
        np.testing.assert_allclose(result.singular_values[sample], expected, rtol=1e-9)
    assert result.num_products.tolist() == [300, 300, 300]


@pytest.mark.parametrize("name", ["exponential", "slow"])
def test_krylov_needs_fewer_products_for_the_same_tolerance(name):
    decoder, _ = linear_decoder(SPECTRA[name], SHAPE, IMAGE)
    latents = latents_of(3, SHAPE)
    krylov, halko = (
        randomized_spectrum(decoder, latents, sample_ids=IDS, method=method, num_power_iterations=6)
        for method in ("krylov", "halko")
    )
    for result in (krylov, halko):
        error = np.abs(result.singular_values - SPECTRA[name][:20]).max() / SPECTRA[name][0]
        assert error < 1e-4
        assert result.converged.all()
    assert 2 * krylov.num_products.max() <= halko.num_products.min()


def test_right_vectors_span_the_leading_subspace():
    spectrum = SPECTRA["step"]
    decoder, matrix = linear_decoder(spectrum, SHAPE, IMAGE)
    result = randomized_spectrum(decoder, latents_of(1, SHAPE), sample_ids=IDS[:1], rank=18)
    found = result.right_vectors[0].reshape(18, -1)
    exact = np.linalg.svd(matrix.numpy())[2][:18]
    # the vectors' error is of the order of the square root of the values' (1e-4)
    np.testing.assert_allclose(found.T @ found, exact.T @ exact, atol=2e-3)
    np.testing.assert_allclose(found @ found.T, np.eye(18), atol=1e-9)


def test_decoder_spectrum_agrees_with_the_exact_one_in_float32():
    decoder = AutoencoderDecoder(attention=False)
    decoder.model.float()
    latents = latents_of(2, (4, 4, 4), torch.float32)
    exact = exact_geometry(decoder, latents)
    result = randomized_spectrum(decoder, latents, sample_ids=IDS[:2], num_power_iterations=4)
    assert result.singular_values.dtype == np.float32
    error = np.abs(result.singular_values - exact.singular_values[:, :20])
    assert (error <= 1e-4 * exact.singular_values[:, :1]).all()


def test_result_does_not_depend_on_the_batch():
    decoder = AutoencoderDecoder(attention=False)
    latents = latents_of(5, (4, 4, 4))
    ids = np.array([9, 4, 70, 2, 5])
    whole = randomized_spectrum(decoder, latents, sample_ids=ids, rank=6)
    some = randomized_spectrum(decoder, latents[[3, 1]], sample_ids=ids[[3, 1]], rank=6)
    np.testing.assert_allclose(some.singular_values, whole.singular_values[[3, 1]], rtol=1e-9)
    assert (some.num_products == whole.num_products[[3, 1]]).all()


def test_small_and_deficient_decoders_end_early():
    decoder, _ = linear_decoder([2.0, 1.0, 0.5], (2, 2, 2), (1, 3, 3))
    latents = latents_of(2, (2, 2, 2))
    result = randomized_spectrum(decoder, latents, sample_ids=IDS[:2], rank=5)
    expected = [2.0, 1.0, 0.5, 0.0, 0.0]
    np.testing.assert_allclose(result.singular_values, [expected] * 2, atol=1e-8)
    assert result.numerical_rank.tolist() == [3, 3]
    assert result.converged.all()
    assert (result.num_products <= 16).all()


def test_progress_ends_where_the_work_ends_and_cancelling_stops():
    decoder, _ = linear_decoder(SPECTRA["exponential"], SHAPE, IMAGE)
    latents = latents_of(3, SHAPE)
    seen = []
    result = randomized_spectrum(
        decoder, latents, sample_ids=IDS, progress=lambda *state: seen.append(state)
    )
    done = [one for one, _ in seen]
    assert done == sorted(done)
    # the three samples share a group, which goes on until its last one has converged
    assert seen[-1] == (3 * result.num_products.max(), 3 * result.num_products.max())
    assert all(one <= total for one, total in seen)
    calls = []

    def cancelled():
        calls.append(1)
        return len(calls) == 3

    with pytest.raises(CancelledError, match="nothing unfinished"):
        randomized_spectrum(decoder, latents, sample_ids=IDS, cancelled=cancelled)
    assert len(calls) == 3


def test_basis_shares_its_products_with_the_diagonal():
    decoder, matrix = linear_decoder(SPECTRA["exponential"], SHAPE, IMAGE)
    latents = latents_of(3, SHAPE)
    exact = matrix.square().sum(dim=0).reshape(SHAPE).numpy()
    spectrum = randomized_spectrum(decoder, latents, sample_ids=IDS, keep_basis=True)

    def error(basis):
        estimate = hutchinson_diagonal(decoder, latents, sample_ids=IDS, basis=basis)
        relative = estimate.diagonal / exact - 1
        honest = np.abs(estimate.diagonal - exact) <= 6 * estimate.standard_error + 1e-12
        assert honest.mean() > 0.97
        return np.sqrt((relative**2).mean())

    assert error(spectrum.basis) < error(None) / 20


def test_bad_settings_are_named():
    decoder, _ = linear_decoder([2.0, 1.0], (5,), (7,))
    latents = latents_of(3, (5,))

    def run(**settings):
        return randomized_spectrum(decoder, latents, sample_ids=IDS, **settings)

    with pytest.raises(InputError, match=r"at most min\(m, d\) = 5 for this decoder, got 6"):
        run(rank=6)
    with pytest.raises(InputError, match="`rank` must be at least 1, got 0"):
        run(rank=0)
    with pytest.raises(InputError, match="must not be negative, got -1 and 2"):
        run(rank=2, num_oversamples=-1)
    with pytest.raises(InputError, match="`method` must be one of krylov, halko"):
        run(rank=2, method="lanczos")
    with pytest.raises(InputError, match="`tolerance` must be at least 0, got nan"):
        run(rank=2, tolerance=float("nan"))
    with pytest.raises(InputError, match="one integer per latent"):
        randomized_spectrum(decoder, latents, sample_ids=np.array([0.5, 1, 2]), rank=2)
