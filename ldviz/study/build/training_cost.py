"""What a training will cost, from a short trial of it; nothing is left on disk."""

from __future__ import annotations

import math
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from ldviz.data.images import ImageSet
from ldviz.progress import Progress, no_progress
from ldviz.study.build.autoencoder import train_autoencoder
from ldviz.study.build.denoiser import train_denoiser
from ldviz.study.build.images import ModelImages, SplitImages, few_images, load_split
from ldviz.study.build.latents import LatentRows, encoded
from ldviz.study.build.processes import start_processes
from ldviz.study.build.train import check_trainable, new_model, sima_curve
from ldviz.study.cost import Cost, free_bytes
from ldviz.study.recipe import Recipe


def training_cost(
    recipe: Recipe, folder: Path, *, device: str | None = None, progress: Progress = no_progress
) -> Cost:
    """What ``train_study`` does, from the start and to the last epoch.

    Two epochs of two batches each are trained in a temporary folder.

    Raises:
        InputError, DataError: as ``train_study``.
    """
    check_trainable(recipe)
    processes = start_processes(device)
    with TemporaryDirectory() as scratch:
        several = 4 * max(recipe.autoencoder.batch_size, recipe.denoiser.batch_size)
        data, sizes = few_images(recipe.data, Path(scratch), several)
        split = load_split(data, Path(scratch) / "study", device=device, progress=progress)
        rows, members = sizes or (len(split.images), int(split.is_member.sum()))
        seconds, parameters, latent_dim, trial = _train_a_little(
            recipe, split, Path(scratch), processes, progress
        )
    settings, selection = recipe.denoiser, recipe.selection
    evaluations = -(-settings.epochs // selection.evaluate_every)
    passes = {
        "autoencoder": float(members * recipe.autoencoder.epochs),
        "denoiser": float(members * settings.epochs)
        + float(evaluations * len(selection.timesteps) * rows),
    }
    image = int(np.prod(split.images.image_shape))
    # Stored in half precision, checkpoints in single with the optimiser's two moments.
    weights = sum(parameters) * (2 + 3 * 4) + parameters[1] * 2
    # While the denoiser is trained: latents, and an epoch's noise where batches are not cut.
    working = 4 * latent_dim * (rows + (members if settings.shards == 1 else 0))
    return Cost(
        samples=rows,
        passes=passes,
        disk_bytes=weights + working + (rows * image if recipe.data.is_own else 0),
        free_bytes=free_bytes(folder),
        seconds=seconds["autoencoder"] * members * recipe.autoencoder.epochs
        + seconds["denoiser"] * members * settings.epochs
        + seconds["evaluation"] * rows * evaluations,
        trial_samples=trial,
        device=processes.device.type,
        processes=processes.num_processes,
    )


def _train_a_little(
    recipe: Recipe, split: SplitImages, scratch: Path, processes: Any, progress: Progress
) -> tuple[dict[str, float], tuple[int, int], int, int]:
    """Seconds per sample of each part, parameters of both models, latent size, samples used."""
    several = 2 * max(recipe.autoencoder.batch_size, recipe.denoiser.batch_size)
    rows = np.flatnonzero(split.is_member)[:several]
    images = ModelImages(split.images, rows, device=processes.device)
    autoencoder, first_log = train_autoencoder(
        images,
        recipe.autoencoder.model_copy(update={"epochs": 2}),
        checkpoint=scratch / "autoencoder.pt",
        processes=processes,
        progress=progress,
    )
    means = torch.cat(list(encoded(autoencoder, images)))
    # Each process has a scratch folder of its own, which the others may not see.
    scaled = (means * autoencoder.config.scaling_factor).cpu().numpy()
    latents = LatentRows(scaled, device=processes.device)
    taken = 0.0

    def evaluate(denoiser: torch.nn.Module) -> dict[str, Any]:
        nonlocal taken
        model = new_model(autoencoder, denoiser, recipe, images, processes.device)
        # Who is a member does not change the time: half of these few stand for each side.
        few = ImageSet(split.images.pixels[rows], split.images.sample_ids[rows])
        half = SplitImages(few, np.arange(len(rows)) % 2 == 0)
        start = time.perf_counter()
        record = sima_curve(model, latents, half, recipe.selection.timesteps, processes)
        taken = time.perf_counter() - start
        denoiser.requires_grad_(True)
        return record

    denoiser, second_log, _ = train_denoiser(
        latents,
        recipe.denoiser.model_copy(update={"epochs": 2, "decay_epochs": 0}),
        recipe.selection.model_copy(update={"evaluate_every": 2}),
        evaluate=evaluate,
        checkpoint=scratch / "denoiser.pt",
        processes=processes,
        progress=progress,
    )
    seconds = {
        "autoencoder": first_log[-1]["seconds"] / len(rows),
        "denoiser": second_log[-1]["seconds"] / len(rows),
        "evaluation": taken / len(rows),
    }
    sizes = tuple(
        sum(weights.numel() for weights in model.parameters()) for model in (autoencoder, denoiser)
    )
    return seconds, sizes, math.prod(latents.shape[1:]), len(rows)
