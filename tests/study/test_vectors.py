"""One access to attack vectors: stored, cached, computed, and never stale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ldviz.errors import InputError, StudyError
from ldviz.study import vectors as module
from ldviz.study.cache import cache_path
from ldviz.study.store import open_study
from ldviz.study.vectors import attack_vectors


def test_stored_vectors_are_used_as_they_are(
    tiny_study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_compute", None)
    study = open_study(tiny_study_folder)
    vectors = attack_vectors(study, "sima", 50)
    np.testing.assert_array_equal(vectors, study.stored_vectors("sima", 50))


def test_a_computed_result_is_found_again_after_a_restart(
    tiny_study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = attack_vectors(open_study(tiny_study_folder), "sima", 60)
    module._recent.clear()
    monkeypatch.setattr(module, "_compute", None)
    again = attack_vectors(open_study(tiny_study_folder), "sima", 60)
    np.testing.assert_array_equal(first, again)


def test_a_damaged_cache_entry_is_computed_anew(tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    first = attack_vectors(study, "sima", 61)
    (path,) = [p for p in cache_path("00").parents[1].rglob("*.safetensors")]
    path.write_bytes(path.read_bytes()[:-10])
    module._recent.clear()
    np.testing.assert_array_equal(attack_vectors(study, "sima", 61), first)


def test_changed_weights_are_never_attacked_under_the_old_name(tiny_study_copy: Path) -> None:
    study = open_study(tiny_study_copy)
    weights = next((tiny_study_copy / "unet").glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(StudyError, match="not the ones that study"):
        attack_vectors(study, "sima", 62)


@pytest.mark.parametrize("timestep", [-1, 1000, None])
def test_a_timestep_out_of_range_is_refused(tiny_study_folder: Path, timestep) -> None:
    with pytest.raises(InputError, match="timestep"):
        attack_vectors(open_study(tiny_study_folder), "sima", timestep)
