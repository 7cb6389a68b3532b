"""The process of one job: ``python -m ldviz.jobs.worker RECORD.json``."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ldviz.errors import CancelledError, LdvizError
from ldviz.jobs.own_study import Publish, analyze_job, look_job
from ldviz.jobs.record import JobRecord, cancel_path, jobs_folder, save_record
from ldviz.progress import Progress

_REPORT_SECONDS = 0.2
_POLL_SECONDS = 0.2


def compute_vectors_job(arguments: dict[str, Any], progress: Progress, publish: Publish) -> None:
    """Put an attack's vectors into the cache."""
    from ldviz.attacks import get_attack, load_plugins
    from ldviz.study.store import open_study
    from ldviz.study.vectors import attack_vectors

    load_plugins(arguments["plugins"])
    attack = get_attack(arguments["attack"])
    attack_vectors(
        open_study(arguments["study"]),
        attack.name,
        arguments["timestep"],
        parameters=attack.parse_parameters(arguments["parameters"]),
        seed=arguments["seed"],
        progress=progress,
    )


KINDS: dict[str, Callable[[dict[str, Any], Progress, Publish], None]] = {
    "vectors": compute_vectors_job,
    "look": look_job,
    "analyze": analyze_job,
}


def run_job(record: JobRecord) -> JobRecord:
    """Do a job's work, keeping its record up to date; returns the final record."""
    progress = _Reporter(record)
    try:
        with _one_per_model(record):
            progress(0, 1, "starting" if record.kind == "look" else "loading the model")
            KINDS[record.kind](record.arguments, progress, progress.publish)
        final = progress.record.model_copy(update={"state": "done", "done": progress.record.total})
    except CancelledError:
        final = progress.record.model_copy(
            update={"state": "cancelled", "message": "Cancelled; nothing unfinished was kept."}
        )
    except LdvizError as error:
        final = progress.record.model_copy(update={"state": "failed", "message": str(error)})
    except Exception as error:
        traceback.print_exc()
        message = f"{type(error).__name__}: {error} (a bug; the traceback is in the job's log)"
        final = progress.record.model_copy(update={"state": "failed", "message": message})
    save_record(final)
    return final


class _Reporter:
    """A progress callable that writes the record now and then, and obeys a cancel."""

    def __init__(self, record: JobRecord) -> None:
        self.record = record
        self._saved = 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        if cancel_path(self.record.key).exists():
            raise CancelledError("Cancelled; nothing unfinished was kept.")
        self.record = self.record.model_copy(
            update={"state": "running", "done": done, "total": total, "what": what}
        )
        if time.monotonic() - self._saved > _REPORT_SECONDS:
            save_record(self.record)
            self._saved = time.monotonic()

    def publish(self, result: dict[str, Any]) -> None:
        """Let everybody see what has been found out so far."""
        self.record = self.record.model_copy(update={"result": result})
        save_record(self.record)


@contextmanager
def _one_per_model(record: JobRecord) -> Iterator[None]:
    """Hold the model's lock; while another job has it, wait and obey a cancel."""
    path = jobs_folder() / f"{record.model[:32]}.lock"
    with path.open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if cancel_path(record.key).exists():
                    raise CancelledError("Cancelled while waiting.") from None
                time.sleep(_POLL_SECONDS)
        yield


def main() -> None:
    """Run the job that a record file describes."""
    content = json.loads(Path(sys.argv[1]).read_text())
    record = JobRecord.model_validate({**content, "pid": os.getpid()})
    save_record(record)
    final = run_job(record)
    sys.exit(0 if final.state == "done" else 1)


if __name__ == "__main__":
    main()
