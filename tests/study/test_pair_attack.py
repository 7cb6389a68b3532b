"""An attack under one mask on two studies agrees with each study's own numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ldviz.attacks.masks import MaskSpec
from ldviz.errors import InputError
from ldviz.metrics.independent import independent_difference
from ldviz.metrics.roc import detection_counts, roc_auc
from ldviz.study.pair import Pair
from ldviz.study.pair_attack import measure_pair
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import open_study
from tests.pages.hand_made_study import write_hand_made_study

MASK = MaskSpec(kind="influence", drop_fraction=0.4)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(
        open_study(write_hand_made_study(tmp_path / "one")),
        open_study(write_hand_made_study(tmp_path / "two", num_samples=120)),
    )


def vectors(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    return tuple(study.stored_vectors("sima", 50) for study in pair.studies)


def scores(study, mask: MaskSpec) -> np.ndarray:
    return membership_scores(study, score_values(study.stored_vectors("sima", 50), "sima"), mask)


def test_curves_and_numbers_are_those_of_the_library(pair: Pair) -> None:
    found = measure_pair(pair, vectors(pair), "sima", (MASK, MASK), num_resamples=200)
    for study, counts, numbers, change in zip(
        pair.studies,
        found.counts,
        (found.table.first, found.table.second),
        found.change,
        strict=True,
    ):
        masked = scores(study, MASK)
        auc = roc_auc(study.is_member, masked)
        bare = roc_auc(study.is_member, scores(study, MaskSpec(kind="none")))
        assert numbers["auc"].value == pytest.approx(auc)
        assert change.value == pytest.approx(auc - bare)
        assert (counts == detection_counts(study.is_member, masked)).all()
    assert not found.table.paired
    assert found.table.difference["auc"].value == pytest.approx(
        found.table.first["auc"].value - found.table.second["auc"].value
    )
    assert found.change_difference == independent_difference(*found.change)


def test_a_random_mask_is_the_mean_of_its_draws(pair: Pair) -> None:
    mask = MaskSpec(kind="random", drop_fraction=0.4)
    found = measure_pair(pair, vectors(pair), "sima", (mask, mask), num_resamples=200)
    rows = scores(pair.second, mask)
    assert rows.shape[0] == 10
    each = [detection_counts(pair.second.is_member, row) for row in rows]
    assert found.counts[1] == pytest.approx(np.mean(each, axis=0))


def test_held_out_images_can_be_the_positive_class(pair: Pair) -> None:
    found = measure_pair(
        pair, vectors(pair), "sima", (MASK, MASK), positive="held_out", num_resamples=200
    )
    expected = detection_counts(pair.first.is_member, scores(pair.first, MASK), positive="held_out")
    assert (found.counts[0] == expected).all()


def test_a_mask_that_does_not_fit_is_refused(pair: Pair) -> None:
    wrong = MaskSpec(kind="influence", channels_off=(7,))
    with pytest.raises(InputError, match="channels_off"):
        measure_pair(pair, vectors(pair), "sima", (wrong, MASK), num_resamples=200)
