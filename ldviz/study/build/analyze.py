"""``analyze``: latents, geometry and attack vectors, block by block, into the store."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import ldviz
from ldviz.attacks import get_attack
from ldviz.attacks.statistic import masked_statistic, powered
from ldviz.geometry.memory import kept_memory
from ldviz.metrics.roc import roc_auc
from ldviz.models import LatentModel
from ldviz.progress import Progress, no_progress
from ldviz.study.blocks import (
    block_path,
    describe_block,
    read_block,
    write_atomically,
)
from ldviz.study.build.images import SplitImages
from ldviz.study.build.prepare import Analysis, prepare_analysis, prepare_own
from ldviz.study.build.processes import start_processes
from ldviz.study.build.run import run_tasks
from ldviz.study.build.summaries import add_summaries
from ldviz.study.build.tasks import (
    Latents,
    Task,
    attack_task,
    data_task,
    estimate_task,
    is_exact,
    latents_task,
    leading_spectrum_task,
    spectrum_task,
)
from ldviz.study.build.train import package_versions, save_reconstructions
from ldviz.study.recipe import Recipe
from ldviz.study.schema import (
    SCHEMA_VERSION,
    ArrayEntry,
    AttackEntry,
    DataEntry,
    GeometryEntry,
    MadeBy,
    Manifest,
    manifest_digest,
)
from ldviz.study.store import Study, open_study

ATTACK = "sima"


def analyze_study(
    folder: Path, *, device: str | None = None, progress: Progress = no_progress
) -> Study:
    """Compute and store the whole analysis of a folder that ``train`` or ``analyze`` left.

    Blocks that are there already and were computed from the same model, images and
    settings are kept, so a killed run continues, losing at most one block.  Under
    ``accelerate launch`` each process owns every k-th of the missing blocks; blocks are
    computed alike whoever owns them, so the store does not depend on the number of processes.

    Args:
        folder: as left by ``train_study``, or by an earlier ``analyze_own``.
        device: "cpu", "cuda", "mps"; None picks the best there is.
        progress: told after every block; may cancel.

    Returns:
        The finished study, opened.
    """
    start = time.monotonic()
    start_processes(device)
    analysis = prepare_analysis(folder, device=device, progress=progress)
    return _compute(analysis, start, device, progress)


def analyze_own(
    recipe: Recipe,
    folder: Path,
    *,
    model: LatentModel | None = None,
    split: SplitImages | None = None,
    device: str | None = None,
    progress: Progress = no_progress,
) -> Study:
    """Compute and store the whole analysis of a model and images of one's own.

    Continues, and is split over processes, as ``analyze_study``.

    Args:
        recipe: names the model and the images; without a denoiser only geometry is computed.
        folder: of the study, made if missing.
        model: a Python object that follows :class:`ldviz.models.protocol.LatentModel`, in
            place of ``recipe.model``.
        split: images in memory, in place of ``recipe.data``.
        device: "cpu", "cuda", "mps"; None picks the best there is.
        progress: told after every block; may cancel.

    Returns:
        The finished study, opened.

    Raises:
        InputError, ModelError, DataError, StudyError: see ``prepare_own``; nothing is left
            behind then.
    """
    start = time.monotonic()
    start_processes(device)
    analysis = prepare_own(
        recipe, folder, model=model, split=split, device=device, progress=progress
    )
    return _compute(analysis, start, device, progress)


@kept_memory()
def _compute(analysis: Analysis, start: float, device: str | None, progress: Progress) -> Study:
    """Every block that is missing, then the manifest."""
    processes, folder = start_processes(device), analysis.folder
    tasks = list_tasks(analysis)
    run_tasks(
        folder,
        tasks,
        rows=len(analysis.split.images),
        block_size=analysis.recipe.analysis.block_size,
        device=device,
        progress=progress,
    )
    processes.wait_for_everyone()
    if processes.is_main_process:
        finish_study(analysis, tasks, seconds=time.monotonic() - start)
        if analysis.record is None:
            save_reconstructions(folder / "sheets", analysis.model, analysis.split)
        if analysis.has_denoiser:
            add_summaries(
                folder,
                _without_further(analysis),
                analysis.split,
                analysis.model,
                device=device,
                progress=progress,
            )
        _remove_stale(folder)
    processes.wait_for_everyone()
    return open_study(folder)


def _remove_stale(folder: Path) -> None:
    """Drop arrays of earlier settings, which the manifest does not name."""
    arrays = open_study(folder).manifest.arrays
    for stale in (folder / "arrays").iterdir():
        if stale.name not in arrays:
            shutil.rmtree(stale)


def _without_further(analysis: Analysis) -> Recipe:
    """The settings; further images are not scored where they have no caption or class to tell."""
    recipe = analysis.recipe
    if analysis.conditioning is None:
        return recipe
    fewer = recipe.analysis.model_copy(update={"scores_further": False})
    return recipe.model_copy(update={"analysis": fewer})


def list_tasks(analysis: Analysis) -> list[Task]:
    """The parts of an analysis, in the order in which a block goes through them."""
    split, model, settings = analysis.split, analysis.model, analysis.recipe.analysis
    key = {
        "model": analysis.entry.sha256,
        "images": split.images_sha256,
        "block_size": settings.block_size,
        "latents_dtype": settings.latents_dtype,
    }
    ids = split.images.sample_ids
    latents = Latents(model, split, settings.latents_dtype)
    tasks = [data_task(split, settings), latents_task(latents, model, settings, key)]
    if is_exact(model):
        tasks.append(spectrum_task(latents, model, settings, key))
        if settings.stores_estimate:
            tasks.append(estimate_task(latents, model, settings, ids, key))
    else:
        tasks.append(leading_spectrum_task(latents, model, settings, ids, key))
    if not analysis.has_denoiser:
        return tasks
    told = analysis.conditioning_sha256
    attack_key = key if told is None else key | {"conditioning": told}
    return tasks + [
        attack_task(
            latents,
            model,
            ids,
            ATTACK,
            get_attack(ATTACK).checked_timestep(timestep, model.num_train_timesteps),
            settings.seed,
            attack_key,
            analysis.conditioning,
        )
        for timestep in settings.timesteps
    ]


def finish_study(analysis: Analysis, tasks: list[Task], *, seconds: float) -> None:
    """Describe every block in the manifest."""
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
                    describe_block(block_path(folder, name, block, spec.encoding), task.key)
                    for block in blocks
                ),
            )
    manifest = _manifest(analysis, arrays, seconds)
    content = manifest.model_dump(mode="json")
    content["digest"] = manifest_digest(content)
    text = Manifest.model_validate(content).model_dump_json(indent=1)
    write_atomically(folder / "manifest.json", text.encode())


def _manifest(analysis: Analysis, arrays: dict[str, ArrayEntry], seconds: float) -> Manifest:
    recipe, split, model = analysis.recipe, analysis.split, analysis.model
    settings, attack, record = recipe.analysis, get_attack(ATTACK), analysis.record
    exact = is_exact(model)
    estimates = settings.stores_estimate or not exact
    attacks = {
        ATTACK: AttackEntry(
            version=attack.version,
            parameters=attack.parameters().model_dump(mode="json"),
            seed=settings.seed,
            timesteps=settings.timesteps,
        )
    }
    if not analysis.has_denoiser:
        attacks = {}
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
        model=analysis.entry,
        geometry=GeometryEntry(
            rank=settings.rank,
            num_probes=settings.num_probes if estimates else 0,
            seed=settings.seed,
            route="exact Jacobian" if exact else "random projection",
            method="exact" if exact else "randomized",
        ),
        attacks=attacks,
        default_attack=ATTACK if attacks else None,
        default_timestep=_best_timestep(analysis, arrays) if attacks else None,
        arrays=arrays,
        made_by=MadeBy(
            ldviz=ldviz.__version__,
            packages=package_versions(),
            device=str(model.device),
            recipe=recipe.model_dump(mode="json") if record is None else record.recipe,
            train_seconds=None if record is None else record.seconds,
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
        parts = []
        for index, block in enumerate(entry.blocks):
            vectors = read_block(
                block_path(analysis.folder, task, index),
                block,
                rows=min(entry.block_size, entry.rows - index * entry.block_size),
                shape=entry.shape,
            )
            parts.append(masked_statistic(powered(vectors, attack), None))
        aucs[timestep] = float(roc_auc(analysis.split.is_member, -np.concatenate(parts)))
    return max(aucs, key=aucs.__getitem__)
