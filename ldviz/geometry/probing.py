"""Probes fitted to a decoder: fewer of them for the same accuracy of the diagonal."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ldviz.errors import InputError
from ldviz.geometry.control import Cancelled, Control, Progress
from ldviz.geometry.memory import kept_memory
from ldviz.geometry.products import Decoder, Linearizer, check_latents, in_chunks
from ldviz.geometry.results import ProbeDesign
from ldviz.randomness import keyed_bits, keyed_generator

DEFAULT_NUM_COLUMNS = 600
DEFAULT_RANK = 256
HELD_BACK = 5
COLUMNS_PER_PASS = 8
MAX_ROTATIONS = 10
ROTATION_TOLERANCE = 1e-4
COLOURING_SWEEPS = 2
RANGE_SWEEPS = 2
SPARE_DIRECTIONS = 20
LEAST_SHARE_KEPT = 0.9
MOST_NUMBERS = 2**28


@kept_memory()
def probe_design(
    decoder: Decoder,
    latents: Tensor,
    *,
    as_accurate_as: int = 16,
    num_columns: int = DEFAULT_NUM_COLUMNS,
    rank: int = DEFAULT_RANK,
    seed: int = 0,
    route: str = "auto",
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> ProbeDesign | None:
    """Fits probes that reach the accuracy of ``as_accurate_as`` independent ones.

    With random signs s_j on an orthonormal basis w_j of image space and the basis cut
    into classes, Σ_c (Σ_{j∈c} s_j w_jᵀ g)² is an unbiased estimate of ‖g‖², whatever the
    basis and the classes.  Its variance is 2 Σ_c Σ_{j≠k∈c} a_j² a_k² with a = Wᵀg: small
    where few entries of a are large and those lie in different classes.  So the basis is
    rotated until the columns J e_i of some calibration latents are sparse in it
    (quartimax: Σ a⁴ largest) and cut so that what is large together lies apart (a greedy
    cut of the graph with weights a_j² a_k²).  Where latents and images are both pictures, the
    columns moved by one latent cell, up, down, left and right, are fitted to as well: of a
    convolutional decoder they look like columns of the next cells, and cost no product.
    Where that serves the latents held back worse, the columns alone are fitted to.
    Directions outside the basis are probed with random pixels, so that nothing about the
    calibration can bias an estimate.

    Args:
        decoder: any callable (n, *latent) -> (n, *image).
        latents: (n, *latent), n at least 5: some sixty of those that will be asked
            for. Every fifth is held back from the fit, to measure its accuracy.
        as_accurate_as: independent probes whose error on the latents held back to reach.
        num_columns: columns of J to fit to, over all latents.
        rank: directions of the basis, at most.
        seed: picks the columns.
        route: see :class:`ldviz.geometry.products.Linearizer`.
        progress: called with (done, total) products.
        cancelled: asked after each chunk whether to stop.

    Returns:
        ProbeDesign with as few probes as reach the accuracy on the latents held back, by a
        margin of one standard error over these; or None where that takes ``as_accurate_as``
        probes or more: use independent ones.

    Raises:
        InputError: bad latents or settings.
        ModelError: the decoder's output is not finite.
        CancelledError: ``cancelled`` returned True.

    Cost: ``num_columns`` products, once per decoder; 10 m · num_columns numbers of memory, or
    2 m · num_columns without the moved ones, where five times the columns exceed 2²⁸ numbers.

    Source: Tang and Saad 2012 (probing by graph colouring); Neuhaus and Wrigley 1954
    (quartimax), with the fixed-point rotation of Hyvärinen 1999. *Differs:* the basis
    is fitted and the colouring weighted, since J has no sparsity of its own.
    """
    check_latents(latents)
    _check_settings(latents, as_accurate_as, num_columns, rank)
    columns, owner, image_shape, route_taken = _columns(
        decoder, latents, num_columns, seed, route, progress, cancelled
    )
    num_products = len(latents) * _columns_each(latents, num_columns)
    held_back = owner % HELD_BACK == 0
    fitted, unseen = columns[:, ~held_back], columns[:, held_back]
    moved = _with_moved(fitted, latents.shape[1:], image_shape)
    choices = (fitted,) if moved is fitted else (fitted, moved)
    fits = [_Fit(examples, unseen, rank) for examples in choices]
    if not unseen.shape[1] or not fits[0].basis.shape[1]:
        return None
    fit = min(fits, key=lambda one: one.variance(max(2, as_accurate_as // 2)))
    independent = _independent_variance(unseen, as_accurate_as)
    best = None
    fewest, most = 2, as_accurate_as - 1
    while fewest <= most:
        num_probes = (fewest + most) // 2
        classes, variance, fourth = fit.judged(num_probes)
        if not _at_most(variance, independent, owner[held_back]):
            fewest = num_probes + 1
            continue
        most = num_probes - 1
        order = np.argsort(classes, kind="stable")
        best = ProbeDesign(
            basis=fit.basis[:, order].cpu().numpy(),
            classes=classes[order],
            num_probes=num_probes,
            relative_error=math.sqrt(variance.mean()),
            error_factor=variance.mean() / fourth.mean(),
            num_products=num_products,
            route=route_taken,
        )
    return best


class _Fit:
    """A basis fitted to examples, and what it makes of columns that it has not seen."""

    def __init__(self, examples: Tensor, unseen: Tensor, rank: int) -> None:
        self.basis = _sparsifying_basis(examples, rank)
        self._fitted = self.basis.T @ examples
        self._unseen = self.basis.T @ unseen

    def judged(self, num_probes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Classes for so many probes, and of each unseen column the two :func:`_moments`."""
        classes = _colouring(self._fitted, num_probes)
        return classes, *_moments(self._unseen, classes, num_probes)

    def variance(self, num_probes: int) -> float:
        """Variance of the estimate by so many probes, the mean over the unseen columns."""
        return float(self.judged(num_probes)[1].mean())


