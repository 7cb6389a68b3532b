"""``analyze STUDY``: latents, geometry and attack vectors, block by block, into the store."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

import ldviz
from ldviz.attacks import get_attack
from ldviz.attacks.statistic import masked_statistic, powered
from ldviz.errors import DataError, StudyError
from ldviz.metrics.roc import roc_auc
from ldviz.models import LatentDiffusionModel, load_model
from ldviz.models.digest import model_digest
from ldviz.progress import Progress, no_progress
from ldviz.study.blocks import (
    block_path,
    describe_block,
    read_block,
    read_key,
    write_atomically,
    write_block,
)
from ldviz.study.build.images import SplitImages, load_split
from ldviz.study.build.summaries import add_summaries
from ldviz.study.build.tasks import (
    Latents,
    Task,
    attack_task,
    data_task,
    estimate_task,
    latents_task,
    spectrum_task,
)
from ldviz.study.build.train import TrainingRecord, package_versions
from ldviz.study.recipe import Recipe
from ldviz.study.schema import (
    SCHEMA_VERSION,
    ArrayEntry,
    AttackEntry,
    DataEntry,
    GeometryEntry,
    MadeBy,
    Manifest,
    ModelEntry,
    manifest_digest,
)
from ldviz.study.store import Study, open_study

ATTACK = "sima"


@dataclass(frozen=True)
class Analysis:
    """Everything that an analysis starts from."""

    folder: Path
    recipe: Recipe
    record: TrainingRecord
    split: SplitImages
    model: LatentDiffusionModel
    model_sha256: str


def prepare_analysis(folder: Path, *, device: str | None = None) -> Analysis:
    """Read a trained folder: settings, weights and images, checked to be those trained on.

    Raises:
        StudyError: if the folder holds no finished training.
        DataError: if the images or the split are no longer the ones trained on.
        ModelError: if the weights cannot be read.
    """
    file = folder / "training.json"
    if not file.is_file():
        raise StudyError(
            f'"{folder}" holds no finished training (training.json). '
            "Run: python -m ldviz train NAME"
        )
    try:
        record = TrainingRecord.model_validate_json(file.read_text())
        recipe = Recipe.model_validate(record.recipe)
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise StudyError(
            f'"{file}" cannot be read: {error}. Restore it, or train again.'
        ) from error
    split = load_split(recipe.data, folder, device=device)
    for name, now, then in (
        ("images", split.images_sha256, record.images_sha256),
        ("split", split.split_sha256, record.split_sha256),
    ):
        if now != then:
            raise DataError(
                f'The {name} of "{recipe.name}" are not the ones that it was trained on '
                f"(SHA-256 {now[:12]}…, then {then[:12]}…). Membership would be meaningless; "
                "install the pinned requirements, or train again."
            )
    model = load_model(folder, image_shape=split.images.image_shape, device=device)
    return Analysis(folder, recipe, record, split, model, model_digest(folder))


def analyze_study(
    folder: Path, *, device: str | None = None, progress: Progress = no_progress
) -> Study:
    """Compute and store the whole analysis of a trained folder.

    Blocks that are there already and were computed from the same model, images and
    settings are kept, so a killed run continues, and losing at most one block.  Under
    ``accelerate launch`` each process owns every k-th block; blocks are computed alike
    whoever owns them, so the store does not depend on the number of processes.

    Args:
        folder: as left by ``train_study``.
        device: "cpu", "cuda", "mps"; None picks the best there is.
        progress: told after every block; may cancel.

    Returns:
        The finished study, opened.
    """
    from accelerate import PartialState

    processes = PartialState(cpu=device == "cpu")
    start = time.monotonic()
    analysis = prepare_analysis(folder, device=device)
    tasks = list_tasks(analysis)
    run_tasks(
        analysis,
        tasks,
        process=(processes.process_index, processes.num_processes),
        progress=progress,
    )
    processes.wait_for_everyone()
    if processes.is_main_process:
        finish_study(analysis, tasks, seconds=time.monotonic() - start)
        add_summaries(
            folder,
            analysis.recipe,
            analysis.split,
            analysis.model,
            device=device,
            progress=progress,
        )
    processes.wait_for_everyone()
    return open_study(folder)


def list_tasks(analysis: Analysis) -> list[Task]:
    """The parts of an analysis, in the order in which a block goes through them."""
    split, model, settings = analysis.split, analysis.model, analysis.recipe.analysis
    key = {
        "model": analysis.model_sha256,
        "images": split.images_sha256,
        "block_size": settings.block_size,
        "latents_dtype": settings.latents_dtype,
    }
    ids = split.images.sample_ids
    latents = Latents(model, split, settings.latents_dtype)
    estimate = [estimate_task(latents, model, settings, ids, key)]
    return [
        data_task(split, settings),
        latents_task(latents, model, settings, key),
        spectrum_task(latents, model, settings, key),
        *(estimate if settings.stores_estimate else []),
        *(
            attack_task(latents, model, ids, ATTACK, timestep, settings.seed, key)
            for timestep in settings.timesteps
        ),
    ]


def run_tasks(
    analysis: Analysis, tasks: list[Task], *, process: tuple[int, int], progress: Progress
) -> None:
    """Compute the blocks that this process owns and that are not there yet."""
    folder, block_size = analysis.folder, analysis.recipe.analysis.block_size
    rows = len(analysis.split.images)
    index, count = process
    mine = range(index, -(-rows // block_size), count)
    total = round(sum(task.cost for task in tasks) * 100 * len(mine))
    done = 0.0
    for block in mine:
        start, stop = block * block_size, min((block + 1) * block_size, rows)
        for task in tasks:

            def report(share: float, done: float = done, cost: float = task.cost) -> None:
                progress(round((done + share * cost) * 100), total, "analysing")

            report(0.0)
            if not _is_done(folder, task, block):
                arrays = task.compute(start, stop, report)
                for name, spec in task.arrays.items():
                    path = block_path(folder, name, block, spec.encoding)
                    write_block(path, arrays[name].astype(spec.dtype, copy=False), key=task.key)
            done += task.cost
    progress(total, total, "analysing")


def _is_done(folder: Path, task: Task, block: int) -> bool:
    """Whether every array of a task has this block, computed from the same inputs."""
    keyed = [name for name, spec in task.arrays.items() if spec.encoding == "safetensors"]
    sheets = [name for name, spec in task.arrays.items() if spec.encoding == "png"]
    return all(read_key(block_path(folder, name, block)) == task.key for name in keyed) and all(
        block_path(folder, name, block, "png").is_file() for name in sheets
    )


def finish_study(analysis: Analysis, tasks: list[Task], *, seconds: float) -> None:
    """Describe every block in the manifest, and drop arrays that no task made."""
    folder, recipe = analysis.folder, analysis.recipe
    rows = len(analysis.split.images)
    arrays: dict[str, ArrayEntry] = {}
    for task in tasks:
        for name, spec in task.arrays.items():
            blocks = range(-(-rows // recipe.analysis.block_size))
            arrays[name] = ArrayEntry(
                dtype=spec.dtype,
                shape=spec.shape,
                rows=rows,
                block_size=recipe.analysis.block_size,
                encoding=spec.encoding,
                blocks=tuple(
                    describe_block(block_path(folder, name, block, spec.encoding))
                    for block in blocks
                ),
            )
    for stale in (folder / "arrays").iterdir():
        if stale.name not in arrays:
            shutil.rmtree(stale)
    manifest = _manifest(analysis, arrays, seconds)
    content = manifest.model_dump(mode="json")
    content["digest"] = manifest_digest(content)
    text = Manifest.model_validate(content).model_dump_json(indent=1)
    write_atomically(folder / "manifest.json", text.encode())


def _manifest(analysis: Analysis, arrays: dict[str, ArrayEntry], seconds: float) -> Manifest:
    recipe, split, model = analysis.recipe, analysis.split, analysis.model
    settings, attack = recipe.analysis, get_attack(ATTACK)
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.name,
        title=recipe.title,
        description=recipe.description,
        num_samples=len(split.images),
        n_member=int(split.is_member.sum()),
        n_held_out=int((~split.is_member).sum()),
        image_shape=model.image_shape,
        latent_shape=model.latent_shape,
        data=DataEntry(
            source=recipe.data.source,
            settings=recipe.data.model_dump(mode="json"),
            images_sha256=split.images_sha256,
            split_sha256=split.split_sha256,
            num_skipped=0 if split.report is None else split.report.num_skipped,
            class_names=split.images.class_names,
            report=split.report,
        ),
        model=ModelEntry(
            sha256=analysis.model_sha256,
            scaling_factor=model.scaling_factor,
            shift_factor=model.shift_factor,
            prediction_type=model.scheduler.config.prediction_type,
            num_train_timesteps=model.num_train_timesteps,
            autoencoder_parameters=_parameter_count(model.autoencoder),
            denoiser_parameters=_parameter_count(model.denoiser),
        ),
        geometry=GeometryEntry(
            rank=settings.rank,
            num_probes=settings.num_probes if settings.stores_estimate else 0,
            seed=settings.seed,
            route="exact Jacobian",
        ),
        attacks={
            ATTACK: AttackEntry(
                version=attack.version,
                parameters=attack.parameters().model_dump(mode="json"),
                seed=settings.seed,
                timesteps=settings.timesteps,
            )
        },
        default_attack=ATTACK,
        default_timestep=_best_timestep(analysis, arrays),
        arrays=arrays,
        made_by=MadeBy(
            ldviz=ldviz.__version__,
            packages=package_versions(),
            device=str(model.device),
            recipe=analysis.record.recipe,
            train_seconds=analysis.record.seconds,
            analyze_seconds=round(seconds, 1),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )


def _best_timestep(analysis: Analysis, arrays: dict[str, ArrayEntry]) -> int:
    """The stored timestep at which the unmasked attack's AUC is highest."""
    attack = get_attack(ATTACK)
    aucs = {}
    for timestep in analysis.recipe.analysis.timesteps:
        task = f"{ATTACK}-t{timestep:04d}"
        entry = arrays[task]
        parts = [
            read_block(
                block_path(analysis.folder, task, index),
                block,
                rows=min(entry.block_size, entry.rows - index * entry.block_size),
                shape=entry.shape,
            )
            for index, block in enumerate(entry.blocks)
        ]
        statistic = masked_statistic(powered(np.concatenate(parts), attack), None)
        aucs[timestep] = float(roc_auc(analysis.split.is_member, -statistic))
    return max(aucs, key=aucs.__getitem__)


def _parameter_count(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
