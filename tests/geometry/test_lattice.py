"""Lattices of decoders with known answers: lengths, components, and the decoder of arrays."""

import numpy as np
import pytest
import torch

from ldviz.errors import InputError, ModelError
from ldviz.geometry.directions import plane_products
from ldviz.geometry.indicatrix import data_ellipses, indicatrices
from ldviz.geometry.lattice import (
    common_components,
    decode_lattice,
    decode_line,
    decoder_of_arrays,
    dimension_basis,
    explained_variance,
    flat_ellipses,
    grid_offsets,
    grid_points,
    orthonormal_rows,
)
from tests.geometry.decoders import linear_decoder


def bent(latents: np.ndarray) -> np.ndarray:
    """R³ -> R⁴: a parabola along the first dimension, scalings along the others."""
    x, y, w = latents.T
    return np.stack([x, x**2, 5.0 * y, 0.1 * w], axis=1)


ORIGIN = np.array([0.5, -0.25, 0.0])


def shifted(a, b):
    """(1, 3) the origin moved in the plane of the first two dimensions."""
    return (ORIGIN + np.array([a, b, 0.0]))[None]


def lattice_of(dimensions=(0, 1), **options):
    options = {"reach": 2.0, "resolution": 5, **options}
    return decode_lattice(bent, ORIGIN, dimension_basis(dimensions, 3), **options)


def test_nodes_are_the_decoded_grid_points():
    lattice = lattice_of(substeps=3)
    for j, b in enumerate(lattice.offsets):
        for i, a in enumerate(lattice.offsets):
            expected = bent(shifted(a, b))[0]
            np.testing.assert_allclose(lattice.nodes[j, i], expected, atol=1e-12)
    np.testing.assert_allclose(lattice.center, bent(ORIGIN[None])[0])


def test_lines_pass_through_the_nodes_and_the_points_between():
    lattice = lattice_of(substeps=4)
    fine = np.linspace(-2.0, 2.0, 17)
    for index, offset in enumerate(lattice.offsets):
        along_x = bent(ORIGIN + np.stack([fine, np.full(17, offset), np.zeros(17)], axis=1))
        along_y = bent(ORIGIN + np.stack([np.full(17, offset), fine, np.zeros(17)], axis=1))
        np.testing.assert_allclose(lattice.rows[index], along_x, atol=1e-12)
        np.testing.assert_allclose(lattice.columns[index], along_y, atol=1e-12)


@pytest.mark.parametrize("substeps", [1, 2, 3])
def test_edge_lengths_are_pixel_distances_between_decoded_images(substeps):
    lattice = lattice_of(substeps=substeps)

    def image(i, j):
        return bent(shifted(lattice.offsets[i], lattice.offsets[j]))[0]

    for line in range(5):
        for index in range(4):
            across = np.sqrt(((image(index + 1, line) - image(index, line)) ** 2).sum())
            up = np.sqrt(((image(line, index + 1) - image(line, index)) ** 2).sum())
            assert lattice.row_edges[line, index] == pytest.approx(across, abs=1e-12)
            assert lattice.column_edges[line, index] == pytest.approx(up, abs=1e-12)
    assert lattice.column_edges == pytest.approx(np.full((5, 4), 5.0))
    assert len(lattice.edges) == 2 * 5 * 4


def test_distances_are_measured_from_the_middle():
    lattice = lattice_of((1, 2))
    a, b = np.meshgrid(lattice.offsets, lattice.offsets)
    np.testing.assert_allclose(lattice.distances, np.hypot(5.0 * a, 0.1 * b), atol=1e-12)
    assert lattice.distances[2, 2] == 0.0


def test_number_of_decoder_passes_is_the_documented_one():
    seen = []

    def counting(latents):
        seen.append(len(latents))
        return bent(latents)

    decode_lattice(
        counting, ORIGIN, dimension_basis((0, 1), 3), reach=1.0, resolution=7, substeps=3
    )
    assert sum(seen) == 7**2 + 2 * 7 * 6 * 2


