"""Start, find and cancel jobs.  Imports no torch: the work runs in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

from pydantic import BaseModel

from ldviz.attacks import get_attack
from ldviz.jobs.record import (
    JobRecord,
    cancel_path,
    jobs_folder,
    load_record,
    record_path,
    save_record,
)
from ldviz.study.store import Study
from ldviz.study.vectors import vectors_key

_lock = threading.Lock()


def start_vectors(
    study: Study,
    attack_name: str,
    timestep: int | None,
    *,
    parameters: BaseModel | None = None,
    seed: int = 0,
    plugins: tuple[str, ...] = (),
) -> JobRecord:
    """Compute an attack's vectors in the background, or join a job that already does.

    Args:
        study, attack_name, timestep, parameters, seed: as ``attack_vectors``.
        plugins: modules to import first, for attacks that are not ldviz's own.

    Returns:
        The job's record; poll it with ``load_record(record.key)``.

    Raises:
        InputError: for an unknown attack or a timestep that it is not defined at.
    """
    attack = get_attack(attack_name)
    parameters = attack.parameters() if parameters is None else parameters
    timestep = attack.checked_timestep(timestep, study.manifest.model.num_train_timesteps)
    return start_job(
        vectors_key(study, attack, timestep, parameters, seed),
        "vectors",
        {
            "study": str(study.path.resolve()),
            "attack": attack_name,
            "timestep": timestep,
            "parameters": parameters.model_dump(mode="json"),
            "seed": seed,
            "plugins": list(plugins),
        },
        model=study.manifest.model.sha256,
    )


def start_job(key: str, kind: str, arguments: dict[str, Any], *, model: str) -> JobRecord:
    """Start a process for a job unless one with this key is under way."""
    with _lock:
        present = load_record(key)
        if present is not None and not present.finished:
            return present
        cancel_path(key).unlink(missing_ok=True)
        record = JobRecord(
            key=key, kind=kind, arguments=arguments, model=model, started=time.time()
        )
        save_record(record)
        log = (jobs_folder() / f"{key}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ldviz.jobs.worker", str(record_path(key))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        record = record.model_copy(update={"pid": process.pid})
        if (load_record(key) or record).state == "waiting":
            save_record(record)
        # A child nobody waits for would stay a zombie and look alive.
        threading.Thread(target=process.wait, daemon=True).start()
        return record


def cancel_job(key: str) -> None:
    """Ask a job to stop at its next step; unfinished results are dropped."""
    jobs_folder().mkdir(parents=True, exist_ok=True)
    cancel_path(key).touch()
