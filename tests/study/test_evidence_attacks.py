"""Comparing attacks: clear winners, stored ranks, and pairs, against hand-made numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.attacks.masks import MaskSpec
from ldviz.metrics.intervals import MetricTable
from ldviz.metrics.measured import Measured
from ldviz.study.evidence_agreement import pair_agreements, share_interval
from ldviz.study.evidence_attacks import (
    best_timestep,
    clear_winner,
    compare_at,
    compare_best,
    measure_attack,
    table_scores,
)
from ldviz.study.store import Study, open_study
from ldviz.ui.evidence_table import AttackBlock, table_html, table_latex, table_rows
from tests.pages.hand_made_study import write_hand_made_study

PAIRS = (("influence", "none"), ("influence", "random"), ("none", "random"))
KEYS = ("auc", "asr", "tpr_at_1pct_fpr")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return open_study(write_hand_made_study(tmp_path_factory.mktemp("studies") / "noise"))


def table(*intervals: tuple[float, float] | None) -> MetricTable:
    """A table whose differences have these intervals, in the order of ``PAIRS``."""
    values = {"influence": 0.8, "none": 0.75, "random": 0.7}
    return MetricTable(
        metrics={
            kind: {key: Measured(value=value, ci95=(value - 0.1, value + 0.1)) for key in KEYS}
            for kind, value in values.items()
        },
        differences={
            pair: {key: Measured(value=0.05, ci95=interval) for key in KEYS}
            for pair, interval in zip(PAIRS, intervals, strict=True)
        },
    )


@pytest.mark.parametrize(
    ("intervals", "winner"),
    [
        (((0.01, 0.1), (0.02, 0.2), (0.01, 0.1)), "influence"),
        (((-0.01, 0.1), (0.02, 0.2), (0.01, 0.1)), None),
        (((-0.1, -0.01), (0.02, 0.2), (0.01, 0.1)), "none"),
        (((-0.1, -0.01), (-0.2, -0.1), (-0.1, -0.01)), "random"),
        (((0.01, 0.1), (0.0, 0.2), (0.01, 0.1)), None),
        ((None, (0.02, 0.2), (0.01, 0.1)), None),
    ],
)
def test_only_a_mask_that_beats_both_others_wins(intervals, winner) -> None:
    assert clear_winner(table(*intervals), "auc") == winner


def test_bold_is_for_clear_winners_alone() -> None:
    clear = AttackBlock("sima", 50, table((0.01, 0.1), (0.02, 0.2), (0.01, 0.1)))
    unclear = AttackBlock("pia", 50, table((-0.01, 0.1), (0.02, 0.2), (0.01, 0.1)))
    assert table_html([clear]).count("<b>0.800</b>") == 3
    assert "<b>" not in table_html([unclear])
    assert table_latex([clear], "note").count(r"\textbf{80.00}") == 3
    assert r"\textbf" not in table_latex([unclear], "note")


def test_the_latex_table_has_the_papers_rows_in_percent() -> None:
    text = table_latex([AttackBlock("sima", 50, table((0, 1), (0, 1), (0, 1)))], "the note")
    lines = text.splitlines()
    assert lines[0] == "% the note"
    assert r"SimA & random & 50 & 70.00 {\scriptsize [60.0, 80.0]}" in text
    assert [line.split(" & ")[1] for line in lines if line.startswith("SimA")] == [
        "random",
        "none",
        "influence",
    ]
    assert lines[-1] == r"\end{tabular}"


def test_exported_rows_hold_differences_and_settings() -> None:
    block = AttackBlock("sima", 50, table((0.01, 0.1), (0.02, 0.2), (0.01, 0.1)))
    rows = table_rows([block], {"drop_fraction": 0.4})
    assert len(rows) == 3 * (3 + 3)
    (row,) = [
        row for row in rows if row["quantity"] == "influence_minus_none" and row["metric"] == "auc"
    ]
    assert (row["ci95_low"], row["ci95_high"], row["drop_fraction"]) == (0.01, 0.1, 0.4)


def test_a_comparison_names_what_is_there_what_is_missing_and_what_is_undefined(
    study: Study,
) -> None:
    at = compare_at(study, 50, MaskSpec())
    assert at.at == {"sima": 50}
    assert at.missing == {"loss": 50, "pia": 50, "pian": 50, "secmi": 50, "pfami": None}
    assert compare_at(study, 45, MaskSpec()).undefined.keys() == {"secmi"}
    assert not at.optimistic
    best = compare_best(study, MaskSpec())
    assert best.optimistic
    assert best.at == {"sima": best_timestep(study, "sima", MaskSpec())[0]}


def test_stored_ranks_serve_the_standard_mask_and_no_other(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ldviz.study import evidence_attacks

    ranks = {kind: np.arange(80.0) for kind in ("none", "influence")} | {
        "random": np.tile(np.arange(80.0), (10, 1))
    }
    monkeypatch.setattr(evidence_attacks, "ordered_scores", lambda *_: ranks)
    assert table_scores(study, "secmi", 50, MaskSpec())["random"].shape == (10, 80)
    assert table_scores(study, "secmi", 50, MaskSpec(drop_fraction=0.5)) is None
    assert table_scores(study, "secmi", 50, MaskSpec(channels_off=(0,))) is None


def test_an_attacks_block_holds_paired_differences(study: Study) -> None:
    scores = table_scores(study, "sima", 50, MaskSpec())
    block = measure_attack(study, scores, num_resamples=100)
    gap = block.metrics["influence"]["auc"].value - block.metrics["none"]["auc"].value
    assert block.differences["influence", "none"]["auc"].value == pytest.approx(gap)
    assert set(block.differences) == set(PAIRS)


def test_an_attack_agrees_wholly_with_itself_and_inversely_with_its_negative(
    study: Study,
) -> None:
    scores = np.random.default_rng(0).standard_normal(80)
    pairs = pair_agreements(
        study, {"a": scores, "b": 3 * scores + 1, "c": -scores}, num_resamples=100
    )
    assert [(pair.a, pair.b) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert pairs[0].correlation.value == pytest.approx(1.0)
    assert pairs[1].correlation.value == pytest.approx(-1.0)


def test_with_too_few_held_out_images_there_is_no_overlap(study: Study) -> None:
    pairs = pair_agreements(study, {"a": np.arange(80.0), "b": np.arange(80.0)}, num_resamples=100)
    assert pairs[0].overlap.value is None
    assert "1 %" in pairs[0].overlap.note


def test_the_overlap_is_counted_by_hand(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    is_member = np.arange(400) < 200
    monkeypatch.setattr(Study, "is_member", property(lambda self: is_member))
    first, second = np.zeros(400), np.zeros(400)
    first[:30] = 1.0
    second[20:60] = 1.0
    (pair,) = pair_agreements(study, {"a": first, "b": second}, num_resamples=100)
    assert pair.overlap.value == pytest.approx(10 / 60)
    assert pair.overlap.ci95 == pytest.approx(share_interval(10, 60))


def test_a_shares_interval_is_wilsons() -> None:
    assert share_interval(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert share_interval(0, 20)[0] == 0.0
