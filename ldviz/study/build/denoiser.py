"""Train the denoiser on the members' latents, and keep the epoch that leaks as asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ldviz.progress import Progress, no_progress
from ldviz.study.build.checkpoint import epoch_generator, load_checkpoint, save_checkpoint
from ldviz.study.build.processes import share_of_batch
from ldviz.study.recipe import DenoiserSettings, SelectionSettings

CHECKPOINT_SECONDS = 60.0

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
    latents: torch.Tensor,
    settings: DenoiserSettings,
    selection: SelectionSettings,
    *,
    evaluate: Evaluate,
    checkpoint: Path,
    accelerator: Any,
    progress: Progress = no_progress,
) -> tuple[torch.nn.Module, list[dict[str, float]], list[dict[str, Any]]]:
    """Train on latents in memory, resuming from a checkpoint if there is one.

    Every ``evaluate_every`` epochs the attack is run; the weights whose best AUC is
    nearest the target are the ones returned.  Training ends early once the AUC has
    passed ``stop_auc``, since memorization only grows from there.

    Args:
        latents: (n, C, h, w) scaled latents of the members.
        settings: architecture and optimiser.
        selection: how the epoch is chosen.
        evaluate: scores a denoiser in evaluation mode.
        checkpoint: where to resume from; written every minute and at every evaluation.
        accelerator: an ``accelerate.Accelerator``; batches are shared out between its processes.
        progress: told of every epoch.

    Returns:
        The kept denoiser in float16-representable weights, one record per epoch ("epoch",
        "loss", "seconds"), and one per evaluation ("epoch", "auc", "best_auc", "kept").
    """
    denoiser = new_denoiser(settings, latent_shape=tuple(latents.shape[1:]))
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
    forward, optimizer = accelerator.prepare(denoiser, optimizer)
    latents = latents.to(accelerator.device)
    saved = time.monotonic()
    for epoch in range(len(log), settings.epochs):
        if evaluations and evaluations[-1]["best_auc"] >= selection.stop_auc:
            break
        progress(epoch, settings.epochs, "training the denoiser")
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, epoch)
        log.append(_run_epoch(forward, optimizer, latents, scheduler, settings, epoch, accelerator))
        due = (epoch + 1) % selection.evaluate_every == 0 or epoch + 1 == settings.epochs
        if due:
            kept = _evaluate(denoiser, evaluate, selection, evaluations, epoch + 1, kept)
        if accelerator.is_main_process and (due or time.monotonic() - saved > CHECKPOINT_SECONDS):
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
    forward: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    latents: torch.Tensor,
    scheduler: Any,
    settings: DenoiserSettings,
    epoch: int,
    accelerator: Any,
) -> dict[str, float]:
    """One pass over the latents; noise and timesteps are drawn on the CPU."""
    start = time.monotonic()
    forward.train()
    generator = epoch_generator("denoiser-epoch", settings.seed, epoch)
    order = torch.randperm(len(latents), generator=generator)
    noise = torch.randn(latents.shape, generator=generator)
    timesteps = torch.randint(0, settings.num_train_timesteps, (len(latents),), generator=generator)
    total = torch.zeros((), device=accelerator.device)
    batches = order.split(settings.batch_size)
    for batch in batches:
        mine, weight = share_of_batch(batch, accelerator)
        target = noise[mine].to(latents.device)
        when = timesteps[mine].to(latents.device)
        noisy = scheduler.add_noise(latents[mine.to(latents.device)], target, when)
        loss = torch.nn.functional.mse_loss(forward(noisy, when).sample, target)
        accelerator.backward(weight * loss)
        accelerator.clip_grad_norm_(forward.parameters(), settings.gradient_clip)
        optimizer.step()
        optimizer.zero_grad()
        total += weight * loss.detach()
    mean = accelerator.reduce(total, reduction="mean") / len(batches)
    return {"epoch": epoch + 1, "loss": float(mean), "seconds": time.monotonic() - start}
