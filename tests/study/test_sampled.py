"""A large study seen through some of its samples: the same numbers of fewer samples."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ldviz.errors import StudyError
from ldviz.study.sampled import SampledStudy, sampled_rows
from ldviz.study.store import Study, open_study
from ldviz.study.vectors import attack_vectors
from tests.pages.hand_made_study import write_hand_made_study

NAMES = ("sample_ids", "latents", "images", "influence", "singular_values", "labels")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hand_made_study(tmp_path_factory.mktemp("studies") / "large", num_samples=400)


@pytest.fixture
def whole(folder: Path) -> Study:
    return open_study(folder)


def test_members_keep_their_share_and_rows_rise():
    is_member = np.arange(1000) % 5 == 0
    rows = sampled_rows(is_member, np.arange(1000) + 7, 100)
    assert len(rows) == 100
    assert is_member[rows].sum() == 20
    assert (np.diff(rows) > 0).all()
    assert rows.min() < 100, "drawn from everywhere"
    assert rows.max() > 900


@pytest.mark.parametrize("num_member", [0, 1, 999, 1000])
def test_a_rare_class_is_not_lost(num_member):
    is_member = np.arange(1000) < num_member
    rows = sampled_rows(is_member, np.arange(1000), 50)
    assert len(rows) == 50
    assert is_member[rows].any() == (num_member > 0)
    assert (~is_member[rows]).any() == (num_member < 1000)


def test_who_is_drawn_depends_on_the_ids_alone():
    is_member, ids = np.arange(300) % 2 == 0, np.arange(300) * 3
    order = np.random.default_rng(0).permutation(300)
    expected = set(ids[sampled_rows(is_member, ids, 40)].tolist())
    assert set(ids[order][sampled_rows(is_member[order], ids[order], 40)].tolist()) == expected


def test_a_small_study_is_taken_whole():
    np.testing.assert_array_equal(
        sampled_rows(np.ones(5, dtype=bool), np.arange(5), 9), np.arange(5)
    )


def test_everything_stored_is_that_of_the_same_samples(whole):
    some = SampledStudy(whole, 60)
    for name in NAMES:
        np.testing.assert_array_equal(some.array(name), whole.array(name)[some.rows])
    assert some.num_samples == len(some.sample_ids) == 60
    assert some.manifest.n_member == some.is_member.sum() == 30
    np.testing.assert_array_equal(some.local_distortion(), whole.local_distortion()[some.rows])
    np.testing.assert_array_equal(some.influence(), whole.influence()[some.rows])
    assert some.title == whole.title
    assert some.digest != whole.digest, "what is kept of one must not be taken for the other's"


def test_vectors_are_those_of_the_whole(whole, monkeypatch, tmp_path):
    monkeypatch.setenv("LDVIZ_CACHE", str(tmp_path))
    some = SampledStudy(whole, 60)
    (stored, *_) = whole.stored_timesteps("sima")
    np.testing.assert_array_equal(
        attack_vectors(some, "sima", stored), whole.stored_vectors("sima", stored)[some.rows]
    )
    assert attack_vectors(some, "pia", stored, compute=False) is None


def test_vectors_computed_for_the_whole_serve_the_sample(tiny_study_copy, monkeypatch, tmp_path):
    monkeypatch.setenv("LDVIZ_CACHE", str(tmp_path))
    whole = open_study(tiny_study_copy)
    some = SampledStudy(whole, 10)
    vectors = attack_vectors(some, "loss", 33, device="cpu")
    found = attack_vectors(whole, "loss", 33, compute=False)
    np.testing.assert_array_equal(vectors, found[some.rows])


def test_an_image_that_is_not_shown_is_told_from_one_that_is_not_there(whole):
    some = SampledStudy(whole, 60)
    (hidden,) = np.setdiff1d(whole.sample_ids, some.sample_ids)[:1]
    with pytest.raises(StudyError, match=r"not among the 60 of 400 samples .* Show all samples"):
        some.position(int(hidden))
    with pytest.raises(StudyError, match="has no sample 99999"):
        some.position(99999)
    assert some.position(int(some.sample_ids[7])) == 7


def test_a_damaged_block_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "large")
    block = tmp_path / "large" / "arrays" / "influence" / "00000.safetensors"
    content = bytearray(block.read_bytes())
    content[-1] ^= 1
    block.write_bytes(content)
    with pytest.raises(StudyError, match="influence"):
        SampledStudy(open_study(tmp_path / "large"), 60).influence()
