"""Epochs of training whose weights do not depend on how many processes share them.

Every batch is cut into ``shards`` pieces, by the settings and not by the processes.  The loss
of a piece and its gradient are the work of one process, with randomness of the piece's own;
the pieces' gradients are told to all processes, each of which sums them in the order of the
pieces and takes the same step.  So the same numbers are added in the same order, whether one
process computes all pieces or eight have one each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch

from ldviz.study.build.checkpoint import seeded_generator
from ldviz.study.recipe import AutoencoderSettings, DenoiserSettings, Recipe

_log = logging.getLogger(__name__)

PieceLoss = Callable[
    [torch.Tensor, torch.Generator | None], tuple[torch.Tensor, tuple[torch.Tensor, ...]]
]
"""Of (k,) positions: the loss to minimise and the terms to record, means over the k samples.

The generator is the piece's own.  It is None where batches are not cut: then randomness is what
was drawn for the whole epoch.  Torch's global generator, which dropout draws from, is seeded
with the piece's key, or the epoch's.
"""


def run_epoch(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    order: torch.Tensor,
    piece_loss: PieceLoss,
    settings: AutoencoderSettings | DenoiserSettings,
    *,
    terms: tuple[str, ...],
    key: tuple[str, int, int],
    processes: Any,
) -> dict[str, float]:
    """One pass over the samples, a step of the optimiser per batch.

    Args:
        model, optimizer: the same in every process, before and after.
        order: (n,) positions of the samples, the same in every process.
        piece_loss: the loss of part of a batch.
        settings: of batches, shards and the gradient's clipping.
        terms: names of what ``piece_loss`` gives to be recorded.
        key: purpose, seed and epoch: what the pieces' randomness is keyed by, besides the
            batch and the piece.
        processes: has ``process_index``, ``num_processes`` and ``device``.

    Returns:
        Every term's mean over the epoch's batches, the same in every process.
    """
    parameters = list(model.parameters())
    totals = torch.zeros(len(terms), device=processes.device)
    batches = order.split(settings.batch_size)
    for number, batch in enumerate(batches):
        # Of a batch with fewer samples than shards the last pieces are empty.
        pieces = [piece for piece in batch.tensor_split(settings.shards) if len(piece)]

        def backward(
            index: int,
            number: int = number,
            size: int = len(batch),
            pieces: list[torch.Tensor] = pieces,
        ) -> torch.Tensor:
            generator = seeded_generator(*key, number, index) if settings.shards > 1 else None
            loss, recorded = piece_loss(pieces[index], generator)
            weight = len(pieces[index]) / size
            (weight * loss).backward()
            return weight * torch.stack([term.detach() for term in recorded])

        totals += _sum_gradients(backward, len(pieces), parameters, len(terms), processes)
        torch.nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    means = totals / len(batches)
    return {name: float(mean) for name, mean in zip(terms, means, strict=True)}


def _sum_gradients(
    backward: Callable[[int], torch.Tensor],
    count: int,
    parameters: list[torch.nn.Parameter],
    num_terms: int,
    processes: Any,
) -> torch.Tensor:
    """Leave the sum of the pieces' gradients, in their order, with the parameters.

    Args:
        backward: adds a piece's gradient to the parameters' and returns its terms.
        count: of the pieces; the i-th is the work of process i modulo their number.
        parameters: without gradients.
        num_terms: that ``backward`` returns.

    Returns:
        (num_terms,) sum of the terms, in the same order.
    """
    if processes.num_processes == 1:
        terms = backward(0)
        for index in range(1, count):
            terms = terms + backward(index)
        return terms
    sizes = [*(weights.numel() for weights in parameters), num_terms]
    total = None
    for first in range(0, count, processes.num_processes):
        index = first + processes.process_index
        if index < count:
            terms = backward(index)
            found = torch.cat([*(weights.grad.flatten() for weights in parameters), terms])
            for weights in parameters:
                weights.grad = None
        else:
            found = torch.zeros(sum(sizes), device=processes.device)
        for part in _told_to_all(found, min(processes.num_processes, count - first), processes):
            total = part if total is None else total + part
    *gradients, terms = total.split(sizes)
    for weights, gradient in zip(parameters, gradients, strict=True):
        # Storage of its own, aligned as in a single process.
        weights.grad = gradient.view_as(weights).clone()
    return terms


def _told_to_all(vector: torch.Tensor, count: int, processes: Any) -> tuple[torch.Tensor, ...]:
    """The vectors of the first ``count`` processes, in every process."""
    from accelerate.utils import broadcast, gather

    if count == 1:
        return (broadcast(vector),)
    return gather(vector).view(processes.num_processes, -1)[:count].unbind()


def say_who_waits(recipe: Recipe, processes: Any) -> None:
    """Tell, once for each model, that there are more processes than a batch has pieces."""
    if not processes.is_main_process:
        return
    for section, shards in (
        ("autoencoder", recipe.autoencoder.shards),
        ("denoiser", recipe.denoiser.shards),
    ):
        if processes.num_processes <= shards:
            continue
        cut = "are not cut" if shards == 1 else f"are cut into {shards} pieces"
        _log.warning(
            'The %s\'s batches %s by the recipe "%s", and each piece is the work of one process: '
            "of %d processes %d wait while they are computed. The result is that of one process. "
            "To share batches among more, set `shards` in [%s]: that is a training of its own, "
            "with other weights.",
            section,
            cut,
            recipe.name,
            processes.num_processes,
            processes.num_processes - shards,
            section,
        )
