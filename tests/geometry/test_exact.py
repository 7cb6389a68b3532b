"""The exact spectrum and diagonal against decoders whose geometry is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ldviz.errors import CancelledError, InputError, ModelError
from ldviz.geometry import exact_geometry, local_distortion
from tests.geometry.decoders import latents_of, linear_decoder


@pytest.mark.parametrize("image_shape", [(1, 6, 6), (1, 3, 4)], ids=["m>d", "m<d"])
def test_linear_decoder_has_the_prescribed_spectrum(image_shape):
    latent_shape = (4, 2, 3)
    size = min(math.prod(latent_shape), math.prod(image_shape))
    spectrum = np.geomspace(3.0, 1e-3, size)
    decoder, matrix = linear_decoder(spectrum, latent_shape, image_shape)
    result = exact_geometry(decoder, latents_of(3, latent_shape))
    assert result.singular_values.dtype == np.float64
    np.testing.assert_allclose(result.singular_values, np.tile(spectrum, (3, 1)), rtol=1e-10)
    diagonal = matrix.square().sum(0).reshape(latent_shape).numpy()
    np.testing.assert_allclose(result.diagonal, np.tile(diagonal, (3, 1, 1, 1)), rtol=1e-10)
    assert (result.numerical_rank == size).all()


def test_sphere_immersion_has_the_round_metric():
    def sphere(angles):
        theta, phi = angles[:, 0], angles[:, 1]
        sin = torch.sin(theta)
        return torch.stack([sin * torch.cos(phi), sin * torch.sin(phi), torch.cos(theta)], dim=1)

    angles = torch.tensor([[0.3, 1.0], [1.2, -2.0], [2.5, 0.1]], dtype=torch.float64)
    result = exact_geometry(sphere, angles)
    sin = np.sin(angles[:, 0].numpy())
    metric = np.stack([np.ones(3), sin**2], axis=1)
    np.testing.assert_allclose(result.diagonal, metric, atol=1e-10)
    np.testing.assert_allclose(result.singular_values, np.sqrt(metric), atol=1e-10)
    np.testing.assert_allclose(
        local_distortion(result.singular_values, 2), np.log(np.abs(sin)), atol=1e-10
    )


def test_diagonal_scaling():
    scales = torch.linspace(0.5, 4.0, 12, dtype=torch.float64).reshape(3, 2, 2)
    result = exact_geometry(lambda z: z * scales, latents_of(2, (3, 2, 2)))
    np.testing.assert_allclose(result.diagonal, np.tile(scales.square(), (2, 1, 1, 1)), atol=1e-10)
    np.testing.assert_allclose(
        result.singular_values[0], scales.flatten().flip(0).numpy(), atol=1e-10
    )


def test_rank_deficient_decoder_reports_its_numerical_rank():
    decoder, _ = linear_decoder([2.0, 1.0, 1e-7], (6,), (9,))
    result = exact_geometry(decoder, latents_of(2, (6,), torch.float32))
    assert result.singular_values.dtype == np.float32
    assert result.numerical_rank.tolist() == [2, 2]


def test_chunks_and_batches_change_nothing():
    decoder, _ = linear_decoder(np.geomspace(2, 0.1, 8), (2, 2, 2), (1, 4, 4))

    def bent(z):
        return torch.tanh(decoder(z))

    latents = latents_of(3, (2, 2, 2))
    whole = exact_geometry(bent, latents)
    single = exact_geometry(bent, latents[1:2], chunk=3)
    np.testing.assert_allclose(single.singular_values[0], whole.singular_values[1], rtol=1e-12)
    np.testing.assert_allclose(single.diagonal[0], whole.diagonal[1], rtol=1e-12)


def test_progress_counts_every_product_and_cancelling_stops():
    decoder, _ = linear_decoder([2.0, 1.0], (5,), (7,))
    seen = []
    exact_geometry(decoder, latents_of(2, (5,)), chunk=2, progress=lambda *done: seen.append(done))
    assert [done for done, _ in seen] == [2, 4, 5, 7, 9, 10]
    assert {total for _, total in seen} == {10}
    with pytest.raises(CancelledError, match="cancelled"):
        exact_geometry(decoder, latents_of(2, (5,)), cancelled=lambda: True)


def test_bad_input_is_named():
    decoder, _ = linear_decoder([2.0, 1.0], (5,), (7,))
    with pytest.raises(InputError, match=r"1 of 2 samples \(first: 1\)"):
        exact_geometry(decoder, torch.tensor([[0.0] * 5, [float("nan")] * 5]))
    with pytest.raises(InputError, match="floating-point torch tensor"):
        exact_geometry(decoder, torch.ones(2, 5, dtype=torch.int64))
    with pytest.raises(InputError, match=r"min\(m, d\) <= 1024"):
        exact_geometry(lambda z: z, torch.zeros(1, 1025))
    with pytest.raises(InputError, match="`chunk` must be at least 1"):
        exact_geometry(decoder, torch.zeros(1, 5), chunk=0)
    with pytest.raises(ModelError, match="non-finite values for 1 of 1 latents"):
        exact_geometry(lambda z: z / 0 * 0, torch.ones(1, 3))
    with pytest.raises(ModelError, match="one image per latent"):
        exact_geometry(lambda z: z.sum(), torch.ones(2, 3))