class DesignedProbes:
    """Draws a design's probes, keyed by (seed, sample id, number of the round).

    Args:
        design: from :func:`probe_design`.
        images: (n, *image), the form, precision and device of the probes.

    Raises:
        InputError: the design is for images of another size.
    """

    def __init__(self, design: ProbeDesign, images: Tensor) -> None:
        m = images[0].numel()
        if len(design.basis) != m:
            raise InputError(
                f"`design` was fitted to images of {len(design.basis)} numbers, this decoder's "
                f"have {m}. Fit one to this decoder: probe_design(decoder, latents)."
            )
        self._images = images
        self._num_probes = design.num_probes
        self._basis = torch.from_numpy(design.basis).to(images)
        edges = np.searchsorted(design.classes, np.arange(design.num_probes + 1))
        self._members = [slice(*pair) for pair in pairwise(edges)]

    def draw(self, sample_ids: np.ndarray, number: int, seed: int) -> Tensor:
        """Round ``number``: (probes, n, *image), one probe per class."""
        m, rank = self._basis.shape
        signs = _signs(f"influence-design/{number}", seed, sample_ids, rank + m)
        signs = torch.from_numpy(signs).to(self._images)
        return self.combine(signs[:, :rank], signs[:, rank:])

    def combine(self, basis_signs: Tensor, pixel_signs: Tensor) -> Tensor:
        """The probes that (n, rank) signs of basis and (n, m) signs of pixels make.

        A class holds its share W_c of the basis and a like share of the pixels D_c, freed of
        the basis: E v_c v_cᵀ = W_c W_cᵀ + P D_c P with P = I - WWᵀ, which sum to I.
        """
        count, (m, rank) = len(basis_signs), self._basis.shape
        weights = basis_signs.new_zeros(self._num_probes, count, rank)
        for number, members in enumerate(self._members):
            weights[number, :, members] = basis_signs[:, members]
        pixels = [slice(number, None, self._num_probes) for number in range(self._num_probes)]
        if rank < m:
            for number, chosen in enumerate(pixels):
                weights[number] -= pixel_signs[:, chosen] @ self._basis[chosen]
        probes = (weights.flatten(0, 1) @ self._basis.T).reshape(self._num_probes, count, m)
        if rank < m:
            for number, chosen in enumerate(pixels):
                probes[number, :, chosen] += pixel_signs[:, chosen]
        return probes.reshape(self._num_probes, count, *self._images.shape[1:])