def test_a_linear_decoder_keeps_its_plane_and_two_components_explain_it_all():
    decoder, matrix = linear_decoder([3.0, 2.0, 1.0, 0.5], (4, 1, 1), (1, 3, 3))
    decode = decoder_of_arrays(decoder, (4, 1, 1))
    lattice = decode_lattice(
        decode, np.ones(4), dimension_basis((0, 1), 4), reach=1.0, resolution=5
    )
    components = common_components([lattice])
    assert components.explained.sum() == pytest.approx(1.0, abs=1e-5)
    projected = components.project(lattice.nodes)
    edges = np.linalg.norm(np.diff(projected, axis=1), axis=-1)
    np.testing.assert_allclose(edges, lattice.row_edges, rtol=1e-4)
    expected = 0.5 * torch.linalg.norm(matrix[:, 0]).item()
    np.testing.assert_allclose(lattice.row_edges, np.full((5, 4), expected), rtol=1e-4)


def test_components_agree_with_an_eigendecomposition_of_the_covariance():
    lattices = [lattice_of((0, 1)), lattice_of((1, 2), reach=0.5)]
    components = common_components(lattices, 3)
    nodes = np.concatenate([lattice.nodes.reshape(-1, 4) for lattice in lattices])
    variances, vectors = np.linalg.eigh(np.cov(nodes.T, bias=True))
    np.testing.assert_allclose(components.explained, variances[::-1][:3] / variances.sum())
    overlap = np.abs(np.sum(components.axes * vectors.T[::-1][:3], axis=1))
    np.testing.assert_allclose(overlap, 1.0)
    np.testing.assert_allclose(components.axes @ components.axes.T, np.eye(3), atol=1e-12)
    assert (components.project(lattices[0].nodes[-1, -1]) >= 0).all()


def test_each_lattice_has_its_own_share_of_variance():
    flat, tall = lattice_of((1, 2)), lattice_of((0, 2))
    components = common_components([flat, tall], 1)
    assert components.explained_by_lattice.shape == (2, 1)
    first = explained_variance(flat.nodes.reshape(-1, 4), components.axes)
    assert components.explained_by_lattice[0] == pytest.approx(first)
    assert components.explained_by_lattice[0, 0] > 0.99
    assert components.explained_by_lattice[1, 0] < 0.01


def test_a_constant_decoder_explains_nothing_rather_than_dividing_by_zero():
    lattice = decode_lattice(
        lambda latents: np.zeros((len(latents), 6)),
        ORIGIN,
        dimension_basis((0, 1), 3),
        reach=1.0,
        resolution=3,
    )
    components = common_components([lattice])
    np.testing.assert_array_equal(components.explained, [0.0, 0.0])
    np.testing.assert_array_equal(lattice.edges, 0.0)


def test_a_line_runs_through_the_origin_at_unit_speed():
    direction = np.array([0.6, 0.8, 0.0])
    offsets, images = decode_line(bent, ORIGIN, direction, reach=1.5, num_frames=7)
    np.testing.assert_allclose(offsets, [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
    np.testing.assert_allclose(images, bent(ORIGIN + offsets[:, None] * direction))


def test_the_middle_offset_is_exactly_zero():
    for reach in (0.1, 0.3, 1.7):
        for resolution in (3, 5, 13, 41):
            offsets = grid_offsets(reach, resolution)
            assert offsets[resolution // 2] == 0.0
            assert offsets[0] == -reach
            assert offsets[-1] == reach


def test_batches_of_any_size_decode_alike():
    decoder, _ = linear_decoder([1.0, 0.5], (2, 1, 1), (1, 2, 2))
    latents = np.random.default_rng(0).normal(size=(11, 2))
    one = decoder_of_arrays(decoder, (2, 1, 1), batch_size=11)(latents)
    many = decoder_of_arrays(decoder, (2, 1, 1), batch_size=3)(latents)
    assert one.shape == (11, 4)
    assert one.dtype == np.float32
    np.testing.assert_allclose(one, many, rtol=1e-6)


@pytest.mark.parametrize("resolution", [1, 4, 0, -3])
def test_resolution_must_be_odd(resolution):
    with pytest.raises(InputError, match=f"`resolution` must be odd .*got {resolution}"):
        grid_offsets(1.0, resolution)


@pytest.mark.parametrize("reach", [0.0, -1.0, float("nan"), float("inf")])
def test_reach_must_be_positive(reach):
    with pytest.raises(InputError, match="`reach` must be a positive number"):
        grid_offsets(reach, 5)


def test_dimensions_must_differ_and_exist():
    with pytest.raises(InputError, match="two different latent dimensions"):
        dimension_basis((1, 1), 3)
    with pytest.raises(InputError, match="Latent dimension 3 is out of range"):
        dimension_basis((0, 3), 3)


def test_a_basis_must_be_orthonormal():
    skewed = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]])
    with pytest.raises(InputError, match=r"must be orthonormal; these miss it by 0\.6"):
        decode_lattice(bent, ORIGIN, skewed, reach=1.0, resolution=3)
    with pytest.raises(InputError, match=r"shape \(k, 3\)"):
        decode_lattice(bent, ORIGIN, np.eye(2), reach=1.0, resolution=3)


