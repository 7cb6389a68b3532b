"""Evidence against slow twins: the same numbers by loops written from METHOD's sentences."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.attacks.masks import MaskSpec, evaluate_mask
from ldviz.attacks.statistic import masked_statistic
from ldviz.errors import InputError
from ldviz.metrics.intervals import metric_intervals
from ldviz.metrics.roc import attack_success_rate, roc_auc, tpr_at_fpr
from ldviz.metrics.strata import random_band
from ldviz.metrics.timestep import timestep_choice
from ldviz.study.cache import write_cached
from ldviz.study.evidence import (
    has_vectors,
    part_intervals,
    random_band_of,
    subset_intervals,
    timestep_point,
    timesteps_at_hand,
    unmasked_scores,
    usable_timesteps,
)
from ldviz.study.evidence_choice import chosen_timestep
from ldviz.study.evidence_masks import curve_fractions, drop_curves, fraction_intervals
from ldviz.study.scores import score_values
from ldviz.study.store import Study, open_study
from ldviz.study.vectors import vectors_key
from tests.pages.hand_made_study import write_hand_made_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return open_study(write_hand_made_study(tmp_path_factory.mktemp("studies") / "noise"))


def slow_scores(study: Study, timestep: int, spec: MaskSpec) -> np.ndarray:
    values = score_values(study.stored_vectors("sima", timestep), "sima")
    mask = evaluate_mask(spec, study.influence(), study.sample_ids, study.latent_shape)
    return -(values * mask).sum(axis=1)


def test_what_is_at_hand_is_what_is_stored_or_cached(study: Study) -> None:
    assert timesteps_at_hand(study, "sima") == (0, 50)
    assert timesteps_at_hand(study, "pfami") == ()
    from ldviz.attacks import get_attack

    for name, step in (("sima", 30), ("pfami", None)):
        attack = get_attack(name)
        key = vectors_key(study, attack, step, attack.parameters(), 0)
        write_cached(key, np.ones((study.num_samples, study.latent_dim), dtype=np.float16))
    assert timesteps_at_hand(study, "sima") == (0, 30, 50)
    assert timesteps_at_hand(study, "pfami") == (None,)
    assert has_vectors(study, "sima", 30)
    assert not has_vectors(study, "sima", 40)
    assert unmasked_scores(study, "sima", 40) is None


def test_usable_timesteps_leave_out_those_an_attack_is_not_defined_at(study: Study) -> None:
    assert usable_timesteps(study, "sima") == tuple(range(0, 300, 10))
    assert usable_timesteps(study, "pfami") == ()


@pytest.mark.parametrize("positive", ["member", "held_out"])
def test_a_timestep_equals_metrics_taken_part_by_part(study: Study, positive: str) -> None:
    scores = slow_scores(study, 50, MaskSpec(kind="none"))
    point = timestep_point(study, unmasked_scores(study, "sima", 50), positive=positive)
    distortion = study.local_distortion()
    cuts = np.quantile(distortion, (0.25, 0.5, 0.75))
    quarter = np.array([(value > cuts).sum() for value in distortion])
    for index, rows in [(None, quarter >= 0), *((q, quarter == q) for q in range(4))]:
        found = {
            "auc": roc_auc(study.is_member[rows], scores[rows]),
            "asr": attack_success_rate(study.is_member[rows], scores[rows]),
            "tpr_at_1pct_fpr": tpr_at_fpr(
                study.is_member[rows], scores[rows], 0.01, positive=positive
            ),
        }
        for key, value in found.items():
            here = point.whole[key] if index is None else point.quartile[key][index]
            assert here == pytest.approx(np.nan if value is None else value, nan_ok=True)


def test_quarters_of_high_distortion_are_found_more_easily(study: Study) -> None:
    point = timestep_point(study, unmasked_scores(study, "sima", 50))
    assert point.quartile["auc"][3] > point.quartile["auc"][0] + 0.1


def test_the_band_is_the_one_of_the_metrics_room(study: Study) -> None:
    scores = [unmasked_scores(study, "sima", step) for step in (0, 50)]
    mean, deviation = random_band_of([timestep_point(study, one) for one in scores], "auc")
    expected = random_band(study.is_member, np.stack(scores), study.num_samples // 4)
    assert mean == pytest.approx(expected[0])
    assert deviation == pytest.approx(expected[1])


def test_parts_with_intervals_hold_the_same_values(study: Study) -> None:
    scores = unmasked_scores(study, "sima", 50)
    point = timestep_point(study, scores)
    parts = part_intervals(study, scores, num_resamples=100)
    values = [part["auc"].value for part in parts]
    assert values == pytest.approx([point.whole["auc"], *point.quartile["auc"]])
    assert all(part["auc"].ci95[0] <= part["auc"].value <= part["auc"].ci95[1] for part in parts)


def test_a_subset_of_one_class_is_undefined(study: Study) -> None:
    scores = unmasked_scores(study, "sima", 50)
    members = np.flatnonzero(study.is_member)[:7]
    number = subset_intervals(study, scores, members, num_resamples=100)["auc"]
    assert number.value is None
    assert (number.n_member, number.n_held_out) == (7, 0)
    assert "Undefined" in number.note


def test_a_subset_equals_metrics_of_its_rows_alone(study: Study) -> None:
    scores = unmasked_scores(study, "sima", 50)
    rows = np.arange(10, 50)
    number = subset_intervals(study, scores, rows, num_resamples=100)["auc"]
    alone = metric_intervals(study.is_member[rows], {"a": scores[rows]}, num_resamples=100)
    assert number == alone.metrics["a"]["auc"]


def test_fractions_hold_the_papers_and_the_present_one() -> None:
    fractions = curve_fractions(0.333)
    assert {0.0, 0.333, 0.4, 0.95} <= set(fractions)
    assert (np.diff(fractions) > 0).all()


def test_drop_curves_equal_masks_evaluated_one_by_one(study: Study) -> None:
    spec = MaskSpec(drop_fraction=0.4, channels_off=(1,), seed=3)
    values = score_values(study.stored_vectors("sima", 50), "sima")
    curves = drop_curves(study, values, spec)
    assert curves.num_on == 12
    assert curves.level["auc"] == pytest.approx(
        roc_auc(study.is_member, slow_scores(study, 50, MaskSpec(kind="none")))
    )
    for index in (0, 5, len(curves.fractions) - 1):
        fraction = float(curves.fractions[index])
        for kind in ("influence", "highest"):
            one = spec.model_copy(update={"kind": kind, "drop_fraction": fraction})
            expected = roc_auc(study.is_member, slow_scores(study, 50, one))
            assert curves.curve[kind]["auc"][index] == pytest.approx(expected)
        draws = [
            roc_auc(
                study.is_member,
                slow_scores(
                    study,
                    50,
                    spec.model_copy(
                        update={"kind": "random", "drop_fraction": fraction, "draw": draw}
                    ),
                ),
            )
            for draw in range(10)
        ]
        assert curves.curve["random"]["auc"][index] == pytest.approx(np.mean(draws))
        assert curves.spread["auc"][index] == pytest.approx(np.std(draws, ddof=1), abs=1e-12)


def test_the_best_fraction_is_the_curves_first_maximum(study: Study) -> None:
    values = score_values(study.stored_vectors("sima", 50), "sima")
    curves = drop_curves(study, values, MaskSpec())
    row = curves.curve["influence"]["auc"]
    fraction, value = curves.best("auc")
    assert value == row.max()
    assert fraction == curves.fractions[np.flatnonzero(row == row.max())[0]]


def test_intervals_at_a_fraction_agree_with_the_curve(study: Study) -> None:
    values = score_values(study.stored_vectors("sima", 50), "sima")
    spec = MaskSpec(drop_fraction=0.25)
    curves = drop_curves(study, values, spec)
    here = fraction_intervals(study, values, spec, num_resamples=100)
    index = int(np.flatnonzero(np.isclose(curves.fractions, 0.25))[0])
    for kind in ("influence", "random", "highest"):
        assert here[kind]["auc"].value == pytest.approx(curves.curve[kind]["auc"][index])
    gap = here["influence"]["auc"].value - here["none"]["auc"].value
    assert here["influence_minus_none"]["auc"].value == pytest.approx(gap)


def test_one_class_alone_has_no_curve(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = np.ones(study.num_samples, dtype=bool)
    monkeypatch.setattr(Study, "is_member", property(lambda self: everyone))
    values = score_values(study.stored_vectors("sima", 50), "sima")
    with pytest.raises(InputError, match="80 members and 0 held-out images"):
        drop_curves(study, values, MaskSpec())


def test_a_masked_statistic_is_what_a_score_is_the_negative_of(study: Study) -> None:
    values = score_values(study.stored_vectors("sima", 0), "sima")
    scores = unmasked_scores(study, "sima", 0)
    assert scores == pytest.approx(-masked_statistic(values))


def test_the_honest_and_the_optimistic_timestep_are_the_metrics_rooms(study: Study) -> None:
    scores = np.stack([unmasked_scores(study, "sima", step) for step in (0, 50)])
    found = chosen_timestep(study, (0, 50), scores, num_resamples=100)
    plain = timestep_choice(study.is_member, scores, fprs=(0.01,))
    assert found.best == (0, 50)[plain.best]
    assert found.chosen == tuple((0, 50)[position] for position in plain.chosen)
    for kind in ("auc", "asr"):
        assert found.optimistic[kind].value == pytest.approx(plain.optimistic["none"][kind])
        assert found.honest[kind].value == pytest.approx(plain.honest["none"][kind])
    low, high = found.honest["auc"].ci95
    assert low < found.honest["auc"].value < high
    assert (found.honest["auc"].n_member, found.honest["auc"].n_held_out) == (40, 40)


def test_pure_noise_looks_better_when_its_timestep_is_chosen_on_the_same_labels(
    study: Study,
) -> None:
    """Chance alone: the optimistic AUC must stand clearly above guessing, the honest one not."""
    noise = np.random.default_rng(0).standard_normal((40, study.num_samples))
    found = chosen_timestep(study, tuple(range(40)), noise, num_resamples=100)
    assert found.optimistic["auc"].value > 0.6
    assert found.honest["auc"].value < found.optimistic["auc"].value - 0.05
