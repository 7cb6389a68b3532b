"""Singular directions and pixel maps against the full Jacobian."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.geometry import exact_geometry, pixel_maps, singular_directions
from tests.geometry.decoders import AutoencoderDecoder, latents_of, linear_decoder

SHAPE = (4, 4, 4)


def test_directions_of_a_linear_decoder_are_its_singular_vectors():
    spectrum = np.geomspace(3, 0.1, 12)
    decoder, matrix = linear_decoder(spectrum, (3, 2, 2), (1, 5, 5))
    found = singular_directions(decoder, latents_of(2, (3, 2, 2)))
    assert found.ranks.tolist() == [0, 5, 11]
    right = np.linalg.svd(matrix.numpy())[2][[0, 5, 11]]
    for sample in range(2):
        vectors = found.right_vectors[sample].reshape(3, 12)
        np.testing.assert_allclose(np.abs((vectors * right).sum(axis=1)), 1.0, rtol=1e-10)
        strongest = np.abs(vectors).argmax(axis=1)
        assert (vectors[np.arange(3), strongest] > 0).all()
        np.testing.assert_allclose(
            found.pushed[sample].reshape(3, 25), vectors @ matrix.numpy().T, atol=1e-12
        )
    np.testing.assert_allclose(found.singular_values, [spectrum] * 2, rtol=1e-10)


def test_ranks_count_from_either_end():
    decoder, _ = linear_decoder(np.geomspace(3, 0.1, 12), (3, 2, 2), (1, 5, 5))
    latents = latents_of(1, (3, 2, 2))
    found = singular_directions(decoder, latents, ranks=[-1, 1])
    assert found.ranks.tolist() == [11, 1]
    lengths = np.linalg.norm(found.pushed.reshape(2, -1), axis=1)
    np.testing.assert_allclose(lengths, found.singular_values[0, [11, 1]], rtol=1e-10)
    with pytest.raises(InputError, match="between -12 and 11"):
        singular_directions(decoder, latents, ranks=[12])


def test_pixel_maps_sum_to_the_diagonal():
    decoder = AutoencoderDecoder(attention=False, image_channels=3)
    latents = latents_of(3, SHAPE)
    maps = pixel_maps(decoder, latents, [0, 63, 17])
    assert maps.shape == (3, 3, 8, 8)
    diagonal = exact_geometry(decoder, latents).diagonal.reshape(3, 64)
    np.testing.assert_allclose((maps**2).sum(axis=(2, 3)), diagonal[:, [0, 63, 17]], rtol=1e-9)


def test_pixel_maps_show_where_a_dimension_acts():
    def decoder(latents):
        return latents.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)[:, :1]

    maps = pixel_maps(decoder, latents_of(1, SHAPE), [1 * 4 + 2, 16])
    expected = np.zeros((8, 8))
    expected[2:4, 4:6] = 1
    np.testing.assert_array_equal(maps[0, 0], expected)
    np.testing.assert_array_equal(maps[0, 1], np.zeros((8, 8)))


def test_pixel_maps_refuse_dimensions_that_do_not_exist():
    with pytest.raises(InputError, match=r"dimensions 0 to 63, got \[64\]"):
        pixel_maps(lambda z: z, latents_of(1, SHAPE), [64])
    with pytest.raises(InputError, match="at least one"):
        pixel_maps(lambda z: z, latents_of(1, SHAPE), [])