def _columns(
    decoder: Decoder,
    latents: Tensor,
    num_columns: int,
    seed: int,
    route: str,
    progress: Progress | None,
    cancelled: Cancelled | None,
) -> tuple[Tensor, np.ndarray, torch.Size, str]:
    """Unit columns of J, (m, k), which latent each belongs to, an image's shape, the route."""
    count, d = len(latents), latents[0].numel()
    each = _columns_each(latents, num_columns)
    control = Control(count * each, progress, cancelled)
    control.begin(count * each)
    linearizer = Linearizer(decoder, route)
    group = linearizer.samples_per_pass(latents, COLUMNS_PER_PASS)
    units = torch.eye(d, dtype=latents.dtype, device=latents.device)
    chosen = np.stack(
        [keyed_generator("probe-design", seed, row).permutation(d)[:each] for row in range(count)]
    )
    found = []
    for start in range(0, count, group):
        linear = linearizer(latents[start : start + group])
        numbers = torch.from_numpy(chosen[start : start + group].T.copy()).to(units.device)
        tangents = units[numbers].reshape(each, -1, *latents.shape[1:])
        pushed = in_chunks(linear, linear.jvp, tangents, control).flatten(2)
        found.append(pushed.transpose(0, 1).flatten(0, 1))
        image_shape, route_taken = linear.images.shape[1:], linear.route
        del linear
    control.end()
    columns = torch.cat(found).T
    lengths = torch.linalg.vector_norm(columns, dim=0)
    moves = lengths > 0
    owner = np.repeat(np.arange(count), each)[moves.cpu().numpy()]
    return columns[:, moves] / lengths[moves], owner, image_shape, route_taken


