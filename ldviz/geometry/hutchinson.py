"""The diagonal of G by random probes (Hutchinson), with its standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ldviz.errors import InputError
from ldviz.geometry.control import Cancelled, Control, Progress
from ldviz.geometry.distortion import INFLUENCE_FLOOR
from ldviz.geometry.memory import kept_memory
from ldviz.geometry.probing import DesignedProbes
from ldviz.geometry.products import (
    Decoder,
    Linearization,
    Linearizer,
    check_latents,
    check_sample_ids,
    in_chunks,
)
from ldviz.geometry.results import DiagonalEstimate, LeftBasis, ProbeDesign
from ldviz.randomness import keyed_bits

DEFAULT_NUM_PROBES = 16


@kept_memory()
def hutchinson_diagonal(
    decoder: Decoder,
    latents: Tensor,
    *,
    sample_ids: np.ndarray,
    num_probes: int | None = None,
    precision: float | None = None,
    max_probes: int | None = None,
    basis: Sequence[LeftBasis] | None = None,
    design: ProbeDesign | None = None,
    seed: int = 0,
    route: str = "auto",
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> DiagonalEstimate:
    """Estimates G_ii = E[(Jᵀv)_i²] with Rademacher v, one product per probe.

    Probes are keyed by (seed, sample id, number of the probe): an estimate does
    not depend on which other samples share its batch.

    Args:
        decoder: any callable (n, *latent) -> (n, *image).
        latents: (n, *latent).
        sample_ids: (n,) integers, the key of each sample's probes.
        num_probes: at least 2, for the standard error; by default 16 (the paper found
            8 enough), or one round of ``design``.
        precision: standard error of the influence to reach, in nats, root mean
            square over the dimensions; probes are added num_probes at a time.
        max_probes: where to stop adding; by default d, whose cost is that of the
            exact diagonal.
        basis: a spectrum's ``basis``. Its share of G_ii is added exactly and
            only the rest is estimated, with less variance for the same probes.
        design: :func:`probe_design` of the same decoder: fewer probes for the same
            accuracy, in rounds of ``design.num_probes``. None for independent probes.
        seed: another seed gives an independent estimate.
        route: see :class:`ldviz.geometry.products.Linearizer`.
        progress: called with (done, total) products.
        cancelled: asked after each pass whether to stop.

    Returns:
        DiagonalEstimate. The relative error of independent probes is at most √(2 / probes).

    Raises:
        InputError: bad latents, ids, basis, design or numbers of probes.
        ModelError: the decoder's output is not finite.
        CancelledError: ``cancelled`` returned True.

    Cost: one product per probe and sample.

    Source: Hutchinson 1990 (the probes), Bekas, Kokiopoulou, Saad 2007 (the
    diagonal), Meyer et al. 2021, Hutch++ (the split), arXiv:2511.20592 (its use).
    *Differs:* the squares of Jᵀv rather than v ⊙ Gv, at half the products.
    """
    check_latents(latents)
    n, d = len(latents), latents[0].numel()
    ids = check_sample_ids(sample_ids, n)
    if num_probes is None:
        num_probes = DEFAULT_NUM_PROBES if design is None else design.num_probes
    limit = max(num_probes, d if max_probes is None else max_probes)
    if precision is None:
        limit = num_probes
    _check_settings(num_probes, precision, max_probes, basis, n)
    _check_design(design, num_probes, basis)
    if design is not None:
        limit -= limit % design.num_probes
    linearizer = Linearizer(decoder, route)
    group = linearizer.samples_per_pass(latents, num_probes)
    if group > 1:
        # A recording has costs of its own, which twice as many samples share.
        group *= 2
    control = Control(n * limit, progress, cancelled)
    found = []
    for start in range(0, n, group):
        rows = slice(start, start + group)
        linear = linearizer(latents[rows])
        sums = _Sums(linear, ids[rows], seed, None if basis is None else basis[rows], design)
        control.begin(len(linear.latents) * limit)
        sums.add(num_probes, control)
        while precision is not None and sums.judge(precision) and sums.count < limit:
            control.expect(len(linear.latents) * (min(sums.expected, limit) - sums.count))
            sums.add(min(num_probes, limit - sums.count), control)
        found.append(sums.settled(converged=precision is None))
        control.end()
        route_taken = linear.route
        # A recording is large: not two of them at a time.
        del linear, sums
    dtype = latents.dtype
    return DiagonalEstimate(
        diagonal=torch.cat([one.mean for one in found]).to(dtype).reshape(latents.shape).numpy(),
        standard_error=torch.cat([one.error for one in found])
        .to(dtype)
        .reshape(latents.shape)
        .numpy(),
        num_probes=np.concatenate([one.probes for one in found]),
        converged=np.concatenate([one.converged for one in found]),
        method="designed" if design else "beside a spectrum" if basis else "independent",
        route=route_taken,
    )


def rademacher_probes(images: Tensor, sample_ids: np.ndarray, numbers: range, seed: int) -> Tensor:
    """Signs ±1, (len(numbers), *images.shape), keyed by (seed, sample id, number)."""
    n, m = len(images), images[0].numel()
    words = -(-m // 64)
    signs = np.empty((len(numbers), n, m), dtype=np.float32)
    for row, number in enumerate(numbers):
        bits = keyed_bits(f"influence-probe/{number}", seed, sample_ids, words)
        flat = np.unpackbits(bits.view(np.uint8), axis=1, count=m)
        signs[row] = 2.0 * flat - 1.0
    return torch.from_numpy(signs).reshape(len(numbers), *images.shape).to(images)


class _Settled(NamedTuple):
    """The results of one group of samples."""

    mean: Tensor
    error: Tensor
    probes: np.ndarray
    converged: np.ndarray


class _Sums:
    """Running sums over the probes of one group of samples.

    A sample is settled by its own probes alone: its result stays as it was when
    it reached the precision, whatever the others of its group still need.
    """

    def __init__(
        self,
        linear: Linearization,
        ids: np.ndarray,
        seed: int,
        basis: Sequence[LeftBasis] | None,
        design: ProbeDesign | None,
    ) -> None:
        self._linear, self._ids, self._seed = linear, ids, seed
        shape = len(ids), linear.latents[0].numel()
        self.count = 0
        self.expected = 0
        self.mean = torch.zeros(shape, dtype=torch.float64)
        self.error = torch.zeros(shape, dtype=torch.float64)
        self.probes = np.zeros(len(ids), dtype=np.int64)
        self.converged = np.zeros(len(ids), dtype=bool)
        self._settled = np.zeros(len(ids), dtype=bool)
        device = linear.latents.device
        self._first = torch.zeros(shape, dtype=torch.float64, device=device)
        self._second = torch.zeros_like(self._first)
        self._exact = torch.zeros_like(self._first)
        self._design = design
        self._designed = None if design is None else DesignedProbes(design, linear.images)
        self._left = None
        if basis is not None:
            self._left = [torch.from_numpy(one.left).to(device) for one in basis]
            for sample, one in enumerate(basis):
                self._exact[sample] = torch.from_numpy(one.pulled).to(device).square().sum(dim=1)

    def add(self, count: int, control: Control) -> None:
        """Adds the squares of ``count`` more probes."""
        linear = self._linear
        probes = self._drawn(range(self.count, self.count + count))
        if self._left is not None:
            flat = probes.flatten(2).double()
            for sample, left in enumerate(self._left):
                flat[:, sample] -= flat[:, sample] @ left @ left.mT
            probes = flat.to(probes.dtype).reshape(probes.shape)
        squares = in_chunks(linear, linear.vjp, probes, control).flatten(2).double().square()
        self._first += squares.sum(dim=0)
        self._second += squares.square().sum(dim=0)
        self.count += count

    def _drawn(self, numbers: range) -> Tensor:
        """The probes of these numbers, (len(numbers), n, *image)."""
        if self._designed is None:
            return rademacher_probes(self._linear.images, self._ids, numbers, self._seed)
        size = self._design.num_probes
        rounds = range(numbers.start // size, numbers.stop // size)
        return torch.cat([self._designed.draw(self._ids, one, self._seed) for one in rounds])

    def judge(self, precision: float) -> bool:
        """Settles the samples that reached ``precision``; whether any has not."""
        mean, error = self._estimate()
        relative = 0.5 * error / mean.clamp_min(INFLUENCE_FLOOR)
        reached = relative.square().mean(dim=1).sqrt().cpu().numpy()
        self._settle(reached <= precision, mean, error, converged=True)
        if self._settled.all():
            return False
        worst = reached[~self._settled].max() / max(precision, 1e-300)
        self.expected = int(min(self.count * worst**2 + 1, 2**40))
        return True

    def settled(self, *, converged: bool) -> _Settled:
        """Takes the rest as they are; every sample's result."""
        self._settle(np.ones(len(self._ids), dtype=bool), *self._estimate(), converged=converged)
        return _Settled(self.mean, self.error, self.probes, self.converged)

    def _settle(self, which: np.ndarray, mean: Tensor, error: Tensor, *, converged: bool) -> None:
        for sample in np.flatnonzero(which & ~self._settled):
            self.mean[sample] = mean[sample].cpu()
            self.error[sample] = error[sample].cpu()
            self.probes[sample] = self.count
            self.converged[sample] = converged
        self._settled |= which

    def _estimate(self) -> tuple[Tensor, Tensor]:
        """The diagonal by the probes so far, and its standard error.

        Independent probes average, and their spread gives the error. A design's probes
        add up to one estimate a round; the calibration says how its error follows from
        the fourth powers.
        """
        if self._design is not None:
            rounds = self.count // self._design.num_probes
            variance = self._design.error_factor * self._second / rounds**2
            return self._first / rounds, variance.sqrt()
        mean = self._first / self.count
        variance = (self._second - self.count * mean.square()) / (self.count - 1)
        return mean + self._exact, (variance.clamp_min(0) / self.count).sqrt()


