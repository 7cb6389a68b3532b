"""Findings: the numbers are the report's, kept results are found again, sentences are honest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ldviz.cli_findings import findings as findings_command
from ldviz.errors import StudyError
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import roc_auc
from ldviz.metrics.strata import quartiles
from ldviz.study.findings import (
    DIFFERENCES,
    METRICS,
    AttackFindings,
    StudyFindings,
    study_findings,
)
from ldviz.study.findings_set import (
    KEPT_FILE,
    beta_families,
    build_findings,
    has_findings,
    kept_findings,
    save_findings,
)
from ldviz.study.findings_text import findings_text
from ldviz.study.findings_words import (
    complexity_sentence,
    digits_text,
    mask_sentence,
    number_text,
    quartile_sentence,
    reasons,
)
from ldviz.study.report import build_report
from ldviz.study.scores import score_values
from ldviz.study.store import Study, open_study
from tests.pages.hand_made_study import TIMESTEPS, write_hand_made_study

RESAMPLES = 100


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return open_study(write_hand_made_study(tmp_path_factory.mktemp("findings") / "hand"))


@pytest.fixture(scope="module")
def found(study: Study) -> StudyFindings:
    return study_findings(study, num_resamples=RESAMPLES)


def test_masks_and_differences_are_the_reports(study: Study, found: StudyFindings) -> None:
    report = build_report(study, masks=("influence", "random", "highest"), num_resamples=RESAMPLES)[
        "attacks"
    ]["sima"]
    sima = found.attacks["sima"]
    assert sima.timesteps == tuple(report["timesteps"]) == TIMESTEPS
    for metric in METRICS:
        for kind in ("none", "influence", "random", "highest"):
            assert [number.value for number in sima.masks[kind][metric]] == report[kind][metric]
        for a, b in DIFFERENCES:
            numbers = sima.differences[f"{a}_minus_{b}"][metric]
            assert [number.value for number in numbers] == report[f"{a}_minus_{b}"][metric]
            ends = [number.ci95 for number in numbers]
            assert ends == [
                end and tuple(end) for end in report[f"{a}_minus_{b}"][f"{metric}_ci95"]
            ]


def test_quartile_aucs_by_hand(study: Study, found: StudyFindings) -> None:
    quartile = quartiles(study.local_distortion())
    for index, timestep in enumerate(TIMESTEPS):
        values = score_values(study.stored_vectors("sima", timestep), "sima")
        scores = -values.sum(axis=1)
        for q in range(4):
            inside = quartile == q
            expected = roc_auc(study.is_member[inside], scores[inside])
            assert found.attacks["sima"].quartiles[q][index].value == pytest.approx(expected)
        step = found.attacks["sima"].quartile_step[index]
        low, high = (found.attacks["sima"].quartiles[q][index].value for q in (0, 3))
        assert step.value == pytest.approx(high - low)


def test_best_is_the_largest_unmasked_auc(found: StudyFindings) -> None:
    sima = found.attacks["sima"]
    aucs = [number.value for number in sima.masks["none"]["auc"]]
    assert aucs[sima.best] == max(aucs)


def test_the_dropped_share_is_that_of_the_masked_sum(study: Study, found: StudyFindings) -> None:
    values = score_values(study.stored_vectors("sima", study.default_timestep), "sima")
    order = np.argsort(study.influence(), axis=1, kind="stable")
    dropped = np.take_along_axis(values, order[:, : found.num_dropped], axis=1).sum(axis=1)
    assert found.dropped_share == pytest.approx(float(np.median(dropped / values.sum(axis=1))))


def test_findings_survive_json(found: StudyFindings) -> None:
    again = StudyFindings.model_validate_json(found.model_dump_json(exclude_defaults=True))
    assert again == found


def test_kept_findings_are_found_again(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not has_findings(study, num_resamples=RESAMPLES)
    first = kept_findings(study, num_resamples=RESAMPLES)
    assert has_findings(study, num_resamples=RESAMPLES)
    assert not has_findings(study, num_resamples=RESAMPLES, seed=1)
    monkeypatch.setattr("ldviz.study.findings_set.study_findings", _refuse)
    assert kept_findings(study, num_resamples=RESAMPLES) == first
    with pytest.raises(AssertionError, match="computed"):
        kept_findings(study, num_resamples=RESAMPLES, fresh=True)


def test_findings_beside_another_study_are_not_taken(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(study.path, folder)
    copy = open_study(folder)
    result = build_findings({"copy": copy}, {}, num_resamples=RESAMPLES)
    save_findings(copy, result.studies["copy"], result)
    assert (folder / KEPT_FILE).is_file()
    assert has_findings(copy, num_resamples=RESAMPLES)
    other = open_study(write_hand_made_study(tmp_path / "other", num_samples=100))
    shutil.copy(folder / KEPT_FILE, other.path / KEPT_FILE)
    assert not has_findings(other, num_resamples=RESAMPLES)
    assert kept_findings(other, num_resamples=RESAMPLES).n_member == 50


@pytest.mark.parametrize("text", ["", "{", '{"key": 3}', "[]"])
def test_a_damaged_kept_file_counts_as_absent(study: Study, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(study.path, folder)
    (folder / KEPT_FILE).write_text(text)
    assert kept_findings(open_study(folder), num_resamples=RESAMPLES).n_member == 40


def test_a_damaged_study_is_named_and_the_others_stay(study: Study, tmp_path: Path) -> None:
    folder = write_hand_made_study(tmp_path / "broken")
    block = folder / "arrays" / "sima-t0050" / "00000.safetensors"
    content = bytearray(block.read_bytes())
    content[-1] ^= 1
    block.write_bytes(content)
    result = build_findings(
        {"hand": study, "broken": open_study(folder)},
        {"foreign": "it is no study"},
        num_resamples=RESAMPLES,
    )
    assert list(result.studies) == ["hand"]
    assert "has changed" in result.failures["broken"]
    assert result.failures["foreign"] == "it is no study"


def test_a_study_without_an_attack_is_left_out(tmp_path: Path) -> None:
    bare = open_study(write_hand_made_study(tmp_path / "bare", with_attack=False))
    result = build_findings({"bare": bare}, {}, num_resamples=RESAMPLES)
    assert not result.studies
    assert "no attack" in result.failures["bare"]


def variants(
    study: Study, found: StudyFindings, betas: dict[str, tuple[float, str]]
) -> tuple[dict[str, Study], dict[str, StudyFindings]]:
    """The hand-made study under other names, betas and image digests."""
    studies, findings = {}, {}
    for name, (beta, images) in betas.items():
        settings = {"kl_weight": beta, "epochs": 3}
        made_by = study.manifest.made_by.model_copy(update={"recipe": {"autoencoder": settings}})
        data = study.manifest.data.model_copy(update={"images_sha256": images})
        changes = {"name": name, "made_by": made_by, "data": data}
        studies[name] = Study(study.path, study.manifest.model_copy(update=changes))
        findings[name] = found.model_copy(update={"name": name, "kl_weight": beta})
    return studies, findings


def test_betas_are_compared_only_on_the_same_images(study: Study, found: StudyFindings) -> None:
    betas = {"strong": (0.1, "a"), "weak": (0.001, "a"), "other": (0.01, "b")}
    families = beta_families(*variants(study, found, betas))
    assert [[row.study for row in rows] for rows in families] == [["weak", "strong"]]
    row = families[0][0]
    sima = found.attacks["sima"]
    assert row.masks["none"]["auc"] == sima.masks["none"]["auc"][sima.best]
    assert row.quartile_step == sima.quartile_step[sima.best]
    assert not any(row.is_reference for row in families[0])


def test_the_reference_is_the_name_that_begins_the_others(
    study: Study, found: StudyFindings
) -> None:
    betas = {"shapes-beta-1e-1": (0.1, "a"), "shapes": (0.01, "a")}
    (rows,) = beta_families(*variants(study, found, betas))
    assert [(row.study, row.is_reference) for row in rows] == [
        ("shapes", True),
        ("shapes-beta-1e-1", False),
    ]


def test_every_number_of_the_text_is_in_the_findings(study: Study) -> None:
    result = build_findings({"hand": study}, {}, num_resamples=RESAMPLES)
    text = findings_text(result)
    for attack in result.studies["hand"].attacks.values():
        for numbers in attack.quartiles:
            assert all(number_text(number) in text for number in numbers)
        for numbers in attack.differences.values():
            assert all(number_text(number, signed=True) in text for number in numbers["auc"])


# Sentences, by hand-made numbers.


def made(value: float | None, low: float = 0.0, high: float = 0.0) -> Measured:
    return Measured(value=value, ci95=None if value is None else (low, high))


def attack_with(
    found: StudyFindings, *, step: Measured, gain: Measured, beats: Measured
) -> AttackFindings:
    """The hand-made study's attack at its best timestep, with these numbers there."""
    sima = found.attacks["sima"]

    def put(numbers: tuple[Measured, ...], number: Measured) -> tuple[Measured, ...]:
        return tuple(number if i == sima.best else old for i, old in enumerate(numbers))

    differences = {pair: dict(numbers) for pair, numbers in sima.differences.items()}
    for pair, number in (("influence_minus_none", gain), ("influence_minus_random", beats)):
        differences[pair]["auc"] = put(differences[pair]["auc"], number)
    return sima.model_copy(
        update={"quartile_step": put(sima.quartile_step, step), "differences": differences}
    )