def test_non_finite_images_are_refused_with_their_count():
    def broken(latents):
        return torch.where(latents > 0.5, torch.nan, latents)

    decode = decoder_of_arrays(broken, (1, 1, 1))
    with pytest.raises(ModelError, match=r"non-finite values for 2 of 4 latents \(first: 1\)"):
        decode(np.array([[0.0], [1.0], [0.2], [2.0]]))


def test_too_many_components_are_refused():
    with pytest.raises(InputError, match="between 1 and 4, got 5"):
        common_components([lattice_of()], 5)


def curved(latents: torch.Tensor) -> torch.Tensor:
    """(n, 3, 1, 1) -> (n, 1, 2, 2), nowhere the same metric twice."""
    x, y, w = latents.flatten(1).T
    return torch.stack([x * y, x**2 / 2, y - w, torch.sin(x + w)], dim=1).reshape(-1, 1, 2, 2)


def test_indicatrices_on_a_grid_have_semi_axes_of_root_lambda_of_the_restricted_metric():
    basis = orthonormal_rows(np.array([[1.0, 1.0, 0.0], [0.2, -0.3, 1.0]]))
    points = grid_points(ORIGIN, basis, grid_offsets(1.0, 3), grid_offsets(1.0, 3)).reshape(-1, 3)
    latents = torch.from_numpy(points).reshape(-1, 3, 1, 1)
    found = indicatrices(plane_products(curved, latents, basis.T))
    for index, (x, y, w) in enumerate(points):
        jacobian = np.array([[y, x, 0], [x, 0, 0], [0, 1, -1], [np.cos(x + w), 0, np.cos(x + w)]])
        restricted = basis @ jacobian.T @ jacobian @ basis.T
        expected = np.sqrt(np.linalg.eigvalsh(restricted)[::-1])
        np.testing.assert_allclose(found.data_semi_axes[index], expected, atol=1e-10)


def test_flat_ellipses_are_congruent_to_those_in_data_space():
    pushed = np.random.default_rng(0).normal(size=(5, 7, 2))
    found = indicatrices(pushed)
    flat = np.linalg.norm(flat_ellipses(found, 720), axis=-1)
    in_data_space = np.linalg.norm(data_ellipses(pushed, 720), axis=-1)
    np.testing.assert_allclose(flat.max(axis=1), found.data_semi_axes[:, 0], rtol=1e-4)
    np.testing.assert_allclose(flat.min(axis=1), found.data_semi_axes[:, 1], rtol=1e-3)
    np.testing.assert_allclose(flat, in_data_space, atol=1e-10)


def test_flat_ellipses_are_long_where_the_plane_is_stretched():
    stretch = np.zeros((1, 4, 2))
    stretch[0, 1, 0], stretch[0, 3, 1] = 0.5, 3.0
    curve = flat_ellipses(indicatrices(stretch), 361)[0]
    assert np.abs(curve[:, 0]).max() == pytest.approx(0.5, rel=1e-4)
    assert np.abs(curve[:, 1]).max() == pytest.approx(3.0, rel=1e-4)


def test_orthonormal_rows_barely_move_what_is_nearly_orthonormal():
    exact = np.linalg.qr(np.random.default_rng(1).normal(size=(20, 2)))[0].T
    rounded = exact.astype(np.float32)
    mended = orthonormal_rows(rounded)
    np.testing.assert_allclose(mended @ mended.T, np.eye(2), atol=1e-14)
    np.testing.assert_allclose(mended, exact, atol=1e-6)
