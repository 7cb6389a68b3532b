"""Leading singular values of J by random projection, for latents of any size."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ldviz.errors import InputError
from ldviz.geometry.control import Cancelled, Control, Progress
from ldviz.geometry.distortion import numerical_rank
from ldviz.geometry.memory import kept_memory
from ldviz.geometry.products import (
    Decoder,
    Linearization,
    Linearizer,
    check_latents,
    check_sample_ids,
    in_chunks,
)
from ldviz.geometry.results import LeftBasis, Spectrum
from ldviz.randomness import keyed_normal

DEFAULT_RANK = 20
DEFAULT_NUM_OVERSAMPLES = 30
DEFAULT_NUM_POWER_ITERATIONS = 2
DEFAULT_TOLERANCE = 1e-4
METHODS = ("krylov", "halko")
RATES = (0.3, 0.95)


@kept_memory()
def randomized_spectrum(
    decoder: Decoder,
    latents: Tensor,
    *,
    sample_ids: np.ndarray,
    rank: int = DEFAULT_RANK,
    num_oversamples: int = DEFAULT_NUM_OVERSAMPLES,
    num_power_iterations: int = DEFAULT_NUM_POWER_ITERATIONS,
    method: str = "krylov",
    tolerance: float = DEFAULT_TOLERANCE,
    seed: int = 0,
    keep_basis: bool = False,
    route: str = "auto",
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Spectrum:
    """The ``rank`` largest singular values of J, from products alone.

    ``"halko"`` is randomized subspace iteration as the paper uses it: one block
    of rank + oversamples vectors, multiplied by J and Jᵀ in turn, only the last
    block used.  ``"krylov"`` uses every block: the same products spent on blocks
    of half the rank, kept and orthogonalised, converge several times faster.
    Either stops as soon as its error estimate meets ``tolerance``.

    Args:
        decoder: any callable (n, *latent) -> (n, *image).
        latents: (n, *latent).
        sample_ids: (n,) integers, the key of each sample's random start.
        rank: singular values wanted, 1 to min(m, d).
        num_oversamples, num_power_iterations: the budget is
            (rank + num_oversamples) · (2 num_power_iterations + 2) products.
        method: ``"krylov"`` or ``"halko"``.
        tolerance: error at which to stop, relative to the largest singular value.
        seed: another seed gives an independent start.
        keep_basis: keep what :func:`hutchinson_diagonal` can reuse; m · products / 2 numbers.
        route: see :class:`ldviz.geometry.products.Linearizer`.
        progress: called with (done, total) products; the total is revised as it converges.
        cancelled: asked after each pass whether to stop.

    Returns:
        Spectrum. ``error_estimate`` is the smaller of the residual, which bounds
        the distance to the nearest singular value, and twice the error that is left
        if convergence goes on at its last rate, taken as 0.3 to 0.95 a step; where
        it exceeds the tolerance at the end of the budget, ``converged`` is False.

    Raises:
        InputError: bad latents, ids, rank, method or tolerance.
        ModelError: the decoder's output is not finite.
        CancelledError: ``cancelled`` returned True.

    Cost: at most the budget, in products per sample. Where min(m, d) is not well
    above half of it, :func:`exact_geometry` is cheaper.

    Source: Halko, Martinsson, Tropp 2011, algorithms 4.4 and 5.1; Musco and Musco
    2015 (block Krylov). *Differs:* full reorthogonalisation in float64; values from
    JᵀU at every step, so that stopping early costs nothing.
    """
    check_latents(latents)
    ids = check_sample_ids(sample_ids, len(latents))
    _check_settings(rank, num_oversamples, num_power_iterations, method, tolerance)
    size = rank + num_oversamples
    budget = size * (2 * num_power_iterations + 2)
    krylov = method == "krylov"
    block = max(1, rank // 2) if krylov else size
    linearizer = Linearizer(decoder, route)
    group = linearizer.samples_per_pass(latents, block)
    control = Control(len(latents) * budget, progress, cancelled)
    found = []
    for start in range(0, len(latents), group):
        linear = linearizer(latents[start : start + group])
        search = _Search(linear, ids[start : start + group], rank, tolerance, keep_basis, krylov)
        search.run(block, budget, seed, control)
        found.append(search)
        route_taken = linear.route
        # A recording is large: not two of them at a time.
        del linear
    dtype = latents.dtype
    values = torch.cat([one.values for one in found]).to(dtype).numpy()
    bases = [basis for one in found for basis in one.bases]
    return Spectrum(
        singular_values=values,
        right_vectors=torch.cat([one.right for one in found])
        .to(dtype)
        .reshape(len(latents), rank, *latents.shape[1:])
        .numpy(),
        numerical_rank=numerical_rank(values),
        error_estimate=torch.cat([one.errors for one in found]).numpy(),
        converged=torch.cat([one.converged for one in found]).numpy(),
        num_products=torch.cat([one.products for one in found]).numpy(),
        method=method,
        route=route_taken,
        basis=bases if keep_basis else None,
    )


class _Search:
    """The subspaces of one group of samples, grown until each has converged.

    V and U are orthonormal bases with J V inside span(U); Z = JᵀU.  The singular
    values of Z are the best that span(U) gives.  The residual is that of the
    triplets of C = UᵀJV, for which J v = σ u holds exactly.
    """

    def __init__(
        self,
        linear: Linearization,
        ids: np.ndarray,
        rank: int,
        tolerance: float,
        keep_basis: bool,
        krylov: bool,
    ) -> None:
        self._linear, self._ids, self._rank, self._tolerance = linear, ids, rank, tolerance
        self._keep_basis, self._krylov = keep_basis, krylov
        n = len(ids)
        self._d, self._m = linear.latents[0].numel(), linear.images[0].numel()
        limit = min(self._d, self._m)
        if rank > limit:
            raise InputError(
                f"`rank` must be at most min(m, d) = {limit} for this decoder, got {rank}."
            )
        self._limit = limit
        self.values = torch.zeros(n, rank, dtype=torch.float64)
        self.errors = torch.full((n, rank), torch.inf, dtype=torch.float64)
        self.right = torch.zeros(n, rank, self._d, dtype=torch.float64)
        self.converged = torch.zeros(n, dtype=torch.bool)
        self.products = torch.zeros(n, dtype=torch.int64)
        self.bases: list[LeftBasis | None] = [None] * n
        self._history: list[Tensor] = []

    def run(self, block: int, budget: int, seed: int, control: Control) -> None:
        """Grows the subspaces until every sample has converged or the budget is spent."""
        linear, n = self._linear, len(self._ids)
        block = min(block, self._limit)
        start = keyed_normal("spectrum-start", seed, self._ids, 0, (self._d, block))
        new = _orthonormal(torch.from_numpy(start).to(linear.latents.device).double(), None)
        right = left = pulled = core = None
        spent = 0
        control.begin(n * budget)
        while spent + 2 * new.shape[2] <= budget or spent == 0:
            width = new.shape[2]
            pushed = self._push(new, control)
            fresh = _orthonormal(pushed, left if self._krylov else None)
            back = self._pull(fresh, control)
            spent += 2 * width
            if left is None or not self._krylov:
                right, left, pulled, core = new, fresh, back, fresh.mT @ pushed
            else:
                right = torch.cat([right, new], dim=2)
                left = torch.cat([left, fresh], dim=2)
                pulled = torch.cat([pulled, back], dim=2)
                core = torch.nn.functional.pad(core, (0, 0, 0, width))
                core = torch.cat([core, left.mT @ pushed], dim=2)
            steps_left = self._judge(right, left, pulled, core, spent)
            if self.converged.all():
                break
            room = self._limit - left.shape[2] if self._krylov else self._limit
            if room == 0:
                break
            control.expect(n * min(budget - spent, steps_left * 2 * width))
            new = _orthonormal(back, right if self._krylov else None)[..., :room]
        control.end()
        del self._linear, self._history

    def _judge(self, right: Tensor, left: Tensor, pulled: Tensor, core: Tensor, spent: int) -> int:
        """Takes over the values of samples not yet converged; returns steps still expected."""
        rank, columns = self._rank, left.shape[2]
        if columns < rank:
            return 2**20
        squares, vectors = torch.linalg.eigh(pulled.mT @ pulled)
        values = squares.flip(1)[:, :rank].clamp_min(0).sqrt()
        a, sigma, wt = torch.linalg.svd(core)
        residual = pulled @ a[..., :rank] - (right @ wt.mT[..., :rank]) * sigma[:, None, :rank]
        errors = torch.linalg.vector_norm(residual, dim=1)
        rate = torch.full((len(values), 1), RATES[1], dtype=values.dtype, device=values.device)
        self._history.append(values)
        if len(self._history) >= 3:
            first, second, third = self._history[-3:]
            gain = (third - second).abs().amax(dim=1, keepdim=True)
            before = (second - first).abs().amax(dim=1, keepdim=True)
            rate = (gain / before.clamp_min(1e-300)).clamp(*RATES)
            errors = torch.minimum(errors, 2 * gain * rate / (1 - rate))
        floor = 8 * torch.finfo(self._linear.latents.dtype).eps * values[:, :1]
        if columns == self._limit:
            errors = torch.zeros_like(errors)
        errors = torch.maximum(errors, floor)
        worst = errors.amax(dim=1) / values[:, 0].clamp_min(1e-300)
        met = (worst <= self._tolerance).cpu()
        vectors = vectors.flip(2)[..., :rank]
        lengths = values.clamp_min(1e-300)
        for sample in (~self.converged).nonzero()[:, 0].tolist():
            self.values[sample] = values[sample].cpu()
            self.errors[sample] = errors[sample].cpu()
            self.right[sample] = (pulled[sample] @ vectors[sample] / lengths[sample]).mT.cpu()
            self.products[sample] = spent
            if self._keep_basis:
                self.bases[sample] = LeftBasis(
                    left=left[sample].cpu().numpy(), pulled=pulled[sample].cpu().numpy()
                )
        self.converged |= met
        slowest = worst[~met.to(worst.device)]
        if not len(slowest):
            return 0
        needed = torch.log(slowest.max() / self._tolerance) / -torch.log(rate.max())
        return int(needed.clamp(1, 2**20).ceil())

    def _push(self, vectors: Tensor, control: Control) -> Tensor:
        """J applied to (n, d, b) vectors: (n, m, b) float64."""
        linear = self._linear
        tangents = vectors.permute(2, 0, 1).to(linear.latents.dtype)
        tangents = tangents.reshape(-1, *linear.latents.shape)
        return in_chunks(linear, linear.jvp, tangents, control).flatten(2).permute(1, 2, 0).double()

    def _pull(self, vectors: Tensor, control: Control) -> Tensor:
        """Jᵀ applied to (n, m, b) vectors: (n, d, b) float64."""
        linear = self._linear
        cotangents = vectors.permute(2, 0, 1).to(linear.images.dtype)
        cotangents = cotangents.reshape(-1, *linear.images.shape)
        return (
            in_chunks(linear, linear.vjp, cotangents, control).flatten(2).permute(1, 2, 0).double()
        )


def _orthonormal(vectors: Tensor, against: Tensor | None) -> Tensor:
    """An orthonormal basis of the vectors, orthogonal to ``against``; twice is enough."""
    for _ in range(2):
        if against is not None:
            vectors = vectors - against @ (against.mT @ vectors)
        vectors = torch.linalg.qr(vectors)[0]
    return vectors


def _check_settings(
    rank: int, num_oversamples: int, num_power_iterations: int, method: str, tolerance: float
) -> None:
    """Raises InputError where a setting is out of range."""
    if rank < 1:
        raise InputError(f"`rank` must be at least 1, got {rank}.")
    if num_oversamples < 0 or num_power_iterations < 0:
        raise InputError(
            f"`num_oversamples` and `num_power_iterations` must not be negative, got "
            f"{num_oversamples} and {num_power_iterations}."
        )
    if method not in METHODS:
        raise InputError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}.")
    if not tolerance >= 0:
        raise InputError(f"`tolerance` must be at least 0, got {tolerance}.")
