"""The findings that come with the studies: of these studies, and what is computed today."""

from __future__ import annotations

import json

import pytest

from ldviz.study.findings import METRICS, StudyFindings, attack_findings
from ldviz.study.findings_set import (
    KEPT_FILE,
    NUM_RESAMPLES,
    build_findings,
    findings_key,
    kept_findings,
)
from ldviz.study.places import BUNDLED
from ldviz.study.store import Study, open_studies, open_study

STUDIES = sorted(path.name for path in BUNDLED.iterdir() if path.is_dir())


def shipped(study: Study) -> StudyFindings:
    content = json.loads((study.path / KEPT_FILE).read_text())
    assert content["key"] == findings_key(study, NUM_RESAMPLES, 0)
    return StudyFindings.model_validate(content["findings"])


@pytest.mark.parametrize("name", STUDIES)
def test_they_belong_to_the_study_as_it_is(name: str) -> None:
    study = open_study(BUNDLED / name)
    found = shipped(study)
    assert kept_findings(study) == found
    for attack in found.attacks.values():
        for numbers in attack.differences.values():
            for metric in METRICS:
                assert all(number.ci95 is not None for number in numbers[metric])
        assert all(number.ci95 is not None for number in attack.quartile_step)


@pytest.mark.parametrize("name", STUDIES)
def test_they_are_what_is_computed_today(name: str) -> None:
    study = open_study(BUNDLED / name)
    found = shipped(study).attacks[study.default_attack]
    at = found.timesteps.index(study.default_timestep)
    fresh = attack_findings(study, study.default_attack, (study.default_timestep,))
    for kind, numbers in fresh.masks.items():
        for metric in METRICS:
            assert numbers[metric][0] == found.masks[kind][metric][at]
    for pair, numbers in fresh.differences.items():
        for metric in METRICS:
            assert numbers[metric][0] == found.differences[pair][metric][at]
    for now, then in zip(fresh.quartiles, found.quartiles, strict=True):
        assert now[0] == then[at]


def test_three_betas_are_compared_on_the_same_images() -> None:
    (rows,) = build_findings(*open_studies([BUNDLED])).beta
    assert [row.kl_weight for row in rows] == [1e-3, 1e-2, 1e-1]
    assert [row.is_reference for row in rows] == [False, True, False]


def test_ten_thousand_held_out_shapes_allow_a_false_positive_rate_of_a_thousandth() -> None:
    found = shipped(open_study(BUNDLED / "shapes"))
    number = found.further.masks["none"]["tpr_at_0_1pct_fpr"]
    assert (number.n_member, number.n_held_out) == (1000, 10_000)
    assert number.value is not None
    assert 0.0 < number.ci95[0] < number.ci95[1] < 1.0


@pytest.mark.slow
def test_further_shapes_are_drawn_to_their_checksums() -> None:
    import numpy as np

    from ldviz.data.shapes import draw_images
    from ldviz.study.build.summaries import image_checksums

    study = open_study(BUNDLED / "shapes")
    ids = np.arange(0, 11_000, 50)
    pixels, _ = draw_images(ids)
    stored = study.array("further_checksums")
    np.testing.assert_array_equal(image_checksums(pixels), stored[ids])
