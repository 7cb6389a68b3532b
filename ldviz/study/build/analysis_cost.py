"""What an analysis will cost, from a short trial of it; nothing is left on disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from ldviz.attacks import get_attack
from ldviz.data.settings import DataSettings
from ldviz.data.sources import SOURCES
from ldviz.progress import Progress, no_progress
from ldviz.study.build.analyze import list_tasks
from ldviz.study.build.images import PREPARED, few_images
from ldviz.study.build.prepare import (
    SETTINGS_FILE,
    Analysis,
    check_claim,
    prepare_analysis,
    prepare_own,
)
from ldviz.study.build.processes import start_processes
from ldviz.study.build.run import unfinished
from ldviz.study.build.tasks import Task
from ldviz.study.cost import Cost, free_bytes
from ldviz.study.recipe import Recipe

TRIAL_SAMPLES = 32
FILE_BYTES = 300
"""Of a block's file, beside its numbers."""
TRIAL_SECONDS = 3.0
"""How long a part of the trial should take; one sample of it is computed however long it takes."""


def analysis_cost(
    folder: Path, *, device: str | None = None, progress: Progress = no_progress
) -> Cost:
    """What ``analyze_study`` has still to do.

    Raises:
        StudyError, DataError, ModelError: as ``analyze_study``.
    """
    start_processes(device)
    analysis = prepare_analysis(folder, device=device, progress=progress)
    return _analysis_cost(analysis, folder, None, progress)


def own_cost(
    recipe: Recipe, folder: Path, *, device: str | None = None, progress: Progress = no_progress
) -> Cost:
    """What ``analyze_own`` has still to do.

    Of images that have not been read yet only a few are, into a temporary folder.

    Raises:
        InputError, ModelError, DataError, StudyError: as ``analyze_own``.
    """
    start_processes(device)
    check_claim(folder, recipe)
    if (folder / SETTINGS_FILE).is_file() and _is_prepared(recipe.data, folder):
        analysis = prepare_own(recipe, folder, device=device, progress=progress)
        return _analysis_cost(analysis, folder, None, progress)
    with TemporaryDirectory() as scratch:
        data, sizes = few_images(recipe.data, Path(scratch), TRIAL_SAMPLES)
        few = recipe.model_copy(update={"data": data})
        analysis = prepare_own(few, Path(scratch) / "study", device=device, progress=progress)
        return _analysis_cost(analysis, folder, sizes and sizes[0], progress)


def _is_prepared(data: DataSettings, folder: Path) -> bool:
    return not data.is_own or (folder / PREPARED / "index.json").is_file()


def _analysis_cost(analysis: Analysis, folder: Path, count: int | None, progress: Progress) -> Cost:
    """``count``: samples of the study, where the analysis holds only a few of them."""
    processes = start_processes(None)
    tasks, settings = list_tasks(analysis), analysis.recipe.analysis
    rows = len(analysis.split.images) if count is None else count
    left = [rows] * len(tasks)
    if count is None:
        left = _rows_left(folder, tasks, rows, settings.block_size)
    trial = min(TRIAL_SAMPLES, len(analysis.split.images), settings.block_size)
    seconds = _trial(tasks, trial, progress)
    passes = {
        name: sum(
            getattr(task, f"{name}_passes") * todo for task, todo in zip(tasks, left, strict=True)
        )
        for name in ("encoder", "decoder", "denoiser")
    }
    everything = sum(task.passes for task in tasks) * rows
    finished = 1 - sum(t.passes * todo for t, todo in zip(tasks, left, strict=True)) / everything
    time_left = (
        sum(s * todo for s, todo in zip(seconds, left, strict=True)) / processes.num_processes
    )
    # What the main process adds alone, at the rate of the parts that it resembles.
    more = _summary_passes(analysis, rows)
    for name, number in more.items():
        passes[name] += number
        time_left += number * _seconds_per_pass(tasks, seconds, name)
    return Cost(
        samples=rows,
        passes=passes,
        disk_bytes=_disk_bytes(analysis, tasks, left, rows),
        free_bytes=free_bytes(folder),
        seconds=time_left,
        trial_samples=trial,
        device=str(analysis.model.device),
        processes=processes.num_processes,
        finished=finished,
    )


def _rows_left(folder: Path, tasks: list[Task], rows: int, block_size: int) -> list[int]:
    """Per task, rows of the blocks that are not there yet."""
    left = [0] * len(tasks)
    for block in range(-(-rows // block_size)):
        for index in unfinished(folder, tasks, block):
            left[index] += min(block_size, rows - block * block_size)
    return left


def _trial(tasks: list[Task], samples: int, progress: Progress) -> list[float]:
    """Seconds per sample of every task; those of the same passes are measured once."""
    measured: dict[tuple[float, float, float], float] = {}
    seconds = []
    for number, task in enumerate(tasks):
        progress(number, len(tasks), "trying")
        kind = (task.encoder_passes, task.decoder_passes, task.denoiser_passes)
        if kind not in measured:
            # The first pass sets things up, and is not counted.
            first = _seconds(lambda task=task: task.compute(0, 1, _report))
            some = max(1, min(samples, round(TRIAL_SECONDS / max(first, 1e-9))))
            measured[kind] = _seconds(lambda task=task, n=some: task.compute(0, n, _report)) / some
        seconds.append(measured[kind])
    progress(len(tasks), len(tasks), "trying")
    return seconds


def _report(share: float) -> None:
    """Nobody is told how far a trial is."""


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _seconds_per_pass(tasks: list[Task], seconds: list[float], name: str) -> float:
    """Of one model, over the tasks that use no other."""
    alone = [
        (second, task.passes)
        for task, second in zip(tasks, seconds, strict=True)
        if getattr(task, f"{name}_passes") == task.passes
    ]
    total = sum(passes for _, passes in alone)
    return sum(second for second, _ in alone) / total if total else 0.0


def _summary_passes(analysis: Analysis, rows: int) -> dict[str, float]:
    """Of the attacks whose ranks alone are stored, and of further held-out images."""
    settings = analysis.recipe.analysis
    passes = {"encoder": 0.0, "decoder": 0.0, "denoiser": 0.0}
    if not analysis.has_denoiser:
        return passes
    for name, timesteps in settings.ranks.items():
        attack = get_attack(name)
        parameters = attack.parameters()
        for timestep in timesteps if attack.has_timesteps else (None,):
            passes["denoiser"] += rows * attack.queries(timestep, parameters)
    source = SOURCES.get(analysis.recipe.data.source)
    if source is not None and source.load_further is not None and settings.scores_further:
        number = rows + len(source.load_further(analysis.recipe.data.image_size))
        passes["encoder"] += number
        passes["decoder"] += 2.0 * settings.num_probes * number
        passes["denoiser"] += number
    return passes


def _disk_bytes(analysis: Analysis, tasks: list[Task], left: list[int], rows: int) -> int:
    settings = analysis.recipe.analysis
    image = int(np.prod(analysis.model.image_shape))
    drawn = left[0] * image if settings.stores_images else 0
    prepared = rows * image if analysis.recipe.data.is_own and left[0] == rows else 0
    arrays = sum(
        task.bytes_per_sample * todo
        + len(task.arrays) * FILE_BYTES * -(-todo // settings.block_size)
        for task, todo in zip(tasks, left, strict=True)
    )
    return arrays + drawn + prepared
