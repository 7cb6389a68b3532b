"""Indicatrices against planes whose metric is known, and against the decoder itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ldviz.errors import InputError
from ldviz.geometry import data_ellipses, indicatrices, latent_ellipses, plane_products
from tests.geometry.decoders import AutoencoderDecoder, latents_of


@pytest.fixture(scope="module")
def pushed():
    return np.random.default_rng(0).normal(size=(6, 9, 2))


def test_semi_axes_are_the_roots_of_the_metrics_eigenvalues(pushed):
    found = indicatrices(pushed)
    eigenvalues = np.linalg.eigvalsh(np.einsum("nmi,nmj->nij", pushed, pushed))[:, ::-1]
    np.testing.assert_allclose(found.data_semi_axes, np.sqrt(eigenvalues), rtol=1e-12)
    np.testing.assert_allclose(found.latent_semi_axes, 1 / np.sqrt(eigenvalues), rtol=1e-12)
    np.testing.assert_allclose(
        found.metric @ found.plane_directions,
        found.plane_directions * eigenvalues[:, None],
        atol=1e-12,
    )


def test_axes_of_the_two_ellipses_belong_together(pushed):
    found = indicatrices(pushed)
    moved = pushed @ found.plane_directions
    np.testing.assert_allclose(
        moved, found.data_directions * found.data_semi_axes[:, None], atol=1e-12
    )


def test_data_ellipse_is_the_image_of_the_unit_circle(pushed):
    curve = data_ellipses(pushed, 2001)
    radius = np.linalg.norm(curve, axis=2)
    axes = indicatrices(pushed).data_semi_axes
    # 2,000 steps around the curve miss the extreme by at most a relative (π / 2000)² / 2
    np.testing.assert_allclose(radius.max(axis=1), axes[:, 0], rtol=1e-5)
    np.testing.assert_allclose(radius.min(axis=1), axes[:, 1], rtol=1e-4)
    np.testing.assert_allclose(curve[:, 0], curve[:, -1], atol=1e-12)


def test_latent_ellipse_is_what_the_decoder_moves_by_one(pushed):
    found = indicatrices(pushed)
    curve = latent_ellipses(found, 100)
    moved = np.einsum("nmk,ntk->ntm", pushed, curve)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=2), 1.0, rtol=1e-12)


def test_a_flattened_plane_has_no_latent_ellipse(pushed):
    flat = pushed.copy()
    flat[4, :, 1] = 0
    found = indicatrices(flat)
    assert np.isinf(found.latent_semi_axes[4, 1])
    with pytest.raises(InputError, match=r"flattens the plane at 1 of 6 points \(first: 4\)"):
        latent_ellipses(found)


def test_plane_products_restrict_the_full_metric():
    decoder = AutoencoderDecoder(attention=False)
    latents = latents_of(3, (4, 4, 4))
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(64, 2)))[0]
    pushed = plane_products(decoder, latents, basis)
    for sample in range(3):
        jacobian = torch.autograd.functional.jacobian(
            lambda flat: decoder(flat.reshape(1, 4, 4, 4)).flatten(), latents[sample].flatten()
        ).numpy()
        restricted = basis.T @ jacobian.T @ jacobian @ basis
        found = indicatrices(pushed[sample : sample + 1])
        eigenvalues = np.linalg.eigvalsh(restricted)[::-1]
        np.testing.assert_allclose(found.data_semi_axes[0], np.sqrt(eigenvalues), rtol=1e-10)


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"must have shape \(n, m, 2\)"):
        indicatrices(np.zeros((3, 4)))
    with pytest.raises(InputError, match="`num_points` must be at least 4, got 3"):
        data_ellipses(np.zeros((1, 3, 2)), 3)
    latents = latents_of(1, (4, 4, 4))
    with pytest.raises(InputError, match="BᵀB differs from the identity by 3"):
        plane_products(lambda z: z, latents, 2 * np.eye(64)[:, :2])
    with pytest.raises(InputError, match=r"`basis` must have shape \(64, 2\), got \(2, 64\)"):
        plane_products(lambda z: z, latents, np.eye(64)[:2])
