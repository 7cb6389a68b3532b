"""``train NAME``: the autoencoder, then the denoiser, from a recipe to a folder of weights."""

from __future__ import annotations

import io
import json
import math
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel
from safetensors import SafetensorError

from ldviz.attacks import get_attack
from ldviz.attacks.statistic import masked_statistic, powered
from ldviz.data.images import to_model_range, to_pixels
from ldviz.data.report import ImageReport
from ldviz.errors import DataError, InputError, ModelError, StudyError
from ldviz.metrics.roc import roc_auc
from ldviz.models import LatentDiffusionModel, LatentModel
from ldviz.progress import Progress, no_progress
from ldviz.study.blocks import write_atomically
from ldviz.study.build.autoencoder import train_autoencoder
from ldviz.study.build.denoiser import NOISE_FILE, new_scheduler, train_denoiser
from ldviz.study.build.images import ModelImages, SplitImages, load_split
from ldviz.study.build.latents import LatentRows, stored_latents
from ldviz.study.build.processes import gathered, start_processes
from ldviz.study.build.shards import say_who_waits
from ldviz.study.build.vectors import compute_vectors, denoiser_batch
from ldviz.study.recipe import Recipe, recipe_names

PACKAGES = ("torch", "diffusers", "accelerate", "numpy", "scikit-learn", "pillow", "safetensors")
SHEET_IMAGES = 64
LATENTS_FILE = "latents.bin"
"""In ``.training``, while the denoiser is trained."""


class TrainingRecord(BaseModel):
    """What ``train`` leaves beside the weights, in ``training.json``."""

    recipe: dict[str, Any]
    images_sha256: str
    split_sha256: str
    device: str
    packages: dict[str, str]
    seconds: float
    finished: str
    autoencoder_log: list[dict[str, float]]
    denoiser_log: list[dict[str, float]]
    evaluations: list[dict[str, Any]]
    images: ImageReport | None = None


def package_versions() -> dict[str, str]:
    """Versions of the packages that the numbers depend on."""
    return {name: version(name) for name in PACKAGES}


def train_study(
    recipe: Recipe, folder: Path, *, device: str | None = None, progress: Progress = no_progress
) -> TrainingRecord:
    """Train both models of a study and save them in diffusers' folder layout.

    Resumes from ``folder/.training`` if it was interrupted; settings that differ from those
    of the interrupted run are refused.

    Args:
        recipe: all settings.
        folder: the study's folder, made if missing.
        device: "cpu", "cuda" ...; None lets Accelerate choose.
        progress: told of every epoch.

    Returns:
        The record that is also written to ``training.json``.

    Raises:
        ModelError: if the folder holds a run with other settings.
        InputError: if the recipe names a model that is there already.
        DataError: if the images cannot be read, or changed while training was interrupted.
        StudyError: if the disk is full or the folder has vanished; checkpoints are kept.
    """
    check_trainable(recipe)
    start = time.monotonic()
    processes = start_processes(device)
    # Of cuDNN's algorithms only those that give the same bits every time.
    torch.backends.cudnn.deterministic = True
    work = folder / ".training"
    _check_claim(work, recipe)
    split = load_split(recipe.data, folder, device=device, progress=progress)
    _claim(work, recipe, split)
    say_who_waits(recipe, processes)
    everything = ModelImages(split.images, device=processes.device)
    member_rows = np.flatnonzero(split.is_member)

    autoencoder, autoencoder_log = train_autoencoder(
        ModelImages(split.images, member_rows, device=processes.device),
        recipe.autoencoder,
        checkpoint=work / "autoencoder.pt",
        processes=processes,
        progress=progress,
    )
    latents = stored_latents(work / LATENTS_FILE, autoencoder, everything, processes)

    def evaluate(denoiser: torch.nn.Module) -> dict[str, Any]:
        model = new_model(autoencoder, denoiser, recipe, everything, processes.device)
        record = sima_curve(model, latents, split, recipe.selection.timesteps, processes)
        denoiser.requires_grad_(True)
        return record

    denoiser, denoiser_log, evaluations = train_denoiser(
        latents.only(member_rows),
        recipe.denoiser,
        recipe.selection,
        evaluate=evaluate,
        checkpoint=work / "denoiser.pt",
        processes=processes,
        progress=progress,
    )
    record = TrainingRecord(
        recipe=recipe.model_dump(mode="json"),
        images_sha256=split.images_sha256,
        split_sha256=split.split_sha256,
        device=processes.device.type,
        packages=package_versions(),
        seconds=sum(entry["seconds"] for entry in [*autoencoder_log, *denoiser_log]),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        autoencoder_log=autoencoder_log,
        denoiser_log=denoiser_log,
        evaluations=evaluations,
        images=split.report,
    )
    if processes.is_main_process:
        model = new_model(autoencoder, denoiser, recipe, everything, processes.device)
        try:
            _save(folder, model, split, record)
        except (OSError, SafetensorError) as error:
            raise StudyError(
                f'The models cannot be written to "{folder}": {error}. The last checkpoint is '
                "kept; make room or restore the folder, then run the same command again."
            ) from error
    processes.wait_for_everyone()
    if processes.is_main_process:
        for name in (LATENTS_FILE, NOISE_FILE):
            (work / name).unlink(missing_ok=True)
    progress(1, 1, f"trained in {time.monotonic() - start:.0f} s")
    return record


