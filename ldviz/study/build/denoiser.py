"""Train the denoiser on the members' latents, and keep the epoch that leaks as asked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ldviz.data.row_file import RowFile, write_rows
from ldviz.progress import Progress, no_progress
from ldviz.study.build.checkpoint import load_checkpoint, save_checkpoint, seeded_generator
from ldviz.study.build.latents import SHARED_DISK, LatentRows
from ldviz.study.build.shards import run_epoch
from ldviz.study.recipe import DenoiserSettings, SelectionSettings

CHECKPOINT_SECONDS = 60.0
NOISE_FILE = "noise.bin"
"""Beside the checkpoint: the noise of an epoch, where batches are not cut."""
DRAWN_AT_ONCE = 2**18
"""Numbers; a multiple of 16, see ``_normal_blocks``."""

Evaluate = Callable[[torch.nn.Module], dict[str, Any]]
"""Scores a denoiser: a record with "auc" per timestep and "best_auc"."""


def new_denoiser(
    settings: DenoiserSettings, *, latent_shape: tuple[int, int, int]
) -> torch.nn.Module:
    """An untrained diffusers UNet2DModel without attention."""
    from diffusers import UNet2DModel

    levels = len(settings.block_out_channels)
    torch.manual_seed(settings.seed)
    return UNet2DModel(
        sample_size=latent_shape[1],
        in_channels=latent_shape[0],
        out_channels=latent_shape[0],
        down_block_types=("DownBlock2D",) * levels,
        up_block_types=("UpBlock2D",) * levels,
        block_out_channels=settings.block_out_channels,
        layers_per_block=settings.layers_per_block,
        norm_num_groups=settings.norm_num_groups,
        dropout=settings.dropout,
        add_attention=False,
    )


def new_scheduler(settings: DenoiserSettings) -> Any:
    """The noise schedule of arXiv:2511.20592: linear betas, no clipping."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=settings.num_train_timesteps,
        beta_start=settings.beta_start,
        beta_end=settings.beta_end,
        beta_schedule="linear",
        clip_sample=False,
        set_alpha_to_one=False,
    )


def train_denoiser(
    latents: LatentRows,
    settings: DenoiserSettings,
    selection: SelectionSettings,
    *,
    evaluate: Evaluate,
    checkpoint: Path,
    processes: Any,
    progress: Progress = no_progress,
) -> tuple[torch.nn.Module, list[dict[str, float]], list[dict[str, Any]]]:
    """Train on latents read batch by batch, resuming from a checkpoint if there is one.

    Every ``evaluate_every`` epochs the attack is run; the weights whose best AUC is
    nearest the target are the ones returned.  Training ends early once the AUC has
    passed ``stop_auc``, since memorization only grows from there.

    Args:
        latents: (n, C, h, w) scaled latents of the members.
        settings: architecture and optimiser.
        selection: how the epoch is chosen.
        evaluate: scores a denoiser in evaluation mode.
        checkpoint: where to resume from; written every minute and at every evaluation.
        processes: from ``start_processes``; pieces of batches are shared out between them.
        progress: told of every epoch.

    Returns:
        The kept denoiser in float16-representable weights, one record per epoch ("epoch",
        "loss", "seconds"), and one per evaluation ("epoch", "auc", "best_auc", "kept").
    """
    denoiser = new_denoiser(settings, latent_shape=tuple(latents.shape[1:])).to(processes.device)
    scheduler = new_scheduler(settings)
    optimizer = torch.optim.AdamW(
        denoiser.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    log: list[dict[str, float]] = []
    evaluations: list[dict[str, Any]] = []
    kept: dict[str, torch.Tensor] = {}
    state = load_checkpoint(checkpoint)
    if state is not None:
        denoiser.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        log, evaluations, kept = state["log"], state["evaluations"], state["kept"]
    saved = time.monotonic()
    for epoch in range(len(log), settings.epochs):
        if evaluations and evaluations[-1]["best_auc"] >= selection.stop_auc:
            break
        progress(epoch, settings.epochs, "training the denoiser")
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, epoch)
        record = _run_epoch(
            denoiser,
            optimizer,
            latents,
            scheduler,
            settings,
            epoch,
            processes,
            checkpoint.with_name(NOISE_FILE),
        )
        log.append(record)
        due = (epoch + 1) % selection.evaluate_every == 0 or epoch + 1 == settings.epochs
        if due:
            kept = _evaluate(denoiser, evaluate, selection, evaluations, epoch + 1, kept)
        if processes.is_main_process and (due or time.monotonic() - saved > CHECKPOINT_SECONDS):
            state = {
                "model": denoiser.state_dict(),
                "optimizer": optimizer.state_dict(),
                "log": log,
                "evaluations": evaluations,
                "kept": kept,
            }
            save_checkpoint(checkpoint, state)
            saved = time.monotonic()
    progress(settings.epochs, settings.epochs, "training the denoiser")
    denoiser.load_state_dict({name: tensor.float() for name, tensor in kept.items()})
    return denoiser.eval(), log, evaluations