@pytest.mark.parametrize(
    ("step", "start"),
    [
        (made(0.1, 0.05, 0.15), "Yes."),
        (made(0.1, -0.05, 0.25), "Not shown"),
        (made(-0.1, -0.15, -0.05), "No, the other way round"),
        (made(None), "Not available"),
    ],
)
def test_the_quartile_sentence_follows_the_interval(
    found: StudyFindings, step: Measured, start: str
) -> None:
    attack = attack_with(found, step=step, gain=made(0.0), beats=made(0.0))
    assert quartile_sentence(attack).startswith(start)


@pytest.mark.parametrize(
    ("gain", "start"),
    [
        (made(0.02, 0.01, 0.03), "It helps the attack: +0.020 [+0.010, +0.030]"),
        (made(-0.02, -0.03, -0.01), "It costs the attack −0.020"),
        (made(0.02, -0.01, 0.05), "Against no mask it changes nothing that shows"),
    ],
)
def test_the_mask_sentence_follows_the_interval(
    found: StudyFindings, gain: Measured, start: str
) -> None:
    attack = attack_with(found, step=made(0.0), gain=gain, beats=made(0.1, 0.05, 0.2))
    assert mask_sentence(attack).startswith(start)
    assert "better than dropping as many at random" in mask_sentence(attack)