def _check_settings(
    num_probes: int,
    precision: float | None,
    max_probes: int | None,
    basis: Sequence[LeftBasis] | None,
    count: int,
) -> None:
    """Raises InputError where a setting is out of range."""
    if num_probes < 2:
        raise InputError(
            f"`num_probes` must be at least 2, got {num_probes}: one probe has no standard error."
        )
    if precision is not None and not precision > 0:
        raise InputError(f"`precision` must be positive, in nats, got {precision}.")
    if max_probes is not None and max_probes < num_probes:
        raise InputError(
            f"`max_probes` must be at least `num_probes` = {num_probes}, got {max_probes}."
        )
    if basis is not None and len(basis) != count:
        raise InputError(
            f"`basis` must hold one entry per latent ({count}), got {len(basis)}. "
            f"Pass the `basis` of a spectrum of the same latents."
        )


def _check_design(
    design: ProbeDesign | None, num_probes: int, basis: Sequence[LeftBasis] | None
) -> None:
    """Raises InputError where a design does not go with the other settings."""
    if design is None:
        return
    if basis is not None:
        raise InputError(
            "`design` and `basis` were both given: a design probes all of image space, a basis "
            "what is left beside it. Pass one of them."
        )
    if num_probes % design.num_probes:
        raise InputError(
            f"`num_probes` must be a multiple of the {design.num_probes} probes of `design`, "
            f"got {num_probes}. Leave it out for one round."
        )
