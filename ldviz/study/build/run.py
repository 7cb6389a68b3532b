"""The blocks of an analysis: which are missing, who computes them, and that they stay whole."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ldviz.errors import StudyError
from ldviz.progress import Progress
from ldviz.study.blocks import BlockState, block_path, block_state, remove_partials, write_block
from ldviz.study.build.processes import gathered, start_processes
from ldviz.study.build.tasks import Task

_log = logging.getLogger(__name__)


def run_tasks(
    folder: Path,
    tasks: list[Task],
    *,
    rows: int,
    block_size: int,
    device: str | None,
    progress: Progress,
) -> None:
    """Compute every block that is not there yet; several processes share them.

    First each process looks through its share of the blocks, then all know which are
    missing, and each takes every k-th of those.  So a continued run is shared as evenly as
    one that starts anew, whatever each process had done before.

    Args:
        folder: the study's.
        tasks: the parts of the analysis, in the order in which a block goes through them.
        rows, block_size: of every array.
        device: where the processes compute.
        progress: told of passes of the models, of those that this process has to make.

    Raises:
        StudyError: if the disk is full or the folder vanishes; finished blocks stay.
    """
    processes = start_processes(device)
    # Each process has written what describes the study, before leftovers are cleared away.
    processes.wait_for_everyone()
    arrays = folder / "arrays"
    if processes.is_main_process:
        arrays.mkdir(exist_ok=True)
        remove_partials(folder)
    processes.wait_for_everyone()
    count = -(-rows // block_size)
    share = range(processes.process_index, count, processes.num_processes)
    found = [(block, unfinished(folder, tasks, block)) for block in share]
    missing = sorted(pair for pair in gathered(processes, found) if pair[1])
    if processes.is_main_process:
        _check_room(folder, tasks, missing, rows, block_size)
    mine = [
        (min(block_size, rows - block * block_size) * tasks[index].passes, block, index)
        for block, todo in missing[processes.process_index :: processes.num_processes]
        for index in todo
    ]
    total, done = max(1, round(sum(cost for cost, _, _ in mine))), 0.0
    for cost, block, index in mine:

        def report(share: float, done: float = done, cost: float = cost) -> None:
            progress(round(done + share * cost), total, "analysing")

        report(0.0)
        start, stop = block * block_size, min((block + 1) * block_size, rows)
        _compute_block(folder, tasks[index], block, (start, stop), report)
        done += cost
    progress(total, total, "analysing")


def unfinished(folder: Path, tasks: list[Task], block: int) -> list[int]:
    """Which tasks have to be computed for a block; one that was damaged is named in the log."""
    todo = []
    for index, task in enumerate(tasks):
        states = {
            path: block_state(path, task.key)
            for name, spec in task.arrays.items()
            for path in [block_path(folder, name, block, spec.encoding)]
        }
        for path, state in states.items():
            if state == "damaged":
                _log.warning(
                    'The block "%s" has changed since it was written; it is computed anew.', path
                )
        wanted: set[BlockState] = {"whole"}
        if set(states.values()) != wanted:
            todo.append(index)
    return todo


def _compute_block(folder: Path, task: Task, block: int, rows: tuple[int, int], report) -> None:
    arrays = task.compute(*rows, report)
    for name, spec in task.arrays.items():
        if not (folder / "arrays").is_dir():
            raise StudyError(
                f'The folder "{folder}" has vanished while it was written to: deleted, renamed, or '
                "its disk is gone. Restore it and run the same command again; what is finished in "
                "it is kept."
            )
        path = block_path(folder, name, block, spec.encoding)
        write_block(path, arrays[name].astype(spec.dtype, copy=False), key=task.key)


def _check_room(
    folder: Path,
    tasks: list[Task],
    missing: list[tuple[int, list[int]]],
    rows: int,
    block_size: int,
) -> None:
    """Refuse now what would fill the disk in hours.  Images are not counted: they compress."""
    needed = sum(
        min(block_size, rows - block * block_size) * tasks[index].bytes_per_sample
        for block, todo in missing
        for index in todo
    )
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StudyError(
            f'The blocks still to be written need {needed / 1e9:,.2f} GB in "{folder}", where '
            f"{free / 1e9:,.2f} GB are free. Make room, or store fewer timesteps, and run again."
        )
