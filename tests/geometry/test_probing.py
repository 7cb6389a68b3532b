"""Probes fitted to a decoder: unbiased whatever the fit, fewer for the same accuracy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from ldviz.errors import CancelledError, InputError
from ldviz.geometry import exact_geometry, hutchinson_diagonal, probe_design
from ldviz.geometry.probing import DesignedProbes
from ldviz.geometry.results import ProbeDesign
from tests.geometry.decoders import latents_of, linear_decoder

SHAPE, IMAGE = (4, 3, 3), (1, 8, 8)


def bent_decoder():
    """Columns of J that are local, overlap, and change from latent to latent."""
    weight = torch.randn(
        4, 1, 4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )

    def decoder(latents):
        stretched = torch.nn.functional.conv_transpose2d(latents, weight.to(latents), stride=2)
        return torch.tanh(0.3 * stretched) + 0.5 * stretched

    return decoder


def by_hand(basis, classes, num_probes):
    """A design that no fit has seen."""
    return ProbeDesign(
        basis=basis,
        classes=np.array(classes),
        num_probes=num_probes,
        relative_error=np.nan,
        error_factor=0.5,
        num_products=0,
        route="none",
    )


@pytest.fixture(scope="module")
def bent():
    decoder = bent_decoder()
    design = probe_design(decoder, latents_of(20, SHAPE, seed=9))
    latents = latents_of(400, SHAPE)
    return decoder, design, latents, exact_geometry(decoder, latents).diagonal


def test_the_mean_over_all_signs_is_the_exact_diagonal():
    # 3 signs of a basis that has nothing to do with the decoder, and 5 of pixels
    _, matrix = linear_decoder([3.0, 2.0, 0.5], (1, 1, 4), (1, 1, 5))
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 3)))[0]
    images = torch.zeros(1, 1, 1, 5, dtype=torch.float64)
    probes = DesignedProbes(by_hand(basis, [0, 0, 1], 2), images)
    signs = torch.tensor(list(product([-1.0, 1.0], repeat=8)), dtype=torch.float64)
    drawn = probes.combine(signs[:, :3], signs[:, 3:]).flatten(2)
    mean = (drawn @ matrix).square().sum(dim=0).mean(dim=0)
    expected = matrix.square().sum(dim=0)
    np.testing.assert_allclose(mean, expected, rtol=1e-10)
    # and no single draw happens to be right
    assert ((drawn @ matrix).square().sum(dim=0) - expected).abs().amax(dim=1).min() > 1e-3


def test_where_the_columns_are_orthogonal_two_probes_are_exact():
    # columns along pixel directions of some rotated basis: the fit has to find them
    image_basis = torch.linalg.qr(
        torch.randn(64, 36, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    )[0]
    matrix = image_basis * torch.linspace(0.2, 3, 36, dtype=torch.float64)

    def decoder(latents):
        return (latents.flatten(1) @ matrix.T.to(latents)).reshape(-1, *IMAGE)

    design = probe_design(decoder, latents_of(5, SHAPE))
    assert design.num_probes == 2
    latents, ids = latents_of(3, SHAPE), np.arange(3)
    exact = matrix.square().sum(dim=0).reshape(SHAPE).expand(3, *SHAPE)
    estimate = hutchinson_diagonal(decoder, latents, sample_ids=ids, design=design)
    np.testing.assert_allclose(estimate.diagonal, exact, rtol=1e-10)
    assert (estimate.standard_error < 1e-5).all()
    plain = hutchinson_diagonal(decoder, latents, sample_ids=ids)
    assert np.abs(plain.diagonal / exact.numpy() - 1).max() > 0.2


def test_columns_moved_by_a_latent_cell_serve_a_convolution():
    generator = torch.Generator().manual_seed(3)
    kernel = torch.randn(1, 1, 7, 7, generator=generator)
    order = torch.randperm(256, generator=generator)

    def convolution(latents):
        return torch.nn.functional.conv_transpose2d(
            latents, kernel.to(latents), stride=2, padding=3, output_padding=1
        )

    def shuffled(latents):
        # the same columns but for the place of their pixels: moving them is of no use
        return convolution(latents).flatten(2)[:, :, order].reshape(-1, 1, 16, 16)

    latents = latents_of(10, (1, 8, 8))
    moved = probe_design(convolution, latents, num_columns=100)
    alone = probe_design(shuffled, latents, num_columns=100)
    assert moved.num_probes < alone.num_probes / 2
    assert moved.num_products == alone.num_products == 100
    exact = exact_geometry(convolution, latents).diagonal
    ids = np.arange(10)
    estimate = hutchinson_diagonal(convolution, latents, sample_ids=ids, design=moved)
    assert np.sqrt(((estimate.diagonal / exact - 1) ** 2).mean()) < np.sqrt(2 / 16)


def test_fewer_probes_are_as_accurate_and_unbiased(bent):
    decoder, design, latents, exact = bent
    ids = np.arange(len(latents))
    assert design.num_probes <= 5
    assert design.num_products == 20 * 30
    designed = hutchinson_diagonal(decoder, latents, sample_ids=ids, design=design)
    assert designed.method == "designed"
    assert (designed.num_probes == design.num_probes).all()
    error = designed.diagonal / exact - 1
    size = np.sqrt((error**2).mean())
    fewer = hutchinson_diagonal(decoder, latents, sample_ids=ids, num_probes=design.num_probes)
    assert fewer.method == "independent"
    # 16 independent probes reach √(2/16); 400 x 36 entries, of which 36 hang together
    assert size < 1.05 * np.sqrt(2 / 16)
    assert np.sqrt(((fewer.diagonal / exact - 1) ** 2).mean()) > 1.15 * size
    # what the fit announced, from four latents held back; no more than the independent error
    assert design.relative_error < np.sqrt(2 / 16)
    assert 0.85 < size / design.relative_error < 1.15
    # the mean over 400 independent samples, five standard errors
    assert np.abs(error.mean(axis=0)).max() < 5 * size / np.sqrt(400)


def test_the_standard_error_is_that_of_the_estimate(bent):
    decoder, design, latents, exact = bent
    ids = np.arange(len(latents))
    for rounds, inside in ((1, 0.84), (4, 0.90)):
        estimate = hutchinson_diagonal(
            decoder,
            latents,
            sample_ids=ids,
            design=design,
            num_probes=rounds * design.num_probes,
        )
        error = (estimate.diagonal - exact) / exact
        told = estimate.standard_error / exact
        # mean squares over 14,400 entries: what is told is what is found, within a fifth
        assert 0.8 < (error**2).mean() / (told**2).mean() < 1.25
        # entry by entry: a normal one would hold 95 %; one round of few squares, fewer
        assert (np.abs(error) < 2 * told).mean() > inside


def test_result_depends_on_the_sample_id_alone(bent):
    decoder, design, latents, _ = bent
    latents = latents[:40].float()
    ids = np.arange(40) * 3
    whole = hutchinson_diagonal(decoder, latents, sample_ids=ids, design=design)
    for rows in ([7], [39, 2, 11]):
        some = hutchinson_diagonal(decoder, latents[rows], sample_ids=ids[rows], design=design)
        np.testing.assert_allclose(some.diagonal, whole.diagonal[rows], rtol=1e-5)
        np.testing.assert_allclose(some.standard_error, whole.standard_error[rows], rtol=1e-5)
    other = hutchinson_diagonal(decoder, latents, sample_ids=ids, design=design, seed=1)
    assert not np.allclose(other.diagonal, whole.diagonal)


def test_rounds_are_added_until_the_precision_is_reached(bent):
    decoder, design, latents, exact = bent
    estimate = hutchinson_diagonal(
        decoder,
        latents[:20],
        sample_ids=np.arange(20),
        design=design,
        precision=0.05,
        max_probes=1000,
    )
    assert estimate.converged.all()
    assert (estimate.num_probes % design.num_probes == 0).all()
    assert (estimate.num_probes > design.num_probes).all()
    error = 0.5 * np.log(estimate.diagonal / exact[:20])
    assert np.sqrt((error**2).mean()) < 1.5 * 0.05


def test_a_fit_is_the_same_every_time_and_counts_its_products():
    decoder, latents = bent_decoder(), latents_of(10, SHAPE)
    said = []
    first = probe_design(
        decoder, latents, num_columns=100, progress=lambda done, total: said.append((done, total))
    )
    second = probe_design(decoder, latents, num_columns=100)
    assert np.array_equal(first.basis, second.basis)
    assert np.array_equal(first.classes, second.classes)
    assert first.num_products == 100
    assert said[-1] == (100, 100)
    np.testing.assert_allclose(first.basis.T @ first.basis, np.eye(first.basis.shape[1]), atol=1e-9)
    with pytest.raises(CancelledError):
        probe_design(decoder, latents, cancelled=lambda: True)


def test_latents_recorded_together_give_the_design_that_single_ones_give(monkeypatch):
    decoder, latents = bent_decoder(), latents_of(10, SHAPE)
    together = probe_design(decoder, latents, num_columns=100)
    monkeypatch.setattr("ldviz.geometry.products.MAX_SAMPLES_PER_PASS", 3)
    apart = probe_design(decoder, latents, num_columns=100)
    assert apart.num_probes == together.num_probes
    np.testing.assert_allclose(apart.relative_error, together.relative_error, rtol=1e-6)


def test_where_no_fit_pays_there_is_none():
    # every column of J differs from latent to latent: nothing learnt carries over
    matrices = torch.randn(
        5, 64, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )

    def decoder(latents):
        which = latents.detach().flatten(1)[:, 0].long()
        chosen = matrices.to(latents)[which]
        return torch.einsum("nmd,nd->nm", chosen, latents.flatten(1)).reshape(-1, *IMAGE)

    latents = torch.zeros(5, 4, 1, 1, dtype=torch.float64)
    latents[:, 0, 0, 0] = torch.arange(5) + 0.5
    assert probe_design(decoder, latents, as_accurate_as=4) is None


def test_bad_input_is_named(bent):
    decoder, design, latents, _ = bent
    ids = np.arange(2)
    with pytest.raises(InputError, match="at least 5 samples to fit and to judge by, got 4"):
        probe_design(decoder, latents[:4])
    with pytest.raises(InputError, match="`rank` must be at least 1, got 0"):
        probe_design(decoder, latents[:5], rank=0)
    with pytest.raises(InputError, match="`num_columns` must be at least 5, got 3"):
        probe_design(decoder, latents[:5], num_columns=3)
    with pytest.raises(InputError, match="`as_accurate_as` must be at least 3, got 2"):
        probe_design(decoder, latents[:5], as_accurate_as=2)
    with pytest.raises(InputError, match="must be a multiple of the"):
        hutchinson_diagonal(
            decoder, latents[:2], sample_ids=ids, design=design, num_probes=design.num_probes + 1
        )
    with pytest.raises(InputError, match="`design` and `basis` were both given"):
        hutchinson_diagonal(decoder, latents[:2], sample_ids=ids, design=design, basis=[None, None])
    with pytest.raises(InputError, match="fitted to images of 64 numbers, this decoder's have 16"):
        hutchinson_diagonal(
            lambda z: z.flatten(1)[:, :16], latents[:2], sample_ids=ids, design=design
        )
