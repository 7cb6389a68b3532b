"""Jobs in their own process: computed once, cancelled, failed, found again."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.jobs.record import JobRecord, load_record, save_record
from ldviz.jobs.start import cancel_job, start_job, start_vectors
from ldviz.study.store import open_study
from ldviz.study.vectors import attack_vectors


def finished(key: str, seconds: float = 120.0) -> JobRecord:
    """The record of a job once it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record = load_record(key)
        if record is not None and record.finished:
            return record
        time.sleep(0.05)
    raise AssertionError(f"the job has not ended after {seconds} s: {load_record(key)}")


def test_a_job_gives_the_numbers_that_the_library_gives(tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    assert attack_vectors(study, "sima", 70, compute=False) is None
    first = start_vectors(study, "sima", 70)
    assert start_vectors(study, "sima", 70).key == first.key
    assert finished(first.key).state == "done"
    vectors = attack_vectors(study, "sima", 70, compute=False)
    assert vectors is not None
    assert vectors.shape == (96, 64)

    from ldviz.attacks import get_attack
    from ldviz.models import load_model
    from ldviz.study.build.vectors import compute_vectors

    model = load_model(tiny_study_folder, image_shape=study.image_shape, device="cpu")
    import torch

    latents = torch.from_numpy(study.array("latents").copy())
    expected = compute_vectors(model, latents, study.sample_ids, get_attack("sima"), 70)
    np.testing.assert_array_equal(vectors, expected.reshape(96, 64))


def test_a_cancelled_job_keeps_nothing(tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    record = start_vectors(study, "sima", 71)
    cancel_job(record.key)
    assert finished(record.key).state == "cancelled"
    assert attack_vectors(study, "sima", 71, compute=False) is None
    again = start_vectors(study, "sima", 71)
    assert finished(again.key).state == "done"


def test_a_failing_job_says_why(tiny_study_copy: Path) -> None:
    study = open_study(tiny_study_copy)
    (tiny_study_copy / "unet" / "config.json").write_text("{}")
    record = finished(start_vectors(study, "sima", 72).key)
    assert record.state == "failed"
    assert "not the ones that study" in record.message


def test_an_unknown_timestep_starts_nothing(tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    with pytest.raises(InputError, match=r"`timestep` must be .* got 1000"):
        start_vectors(study, "sima", 1000)


def test_a_dead_process_reads_as_failed() -> None:
    record = start_job("0" * 64, "no-such-kind", {}, model="1" * 64)
    ended = finished(record.key)
    assert ended.state == "failed"
    save_record(JobRecord(key="2" * 64, kind="vectors", arguments={}, model="m", pid=2**22 + 1))
    assert load_record("2" * 64).state == "failed"