def test_reasons_are_given_only_where_an_effect_does_not_show(found: StudyFindings) -> None:
    shown = made(0.1, 0.05, 0.15)
    hidden = made(0.1, -0.05, 0.15)
    both = attack_with(found, step=shown, gain=shown, beats=shown)
    neither = attack_with(found, step=hidden, gain=hidden, beats=shown)
    assert reasons(found, both) == []
    assert len(reasons(found, neither)) == 2
    small = found.model_copy(update={"dropped_share": 0.0004})
    assert "less than 0.1 % of the statistic" in reasons(small, neither)[1]
    large = found.model_copy(update={"dropped_share": 0.3})
    assert "at most 30.0 %" in reasons(large, neither)[1]


def test_complexity_sentences() -> None:
    assert complexity_sentence("edge_length", made(0.5, 0.4, 0.6)) == (
        "Local distortion rises with the edge length: r = +0.500 [+0.400, +0.600]."
    )
    assert "does not follow" in complexity_sentence("num_shapes", made(0.01, -0.1, 0.1))


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0004, "0.000"), (0.0004, "0.000"), (-0.01, "−0.010"), (0.2, "+0.200")]
)
def test_zero_has_no_sign(value: float, text: str) -> None:
    assert digits_text(value, signed=True) == text


# The command.


@pytest.fixture
def command(study: Study, monkeypatch: pytest.MonkeyPatch):
    import typer

    monkeypatch.setenv("LDVIZ_STUDIES", str(study.path.parent))
    app = typer.Typer()
    app.command()(findings_command)
    return lambda *arguments: CliRunner().invoke(app, ["--resamples", str(RESAMPLES), *arguments])


def test_the_command_prints_json(command, found: StudyFindings) -> None:
    result = command("--json")
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    assert content["studies"]["hand"] == json.loads(found.model_dump_json())
    assert content["num_resamples"] == RESAMPLES


def test_the_command_prints_text(command) -> None:
    result = command("hand")
    assert "Do higher-distortion quarters leak more?" in result.stdout


def test_an_unknown_study_is_refused(command) -> None:
    result = command("atlantis")
    assert isinstance(result.exception, StudyError)
    assert 'There is no study "atlantis"' in str(result.exception)


def test_missing_attacks_are_computed_when_asked(tiny_study_folder: Path) -> None:
    tiny = open_study(tiny_study_folder)
    plain = study_findings(tiny, num_resamples=RESAMPLES)
    assert list(plain.attacks) == ["sima"]
    found = study_findings(tiny, num_resamples=RESAMPLES, compute=True, device="cpu")
    assert found.attacks["sima"] == plain.attacks["sima"]
    assert found.attacks["pia"].timesteps == (60, 120, 200)
    assert found.attacks["pfami"].timesteps == (None,)


def _refuse(*arguments, **options):
    raise AssertionError("computed")
