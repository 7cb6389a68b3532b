"""A job's state on disk, so that any session, and the next server, can see it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ldviz.errors import StudyError
from ldviz.study.blocks import write_atomically
from ldviz.study.places import cache_folder

State = Literal["waiting", "running", "done", "failed", "cancelled"]
FINISHED: tuple[State, ...] = ("done", "failed", "cancelled")


class JobRecord(BaseModel):
    """What is known of a job.

    Attributes:
        key: identity of the job; equal work has equal keys, so it is done once.
        kind, arguments: what is done; see :mod:`ldviz.jobs.worker`.
        model: digest of the model that it runs; one job at a time per model.
        state: waiting (for another job on the same model), running, or how it ended.
        done, total, what: progress.
        message: why it failed, for people.
        result: what it found out, for jobs that do; it may grow while they run.
        pid: of its process.
        started, updated: seconds since the epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    kind: str
    arguments: dict[str, Any]
    model: str
    state: State = "waiting"
    done: int = 0
    total: int = 1
    what: str = "starting"
    message: str = ""
    result: dict[str, Any] | None = None
    pid: int = 0
    started: float = 0.0
    updated: float = 0.0

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def share(self) -> float:
        """Progress in [0, 1]."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total else 0.0


def jobs_folder() -> Path:
    """Where jobs' records lie."""
    return cache_folder() / "jobs"


def record_path(key: str) -> Path:
    return jobs_folder() / f"{key}.json"


def cancel_path(key: str) -> Path:
    """Exists once somebody has asked the job to stop."""
    return jobs_folder() / f"{key}.cancel"


def save_record(record: JobRecord) -> None:
    """Write a job's state, stamped with the time."""
    stamped = record.model_copy(update={"updated": time.time()})
    write_atomically(record_path(record.key), stamped.model_dump_json().encode())


def load_record(key: str) -> JobRecord | None:
    """A job's state, or None if there is none; one whose process died reads as failed."""
    try:
        record = JobRecord.model_validate(json.loads(record_path(key).read_text()))
    except (OSError, ValueError, ValidationError, StudyError):
        return None
    if not record.finished and record.pid and not _is_alive(record.pid):
        return record.model_copy(
            update={
                "state": "failed",
                "message": "The computation's process ended before it was done. Start it again.",
            }
        )
    return record


def find_records(prefix: str) -> list[JobRecord]:
    """Every job whose key begins with ``prefix``, the latest started first."""
    found = [load_record(path.stem) for path in jobs_folder().glob(f"{prefix}*.json")]
    records = [record for record in found if record is not None]
    return sorted(records, key=lambda record: -record.started)


def forget_record(key: str) -> None:
    """Remove what is known of a job that has ended."""
    for path in (record_path(key), cancel_path(key), jobs_folder() / f"{key}.log"):
        path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        finished, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # Not this process's child: a server started earlier may have launched it.
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    return finished == 0
