"""Named masks side by side against slow twins."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.attacks.masks import NUM_RANDOM_DRAWS, MaskSpec, evaluate_mask
from ldviz.errors import InputError
from ldviz.metrics.roc import detection_counts, roc_auc
from ldviz.study.evidence_named import UNMASKED, measure_named
from ldviz.study.scores import score_values
from ldviz.study.store import Study, open_study
from tests.pages.hand_made_study import write_hand_made_study

MASKS = {
    "Paper": MaskSpec(),
    "Band": MaskSpec(kind="band", band=(0.2, 0.6), ranking="global"),
    "Chance": MaskSpec(kind="random", drop_fraction=0.3, cells_off=(0,)),
    "By hand": MaskSpec(kind="none", dims_off=(1, 5, 9)),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return open_study(write_hand_made_study(tmp_path_factory.mktemp("studies") / "noise"))


def slow_scores(study: Study, values: np.ndarray, spec: MaskSpec) -> np.ndarray:
    draws = range(NUM_RANDOM_DRAWS) if spec.kind == "random" else (0,)
    masks = [
        evaluate_mask(
            spec.model_copy(update={"draw": draw}),
            study.influence(),
            study.sample_ids,
            study.latent_shape,
        )
        for draw in draws
    ]
    return np.stack([-(values * mask).sum(axis=1) for mask in masks])


def test_curves_numbers_and_bands_are_those_of_the_masks(study: Study) -> None:
    values = score_values(study.stored_vectors("sima", 50), "sima")
    named = measure_named(study, values, MASKS, num_resamples=100)
    assert list(named.counts) == [UNMASKED, *MASKS]
    assert list(named.spread) == ["Chance"], "only a random mask has a band"
    for name, spec in MASKS.items():
        scores = slow_scores(study, values, spec)
        found = np.stack([detection_counts(study.is_member, row) for row in scores])
        np.testing.assert_allclose(named.counts[name], found.mean(axis=0))
        auc = np.mean([roc_auc(study.is_member, row) for row in scores])
        assert named.table.metrics[name]["auc"].value == pytest.approx(auc, abs=1e-12)
    np.testing.assert_allclose(
        named.spread["Chance"],
        np.std(
            [
                detection_counts(study.is_member, row)
                for row in slow_scores(study, values, MASKS["Chance"])
            ],
            axis=0,
        ),
    )


def test_every_mask_is_compared_with_none_and_every_pair_once(study: Study) -> None:
    values = score_values(study.stored_vectors("sima", 50), "sima")
    table = measure_named(study, values, MASKS, num_resamples=100).table
    assert len(table.differences) == 4 + 6
    for (a, b), numbers in table.differences.items():
        expected = table.metrics[a]["auc"].value - table.metrics[b]["auc"].value
        assert numbers["auc"].value == pytest.approx(expected, abs=1e-12)
        assert numbers["auc"].ci95 is not None


def test_a_mask_of_another_study_is_an_error(study: Study) -> None:
    values = score_values(study.stored_vectors("sima", 50), "sima")
    with pytest.raises(InputError, match="made for another study"):
        measure_named(study, values, {"A": MaskSpec(dims_off=(400,))}, num_resamples=100)