def learning_rate(settings: DenoiserSettings, epoch: int) -> float:
    """The learning rate of an epoch, counted from 0."""
    left = settings.epochs - epoch
    if left >= settings.decay_epochs:
        return settings.learning_rate
    return settings.learning_rate * left / settings.decay_epochs


def _evaluate(
    denoiser: torch.nn.Module,
    evaluate: Evaluate,
    selection: SelectionSettings,
    evaluations: list[dict[str, Any]],
    epoch: int,
    kept: dict[str, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """Score the present weights; returns the weights to keep so far."""
    denoiser.eval()
    record = {"epoch": epoch, **evaluate(denoiser), "kept": False}
    misses = [abs(past["best_auc"] - selection.target_auc) for past in evaluations]
    if not misses or abs(record["best_auc"] - selection.target_auc) < min(misses):
        for past in evaluations:
            past["kept"] = False
        record["kept"] = True
        kept = {name: tensor.half().cpu() for name, tensor in denoiser.state_dict().items()}
    evaluations.append(record)
    return kept


def _run_epoch(
    denoiser: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    latents: LatentRows,
    scheduler: Any,
    settings: DenoiserSettings,
    epoch: int,
    processes: Any,
    noise_file: Path,
) -> dict[str, float]:
    """One pass over the latents; noise and timesteps are drawn on the CPU."""
    start = time.monotonic()
    denoiser.train()
    key = ("denoiser-epoch", settings.seed, epoch)
    generator = seeded_generator(*key)
    order = torch.randperm(len(latents), generator=generator)
    whole = None
    if settings.shards == 1 and processes.is_main_process:
        whole = _EpochDraws(noise_file, latents.shape, settings.num_train_timesteps, generator)

    def piece_loss(rows: torch.Tensor, generator: torch.Generator | None):
        chosen = latents[rows]
        if generator is None:
            target, when = whole[rows]
        else:
            target = torch.randn(chosen.shape, generator=generator)
            when = torch.randint(0, settings.num_train_timesteps, (len(rows),), generator=generator)
        target, when = target.to(chosen.device), when.to(chosen.device)
        noisy = scheduler.add_noise(chosen, target, when)
        loss = torch.nn.functional.mse_loss(denoiser(noisy, when).sample, target)
        return loss, (loss,)

    means = run_epoch(
        denoiser,
        optimizer,
        order,
        piece_loss,
        settings,
        terms=("loss",),
        key=key,
        processes=processes,
    )
    return {"epoch": epoch + 1, **means, "seconds": time.monotonic() - start}


class _EpochDraws:
    """Noise and timestep of every latent for one epoch, drawn one after the other.

    What batches that are not cut were always trained with.  The noise lies in a file, and
    is read batch by batch.
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], num_timesteps: int, generator: torch.Generator
    ) -> None:
        write_rows(path, _normal_blocks(math.prod(shape), generator))
        self._noise = RowFile(path, shape, np.float32, holds="noise", remedy=SHARED_DISK)
        self._timesteps = torch.randint(0, num_timesteps, (shape[0],), generator=generator)

    def __getitem__(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(k, C, h, w) noise and (k,) timesteps of these rows."""
        return torch.from_numpy(self._noise[rows.numpy()]), self._timesteps[rows]


def _normal_blocks(count: int, generator: torch.Generator) -> Iterator[np.ndarray]:
    """``torch.randn(count)``, to the last bit, a block at a time.

    Torch makes 16 normal numbers of 16 uniform ones, and where the count is no multiple of 16
    draws the last 16 anew; so all blocks but the last, the longest, are multiples of 16.
    """
    while count >= 2 * DRAWN_AT_ONCE:
        yield torch.randn(DRAWN_AT_ONCE, generator=generator).numpy()
        count -= DRAWN_AT_ONCE
    yield torch.randn(count, generator=generator).numpy()
