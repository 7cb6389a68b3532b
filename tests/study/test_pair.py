"""Two studies beside each other: same images or not, the same attack or the nearest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.independent import independent_difference
from ldviz.metrics.intervals import metric_intervals
from ldviz.study.pair import Pair, counterpart, counterpart_mask, score_differences
from ldviz.study.store import Study, open_study
from tests.pages.hand_made_study import write_hand_made_study


@pytest.fixture
def studies(tmp_path: Path) -> Pair:
    """Two of the same images: hand-made studies of one size hold the same noise."""
    return Pair(
        open_study(write_hand_made_study(tmp_path / "one")),
        open_study(write_hand_made_study(tmp_path / "two", title="Second")),
    )


@pytest.fixture
def larger(tmp_path: Path) -> Study:
    return open_study(write_hand_made_study(tmp_path / "large", num_samples=120))


def scores_of(study: Study, seed: int) -> np.ndarray:
    return study.is_member + np.random.default_rng(seed).standard_normal(study.num_samples)


def test_the_same_images_are_known_by_content_and_split(studies: Pair, larger: Study) -> None:
    assert studies.same_images
    assert not Pair(studies.first, larger).same_images


def test_on_the_same_images_the_difference_is_paired(studies: Pair) -> None:
    one = scores_of(studies.first, 1)
    two = one + 0.1 * scores_of(studies.second, 2)
    table = score_differences(studies, (one, two), num_resamples=400)
    expected = metric_intervals(
        studies.first.is_member, {"a": one, "b": two}, pairs=[("a", "b")], num_resamples=400
    )
    assert table.paired
    assert table.difference == expected.differences["a", "b"]
    assert table.first["auc"] == expected.metrics["a"]["auc"]
    independent = independent_difference(table.first["auc"], table.second["auc"])
    paired, wide = table.difference["auc"].ci95, independent.ci95
    assert paired[1] - paired[0] < 0.5 * (wide[1] - wide[0])


def test_on_other_images_it_is_of_independent_samples(studies: Pair, larger: Study) -> None:
    pair = Pair(studies.first, larger)
    scores = scores_of(studies.first, 1), scores_of(larger, 2)
    table = score_differences(pair, scores, num_resamples=400)
    assert not table.paired
    assert table.difference["auc"] == independent_difference(
        table.first["auc"], table.second["auc"]
    )
    assert (table.second["auc"].n_member, table.second["auc"].n_held_out) == (60, 60)


def test_stored_vectors_at_the_same_timestep_need_no_note(studies: Pair) -> None:
    found = counterpart(studies.second, "sima", 50)
    assert (found.timestep, found.note) == (50, "")
    assert (found.vectors == studies.second.stored_vectors("sima", 50)).all()


@pytest.mark.parametrize(("asked", "near"), [(20, 0), (40, 50), (900, 50)])
def test_the_nearest_stored_timestep_stands_in_and_is_named(studies, asked, near) -> None:
    found = counterpart(studies.second, "sima", asked)
    assert found.timestep == near
    assert f"nearest that is, t = {near}" in found.note
    assert f"t = {asked} is not stored with Second" in found.note


def test_what_is_not_stored_at_all_is_said_and_could_be_computed(studies: Pair) -> None:
    found = counterpart(studies.second, "pia", 50)
    assert found.vectors is None
    assert found.computable
    assert found.note.startswith("PIA at t = 50 is not stored with Second.")


def test_a_timestep_beyond_the_other_schedule_cannot_be_computed(studies: Pair) -> None:
    found = counterpart(studies.second, "pia", 5000)
    assert not found.computable
    assert "does not reach that timestep" in found.note


def test_places_in_latents_of_another_shape_are_left_out_and_said(studies, tmp_path) -> None:
    other = open_study(write_hand_made_study(tmp_path / "shape", latent_shape=(3, 2, 4)))
    mask = MaskSpec(kind="influence", drop_fraction=0.4, channels_off=(1,))
    assert counterpart_mask(studies, mask) == (mask, "")
    bare, note = counterpart_mask(Pair(studies.first, other), mask)
    assert bare == MaskSpec(kind="influence", drop_fraction=0.4)
    assert "have another shape" in note
    assert counterpart_mask(Pair(studies.first, other), bare) == (bare, "")
