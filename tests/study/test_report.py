"""The report: its shape, its agreement with the slow way, its other clothes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from ldviz.attacks.masks import MaskSpec, evaluate_mask
from ldviz.attacks.statistic import masked_statistic, powered
from ldviz.errors import InputError
from ldviz.metrics.roc import attack_success_rate, roc_auc
from ldviz.metrics.strata import quartiles
from ldviz.study.report import build_report, parse_attacks, parse_timesteps
from ldviz.study.report_text import report_csv, report_latex, report_text
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study, open_study


@pytest.fixture(scope="module")
def study(tiny_study_folder: Path) -> Study:
    return open_study(tiny_study_folder)


@pytest.fixture(scope="module")
def report(study: Study) -> dict:
    return build_report(study, num_resamples=200)


def test_the_shape_that_others_read(report: dict) -> None:
    assert report["latent_dim"] == 64
    assert report["num_dropped"] == 25
    assert (report["n_member"], report["n_held_out"]) == (48, 48)
    sima = report["attacks"]["sima"]
    assert sima["timesteps"] == [0, 50, 100]
    columns = {
        "none",
        "influence",
        "random",
        "influence_minus_none",
        "influence_minus_random",
        "random_minus_none",
    }
    assert set(sima) - {"timesteps"} == columns
    for column in columns:
        for key in ("auc", "asr", "tpr_at_1pct_fpr"):
            assert len(sima[column][key]) == len(sima[column][f"{key}_ci95"]) == 3
    quarters = report["quartiles"]["sima"]
    assert np.array(quarters["auc"]).shape == (4, 3)
    assert np.array(quarters["auc_ci95"]).shape == (4, 3, 2)


def test_too_few_held_out_images_give_null_not_a_number(report: dict) -> None:
    # One false accusation in 48 is more than 1 %.
    assert report["attacks"]["sima"]["none"]["tpr_at_1pct_fpr"] == [None, None, None]
    assert report["attacks"]["sima"]["none"]["tpr_at_1pct_fpr_ci95"] == [None, None, None]


@pytest.mark.parametrize("kind", ["none", "influence", "highest"])
def test_numbers_equal_the_slow_way(study: Study, kind: str) -> None:
    report = build_report(study, masks=("influence", "highest"), num_resamples=100)
    spec = MaskSpec(kind=kind, drop_fraction=0.4)
    mask = evaluate_mask(spec, study.influence(), study.sample_ids, study.latent_shape)
    values = powered(study.stored_vectors("sima", 50), 4.0)
    score = -masked_statistic(values, mask)
    column = report["attacks"]["sima"][kind]
    assert column["auc"][1] == pytest.approx(roc_auc(study.is_member, score), abs=1e-12)
    assert column["asr"][1] == pytest.approx(attack_success_rate(study.is_member, score))


def test_the_random_mask_is_the_mean_of_ten_draws(study: Study, report: dict) -> None:
    values = powered(study.stored_vectors("sima", 0), 4.0)
    aucs = []
    for draw in range(10):
        spec = MaskSpec(kind="random", drop_fraction=0.4, draw=draw)
        mask = evaluate_mask(spec, study.influence(), study.sample_ids, study.latent_shape)
        assert (mask.sum(axis=1) == 64 - 25).all()
        aucs.append(roc_auc(study.is_member, -masked_statistic(values, mask)))
    assert report["attacks"]["sima"]["random"]["auc"][0] == pytest.approx(np.mean(aucs), abs=1e-12)


def test_differences_are_differences(report: dict) -> None:
    sima = report["attacks"]["sima"]
    for index in range(3):
        difference = sima["influence"]["auc"][index] - sima["none"]["auc"][index]
        assert sima["influence_minus_none"]["auc"][index] == pytest.approx(difference, abs=1e-12)
        low, high = sima["influence_minus_none"]["auc_ci95"][index]
        assert low <= difference <= high


def test_quartiles_are_cut_jointly(study: Study, report: dict) -> None:
    quarter = quartiles(study.local_distortion()) == 3
    score = membership_scores(
        study, score_values(study.stored_vectors("sima", 100), "sima"), MaskSpec(kind="none")
    )
    expected = roc_auc(study.is_member[quarter], score[quarter])
    assert report["quartiles"]["sima"]["auc"][3][2] == pytest.approx(expected, abs=1e-12)


def test_the_paper_codes_convention_leaves_auc_alone(study: Study, report: dict) -> None:
    other = build_report(study, positive="held_out", num_resamples=100)
    ours, theirs = (result["attacks"]["sima"]["none"] for result in (report, other))
    assert theirs["auc"] == pytest.approx(ours["auc"], abs=1e-12)
    assert theirs["asr"] == pytest.approx(ours["asr"], abs=1e-12)


def test_a_timestep_that_is_not_stored_is_computed(study: Study) -> None:
    report = build_report(study, timesteps=[75], num_resamples=100)
    assert report["attacks"]["sima"]["timesteps"] == [75]
    assert report["attacks"]["sima"]["none"]["auc"][0] is not None


def test_every_number_is_in_the_csv(report: dict) -> None:
    rows = list(csv.DictReader(io.StringIO(report_csv(report))))
    assert len(rows) == 6 * 3 * 3
    row = next(
        r for r in rows if (r["quantity"], r["metric"], r["timestep"]) == ("influence", "auc", "50")
    )
    assert float(row["value"]) == report["attacks"]["sima"]["influence"]["auc"][1]
    assert row["n_member"] == "48"


def test_text_and_latex_say_what_is_missing(report: dict) -> None:
    text = report_text(report)
    assert "not available" in text
    assert "48 members, 48 held-out" in text
    latex = report_latex(report)
    assert "n/a" in latex
    assert latex.count(r"\\") == 1 + 9


def test_bold_needs_an_interval_that_excludes_zero(report: dict) -> None:
    changed = {**report, "attacks": {"sima": {**report["attacks"]["sima"]}}}
    table = changed["attacks"]["sima"]
    ends = {
        "influence_minus_none": [(0.01, 0.02), (0.01, 0.02), (-0.02, -0.01)],
        "influence_minus_random": [(0.01, 0.02), (-0.01, 0.02), (0.01, 0.02)],
        "random_minus_none": [(-0.01, 0.02), (-0.01, 0.02), (-0.02, -0.01)],
    }
    for name, intervals in ends.items():
        table[name] = {**table[name], "auc_ci95": intervals, "asr_ci95": [(-1, 1)] * 3}
    bold = [line for line in report_latex(changed).splitlines() if r"\textbf" in line]
    # At t = 0 influence beats both, at 50 only one of them; at 100 none beats both.
    assert [line.split(" & ")[1:3] for line in bold] == [["influence", "0"], ["none", "100"]]


@pytest.mark.parametrize("text", ["", "a", "1;2", "-5", "1.5"])
def test_timesteps_that_are_no_numbers_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--timesteps"):
        parse_timesteps(text)


def test_attacks_are_chosen_by_name() -> None:
    assert parse_attacks(()) is None
    assert "sima" in parse_attacks(("all",))
    with pytest.raises(InputError, match='no attack "oracle"'):
        parse_attacks(("oracle",))


def test_a_percentage_is_refused(study: Study) -> None:
    with pytest.raises(InputError, match=r"`drop_fraction` must be in \[0, 1\), got 40.*0\.40"):
        build_report(study, drop_fraction=40)
