"""Train the autoencoder: L1 + beta * mean KL, on the members alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from ldviz.progress import Progress, no_progress
from ldviz.study.build.checkpoint import load_checkpoint, save_checkpoint, seeded_generator
from ldviz.study.build.images import ModelImages
from ldviz.study.build.latents import scaling_factor
from ldviz.study.build.shards import run_epoch
from ldviz.study.recipe import AutoencoderSettings

CHECKPOINT_SECONDS = 60.0


def new_autoencoder(
    settings: AutoencoderSettings, *, channels: int, image_size: int
) -> torch.nn.Module:
    """An untrained diffusers AutoencoderKL without attention, f = 2 ** (levels - 1)."""
    from diffusers import AutoencoderKL

    levels = len(settings.block_out_channels)
    torch.manual_seed(settings.seed)
    return AutoencoderKL(
        in_channels=channels,
        out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=settings.block_out_channels,
        layers_per_block=settings.layers_per_block,
        latent_channels=settings.latent_channels,
        norm_num_groups=settings.norm_num_groups,
        sample_size=image_size,
        mid_block_add_attention=False,
        scaling_factor=1.0,
        force_upcast=False,
    )


def train_autoencoder(
    images: ModelImages,
    settings: AutoencoderSettings,
    *,
    checkpoint: Path,
    processes: Any,
    progress: Progress = no_progress,
) -> tuple[torch.nn.Module, list[dict[str, float]]]:
    """Train on images read batch by batch, resuming from a checkpoint if there is one.

    The scaling factor, 1 / standard deviation of the members' latent means, is saved in
    the returned model's config.

    Args:
        images: (n, c, H, W) members in [-1, 1].
        settings: architecture and optimiser.
        checkpoint: where to resume from; written every minute and at the end.
        processes: from ``start_processes``; pieces of batches are shared out between them.
        progress: told of every epoch.

    Returns:
        The trained autoencoder on the process's device, its weights representable in
        float16, and one record per epoch ("epoch", "reconstruction", "kl", "seconds"): means
        over the epoch's batches.

    Source: the recipe of arXiv:2511.20592.  *Differs:* no dropout, which AutoencoderKL lacks.
    """
    autoencoder = new_autoencoder(settings, channels=images.shape[1], image_size=images.shape[2])
    autoencoder.to(processes.device)
    optimizer = torch.optim.AdamW(
        autoencoder.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    log: list[dict[str, float]] = []
    state = load_checkpoint(checkpoint)
    if state is not None:
        autoencoder.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        log = state["log"]
    saved = time.monotonic()
    for epoch in range(len(log), settings.epochs):
        progress(epoch, settings.epochs, "training the autoencoder")
        log.append(_run_epoch(autoencoder, optimizer, images, settings, epoch, processes))
        last = epoch + 1 == settings.epochs
        if processes.is_main_process and (last or time.monotonic() - saved > CHECKPOINT_SECONDS):
            state = {
                "model": autoencoder.state_dict(),
                "optimizer": optimizer.state_dict(),
                "log": log,
            }
            save_checkpoint(checkpoint, state)
            saved = time.monotonic()
    progress(settings.epochs, settings.epochs, "training the autoencoder")
    # Weights are stored in float16: everything from here on sees the stored values.
    autoencoder.half().float().eval()
    autoencoder.register_to_config(scaling_factor=scaling_factor(autoencoder, images, processes))
    return autoencoder, log


def _run_epoch(
    autoencoder: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    images: ModelImages,
    settings: AutoencoderSettings,
    epoch: int,
    processes: Any,
) -> dict[str, float]:
    """One pass over the images; returns the epoch's record."""
    start = time.monotonic()
    autoencoder.train()
    key = ("autoencoder-epoch", settings.seed, epoch)
    order = torch.randperm(len(images), generator=seeded_generator(*key))

    def piece_loss(rows: torch.Tensor, generator: torch.Generator | None):
        # Posteriors are drawn with torch's global generator, which is seeded with the piece's.
        reconstruction, kl = _losses(autoencoder, images[rows])
        return reconstruction + settings.kl_weight * kl, (reconstruction, kl)

    means = run_epoch(
        autoencoder,
        optimizer,
        order,
        piece_loss,
        settings,
        terms=("reconstruction", "kl"),
        key=key,
        processes=processes,
    )
    return {"epoch": epoch + 1, **means, "seconds": time.monotonic() - start}


def _losses(
    autoencoder: torch.nn.Module, images: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """L1 mean, and KL mean over samples and latent entries (diffusers' ``.kl()`` sums)."""
    posterior = autoencoder.encode(images).latent_dist
    decoded = autoencoder.decode(posterior.sample()).sample
    kl = 0.5 * (posterior.mean.square() + posterior.var - 1.0 - posterior.logvar)
    return (decoded - images).abs().mean(), kl.mean()