def _columns_each(latents: Tensor, num_columns: int) -> int:
    """Columns that are taken of each latent's Jacobian."""
    return min(latents[0].numel(), -(-num_columns // len(latents)))


def _with_moved(columns: Tensor, latent: torch.Size, image: torch.Size) -> Tensor:
    """(m, k) unit columns, and those moved by one latent cell each way that lose little by it."""
    if len(latent) != 3 or len(image) != 3 or 5 * columns.numel() > MOST_NUMBERS:
        return columns
    found = [columns]
    pictures = columns.T.reshape(-1, *image)
    for axis in (2, 3):
        size = image[axis - 1]
        step = size // latent[axis - 1]
        if not 0 < step < size:
            continue
        for kept, filled in (
            (slice(step, None), slice(None, -step)),
            (slice(None, -step), slice(step, None)),
        ):
            before = [slice(None)] * 4
            after = list(before)
            before[axis], after[axis] = kept, filled
            moved = torch.zeros_like(pictures)
            moved[tuple(after)] = pictures[tuple(before)]
            flat = moved.flatten(1)
            lengths = torch.linalg.vector_norm(flat, dim=1, keepdim=True)
            whole = lengths[:, 0] >= LEAST_SHARE_KEPT
            found.append((flat[whole] / lengths[whole]).T)
    return torch.cat(found, dim=1)


def _sparsifying_basis(columns: Tensor, rank: int) -> Tensor:
    """Orthonormal (m, r) in which the columns are sparse: leading directions, rotated."""
    if not columns.shape[1]:
        return columns
    left = _leading_directions(columns, rank)
    inside = left.T @ columns
    rotation = torch.eye(len(inside), dtype=inside.dtype, device=inside.device)
    for _ in range(MAX_ROTATIONS):
        turned = _polar(inside @ (rotation.T @ inside).pow(3).T)
        change = torch.linalg.matrix_norm(turned - rotation)
        rotation = turned
        if change <= ROTATION_TOLERANCE * math.sqrt(len(inside)):
            break
    return left @ rotation


def _leading_directions(columns: Tensor, rank: int) -> Tensor:
    """Orthonormal (m, r): the leading left singular vectors, r at most ``rank`` and the true one.

    By subspace iteration from a fixed start (Halko, Martinsson, Tropp 2011, algorithm 4.4).
    """
    width = min(rank + SPARE_DIRECTIONS, *columns.shape)
    start = torch.randn(columns.shape[1], width, generator=torch.Generator().manual_seed(0))
    found = torch.linalg.qr(columns @ start.to(columns))[0]
    for _ in range(RANGE_SWEEPS):
        found = torch.linalg.qr(columns @ (columns.T @ found))[0]
    inside = found.T @ columns
    values, vectors = torch.linalg.eigh(inside @ inside.T)
    kept = vectors[:, -rank:]
    tolerance = columns.shape[1] * torch.finfo(values.dtype).eps * values[-1]
    return found @ kept[:, values[-kept.shape[1] :] > tolerance]


def _polar(matrix: Tensor) -> Tensor:
    """The nearest orthogonal matrix."""
    left, _, right = torch.linalg.svd(matrix)
    return left @ right


def _colouring(coefficients: Tensor, num_classes: int) -> np.ndarray:
    """A class for each row, keeping Σ a_j² a_k² within classes small: greedy, heaviest first."""
    energy = coefficients.square().cpu().numpy()
    outside = np.clip(1 - energy.sum(axis=0), 0, None)
    totals = np.repeat(outside[None] / num_classes, num_classes, axis=0)
    classes = np.full(len(energy), -1)
    order = np.argsort(-energy.sum(axis=1), kind="stable")
    for _ in range(COLOURING_SWEEPS):
        for row in order:
            if classes[row] >= 0:
                totals[classes[row]] -= energy[row]
            classes[row] = np.argmin(totals @ energy[row])
            totals[classes[row]] += energy[row]
    return classes


def _moments(
    coefficients: Tensor, classes: np.ndarray, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Variance of the estimate, and Σ_c E y_c⁴, for each unit column.

    y_c is a class's product: E y_c⁴ = 3 (E y_c²)² - 2 Σ_j a_j⁴ for random signs.
    """
    energy = coefficients.double().square().cpu().numpy()
    outside = np.clip(1 - energy.sum(axis=0), 0, None) / num_classes
    squares = sum((energy[classes == one].sum(axis=0) + outside) ** 2 for one in range(num_classes))
    single = (energy**2).sum(axis=0)
    return 2 * np.clip(squares - single, 0, None), 3 * squares - 2 * single


def _independent_variance(columns: Tensor, num_probes: int) -> np.ndarray:
    """Variance of the estimate by independent probes, for each unit column."""
    fourth = columns.double().pow(4).sum(dim=0)
    return (2 / num_probes * (1 - fourth)).cpu().numpy()


def _at_most(variance: np.ndarray, limit: np.ndarray, owner: np.ndarray) -> bool:
    """Whether variances are below limits on average, by one standard error over the owners."""
    excess = [(variance - limit)[owner == one].mean() for one in np.unique(owner)]
    spread = np.std(excess, ddof=1) / math.sqrt(len(excess)) if len(excess) > 1 else 0.0
    return bool(np.mean(excess) + spread <= 0)


def _signs(purpose: str, seed: int, sample_ids: np.ndarray, count: int) -> np.ndarray:
    """Signs ±1, (n, count) float32, keyed by (purpose, seed, sample id)."""
    bits = keyed_bits(purpose, seed, sample_ids, -(-count // 64))
    flat = np.unpackbits(bits.view(np.uint8), axis=1, count=count)
    return 2.0 * flat.astype(np.float32) - 1.0


def _check_settings(latents: Tensor, as_accurate_as: int, num_columns: int, rank: int) -> None:
    """Raises InputError where a setting is out of range."""
    if len(latents) < HELD_BACK:
        raise InputError(
            f"`latents` must hold at least {HELD_BACK} samples to fit and to judge by, "
            f"got {len(latents)}. Pass some sixty of those that will be asked for."
        )
    for name, value, least in (
        ("as_accurate_as", as_accurate_as, 3),
        ("num_columns", num_columns, len(latents)),
        ("rank", rank, 1),
    ):
        if value < least:
            raise InputError(f"`{name}` must be at least {least}, got {value}.")