def check_trainable(recipe: Recipe) -> None:
    """Raise InputError if a recipe names a model that is there already."""
    if recipe.autoencoder is None:
        place = "an object in Python" if recipe.model is None else recipe.model.source
        images = recipe.name if recipe.name in recipe_names() else recipe.data.place
        raise InputError(
            f'The recipe "{recipe.name}" names a model that is there already '
            f"({place}), so there is nothing to train. "
            f"Run: python -m ldviz analyze path/to/model --images {images}"
        )


def new_model(
    autoencoder: Any, denoiser: Any, recipe: Recipe, images: ModelImages, device: torch.device
) -> LatentDiffusionModel:
    """Both models of a recipe, as they are now, behind one door."""
    return LatentDiffusionModel(
        autoencoder,
        denoiser,
        new_scheduler(recipe.denoiser),
        image_shape=tuple(images.shape[1:]),
        device=device,
    )


@torch.no_grad()
def sima_curve(
    model: LatentDiffusionModel,
    latents: LatentRows,
    split: SplitImages,
    timesteps: tuple[int, ...],
    processes: Any,
) -> dict[str, Any]:
    """SimA's unmasked AUC at every timestep: {"timesteps", "auc", "best_auc"}.

    Each timestep is the work of one process, which tells the others.
    """
    attack = get_attack("sima")
    batch = denoiser_batch(math.prod(latents.shape[1:]))
    statistic = np.empty(len(latents))
    mine = []
    for timestep in timesteps[processes.process_index :: processes.num_processes]:
        for start in range(0, len(latents), batch):
            rows = slice(start, start + batch)
            ids = split.images.sample_ids[rows]
            vectors = compute_vectors(model, latents[rows], ids, attack, timestep)
            statistic[rows] = masked_statistic(powered(vectors, attack))
        mine.append((timestep, float(roc_auc(split.is_member, -statistic))))
    found = dict(gathered(processes, mine))
    aucs = [found[timestep] for timestep in timesteps]
    return {"timesteps": list(timesteps), "auc": aucs, "best_auc": max(aucs)}


def _check_claim(work: Path, recipe: Recipe) -> None:
    """Refuse to resume a run with settings other than its own."""
    file = work / "recipe.json"
    if file.is_file() and file.read_text() != _recipe_text(recipe):
        raise ModelError(
            f'"{work.parent}" holds an interrupted training with other settings. Give the recipe '
            f'it began with ("{file}" holds its settings) as a .toml file to continue it, choose '
            f'another folder with --out, or delete "{work}" to start anew.'
        )


def _claim(work: Path, recipe: Recipe, split: SplitImages) -> None:
    """Remember the settings and the images of a run; refuse to resume one with other images."""
    file = work / "images.sha256"
    digests = f"{split.images_sha256} {split.split_sha256}"
    if file.is_file() and file.read_text() != digests:
        raise DataError(
            f'The images of "{recipe.name}" have changed since its training was interrupted, so '
            f'it cannot be continued. Bring them back, or delete "{work}" to start anew.'
        )
    write_atomically(work / "recipe.json", _recipe_text(recipe).encode())
    write_atomically(file, digests.encode())


def _recipe_text(recipe: Recipe) -> str:
    return json.dumps(recipe.model_dump(mode="json"), indent=1, sort_keys=True)


def _save(
    folder: Path, model: LatentDiffusionModel, split: SplitImages, record: TrainingRecord
) -> None:
    """Weights in float16, which holds them exactly, sheets and the record."""
    for part, module in (("vae", model.autoencoder), ("unet", model.denoiser)):
        module.half().save_pretrained(folder / part, safe_serialization=True)
        module.float()
    model.scheduler.save_pretrained(folder / "scheduler")
    save_sheets(folder / "sheets", model, split)
    write_atomically(folder / "training.json", record.model_dump_json(indent=1).encode())


@torch.no_grad()
def save_sheets(folder: Path, model: LatentDiffusionModel, split: SplitImages) -> None:
    """``reconstructions.png`` and ``samples.png``, drawn by the model."""
    save_reconstructions(folder, model, split)
    samples = to_pixels(model.sample(SHEET_IMAGES, seed=0).cpu().numpy())
    _save_sheet(samples, folder / "samples.png")


@torch.no_grad()
def save_reconstructions(folder: Path, model: LatentModel, split: SplitImages) -> None:
    """``reconstructions.png``: held-out images above what decoding their latents gives back.

    Eight by four of them, fewer where they are large.
    """
    _, height, width = model.image_shape
    columns, lines = min(8, max(2, 512 // width)), min(4, max(1, 256 // height))
    rows = np.flatnonzero(~split.is_member)
    rows = rows[np.linspace(0, len(rows) - 1, columns * lines).astype(int)]
    pixels = split.images.pixels[rows]
    images = torch.from_numpy(to_model_range(pixels)).to(model.device)
    decoded = to_pixels(model.decode(model.encode(images)).cpu().numpy())
    shape = (lines, columns, *pixels.shape[1:])
    pairs = np.stack([pixels.reshape(shape), decoded.reshape(shape)], 1)
    _save_sheet(pairs.reshape(-1, *pixels.shape[1:]), folder / "reconstructions.png", columns)


def _save_sheet(images: np.ndarray, path: Path, columns: int = 8) -> None:
    """(n, H, W, c) images, n a multiple of ``columns``, as one PNG without gaps."""
    count, height, width, channels = images.shape
    grid = images.reshape(count // columns, columns, height, width, channels)
    grid = grid.transpose(0, 2, 1, 3, 4).reshape(-1, columns * width, channels)
    content = io.BytesIO()
    Image.fromarray(grid.squeeze(-1) if channels == 1 else grid).save(content, "PNG")
    write_atomically(path, content.getvalue())
