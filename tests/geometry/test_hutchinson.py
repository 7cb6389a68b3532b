"""The estimated diagonal: unbiased, honest about its error, independent of batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ldviz.errors import InputError
from ldviz.geometry import exact_geometry, hutchinson_diagonal, influence_from_diagonal
from ldviz.geometry.hutchinson import rademacher_probes
from tests.geometry.decoders import latents_of, linear_decoder

SHAPE = (4, 3, 3)


@pytest.fixture(scope="module")
def decoder():
    return linear_decoder(np.geomspace(3, 0.1, 36), SHAPE, (1, 8, 8))[0]


def test_more_probes_come_closer_and_the_bound_holds(decoder):
    latents = latents_of(20, SHAPE)
    exact = exact_geometry(decoder, latents[:1]).diagonal
    errors = {}
    for num_probes in (4, 16, 256):
        estimate = hutchinson_diagonal(
            decoder, latents, sample_ids=np.arange(20), num_probes=num_probes
        )
        relative = estimate.diagonal / exact - 1
        errors[num_probes] = np.sqrt((relative**2).mean())
        # root mean square over 720 correlated entries: the bound itself plus a fifth
        assert errors[num_probes] <= 1.2 * np.sqrt(2 / num_probes)
    assert errors[4] > 1.5 * errors[16] > 3 * errors[256]


def test_four_probes_fail_the_tolerance_that_many_meet(decoder):
    latents = latents_of(8, SHAPE)
    exact = exact_geometry(decoder, latents[:1]).diagonal

    def worst(num_probes):
        estimate = hutchinson_diagonal(
            decoder, latents, sample_ids=np.arange(8), num_probes=num_probes
        )
        return np.abs(estimate.diagonal / exact - 1).max()

    assert worst(4) > 0.25
    # 288 entries, relative standard error at most √(2/4096) = 2.2 %: 4.5 of them
    assert worst(4096) < 0.10


def test_standard_error_is_that_of_the_estimate(decoder):
    latents = latents_of(200, SHAPE)
    exact = exact_geometry(decoder, latents[:1]).diagonal
    estimate = hutchinson_diagonal(decoder, latents, sample_ids=np.arange(200), num_probes=64)
    z = (estimate.diagonal - exact) / estimate.standard_error
    # 200 independent samples: the mean square of a standard normal is 1 within 4 · √(2/200)
    # per entry; probes are squared normals, so the tails are heavier than that
    assert 0.85 < (z**2).mean() < 1.4


def test_result_depends_on_the_sample_id_alone(decoder):
    latents = latents_of(7, SHAPE)
    ids = np.array([5, 900, 3, 17, 4, 44, 2**40])
    whole = hutchinson_diagonal(decoder, latents, sample_ids=ids)
    some = hutchinson_diagonal(decoder, latents[[6, 2]], sample_ids=ids[[6, 2]])
    np.testing.assert_allclose(some.diagonal, whole.diagonal[[6, 2]], rtol=1e-10)
    np.testing.assert_allclose(some.standard_error, whole.standard_error[[6, 2]], rtol=1e-9)
    other = hutchinson_diagonal(decoder, latents, sample_ids=ids, seed=1)
    assert not np.allclose(other.diagonal, whole.diagonal)


def test_probes_are_balanced_signs_and_nested():
    images = torch.zeros(50, 1, 9, 9)
    probes = rademacher_probes(images, np.arange(50), range(8), seed=3)
    assert set(probes.unique().tolist()) == {-1.0, 1.0}
    assert abs(probes.mean().item()) < 5 / np.sqrt(probes.numel())
    correlation = (probes[0] * probes[1]).mean().item()
    assert abs(correlation) < 5 / np.sqrt(images.numel())
    later = rademacher_probes(images, np.arange(50), range(4, 8), seed=3)
    assert torch.equal(later, probes[4:])


def test_probes_are_added_until_the_precision_is_reached(decoder):
    latents = latents_of(6, SHAPE)
    ids = np.arange(6)
    loose, tight = (
        hutchinson_diagonal(decoder, latents, sample_ids=ids, precision=precision, max_probes=4096)
        for precision in (0.15, 0.03)
    )
    assert loose.converged.all()
    assert tight.converged.all()
    # the error falls with the root of the probes: five times smaller, 25 times the probes
    assert 15 < tight.num_probes.mean() / loose.num_probes.mean() < 35
    exact = exact_geometry(decoder, latents[:1]).diagonal
    difference = influence_from_diagonal(tight.diagonal) - influence_from_diagonal(exact)
    assert np.sqrt((difference**2).mean()) < 1.5 * 0.03
    alone = hutchinson_diagonal(
        decoder, latents[4:5], sample_ids=ids[4:5], precision=0.15, max_probes=4096
    )
    assert alone.num_probes[0] == loose.num_probes[4]
    np.testing.assert_allclose(alone.diagonal[0], loose.diagonal[4], rtol=1e-10)


def test_a_precision_out_of_reach_is_reported(decoder):
    latents = latents_of(2, SHAPE)
    result = hutchinson_diagonal(decoder, latents, sample_ids=np.arange(2), precision=1e-4)
    assert not result.converged.any()
    assert result.num_probes.tolist() == [36, 36]


def test_bad_input_is_named(decoder):
    latents = latents_of(2, SHAPE)
    with pytest.raises(InputError, match="`num_probes` must be at least 2, got 1"):
        hutchinson_diagonal(decoder, latents, sample_ids=np.arange(2), num_probes=1)
    with pytest.raises(InputError, match="one integer per latent"):
        hutchinson_diagonal(decoder, latents, sample_ids=np.arange(3))
    with pytest.raises(InputError, match="`precision` must be positive, in nats, got 0"):
        hutchinson_diagonal(decoder, latents, sample_ids=np.arange(2), precision=0.0)
    with pytest.raises(InputError, match="at least `num_probes` = 16, got 8"):
        hutchinson_diagonal(decoder, latents, sample_ids=np.arange(2), max_probes=8)
    with pytest.raises(InputError, match=r"one entry per latent \(2\), got 1"):
        hutchinson_diagonal(decoder, latents, sample_ids=np.arange(2), basis=[None])
