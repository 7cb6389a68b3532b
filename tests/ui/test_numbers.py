"""How numbers are worded: what is missing, what is a difference, whose it is, what it allows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import roc_auc
from ldviz.metrics.timestep import timestep_choice
from ldviz.study.store import open_study
from ldviz.ui.numbers import (
    Tile,
    bracketed_text,
    interval_text,
    measured_text,
    sample_text,
    tiles_html,
    value_text,
)
from ldviz.ui.numbers_facts import count_text, duration_text, study_facts
from ldviz.ui.numbers_story import chosen_timestep_note, story
from ldviz.ui.numbers_study import (
    Headline,
    distortion_auc,
    headline,
    image_scores,
    selection_auc,
)
from tests.pages.hand_made_study import write_hand_made_study

AUC = Measured(
    value=0.8534, ci95=(0.836, 0.870), n_member=898, n_held_out=899, seed=3, num_resamples=2000
)
PAPER = Measured(value=0.891, source="paper")
MISSING = Measured(value=None, note="One class only.")


def difference(value: float, half: float) -> Measured:
    return Measured(value=value, ci95=(value - half, value + half))


def made_headline(**changes) -> Headline:
    fields = {
        "attack": "SimA",
        "timestep": 50,
        "num_timesteps": 9,
        "honest_auc": 0.8461,
        "num_dropped": 102,
        "latent_dim": 256,
        "auc": {"none": AUC, "influence": AUC, "random": AUC},
        "difference": {
            ("influence", "none"): difference(0.0, 0.01),
            ("random", "none"): difference(-0.03, 0.01),
            ("influence", "random"): difference(0.03, 0.01),
        },
        "quartile": tuple(difference(0.7 + 0.05 * q, 0.02) for q in range(4)),
        "quartile_step": difference(0.15, 0.05),
        "rank": 20,
    }
    return Headline(**(fields | changes))


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (0.8534, False, "0.853"),
        (0.0231, True, "+0.023"),
        (-0.0231, True, "−0.023"),
        (0.0001, True, "0.000"),
        (-0.0001, True, "0.000"),
        (None, False, "not available"),
        (math.nan, True, "not available"),
    ],
)
def test_values(value, signed, text):
    assert value_text(value, signed=signed) == text


def test_a_number_in_running_text_carries_its_interval():
    assert measured_text(AUC) == "0.853 (95 % interval 0.836 to 0.870)"
    assert bracketed_text(AUC) == "0.853 [0.836, 0.870]"
    assert bracketed_text(MISSING) == "not available"
    assert interval_text(difference(-0.02, 0.03), signed=True) == "−0.050 to +0.010"
    assert measured_text(MISSING) == "not available"
    assert sample_text(AUC) == "898 members, 899 held-out; 2,000 resamples, seed 3"
    assert sample_text(PAPER) == ""


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (difference(0.00021, 0.00031), "+0.0002 [−0.0001, +0.0005]"),
        (difference(-0.071, 0.006), "−0.071 [−0.077, −0.065]"),
        (difference(0.0, 0.0), "0.000 [0.000, 0.000]"),
    ],
)
def test_a_narrow_interval_gets_the_decimals_that_show_it(number, text):
    assert bracketed_text(number, signed=True) == text


def test_the_papers_numbers_are_told_apart_without_colour():
    assert measured_text(PAPER) == "0.891 (from the paper)"
    html = tiles_html([Tile("ours", AUC), Tile("theirs", PAPER)])
    ours, theirs = html.split('<div class="ldviz-tile ')[1:]
    assert ours.startswith("computed")
    assert ">paper</em>" not in ours
    assert theirs.startswith("paper")
    assert ">paper</em>" in theirs


def test_tiles_show_interval_counts_seed_and_why_a_number_is_missing():
    html = tiles_html([Tile("a <b>", AUC), Tile("b", MISSING)])
    assert "a &lt;b&gt;" in html
    assert "95 % 0.836 to 0.870" in html
    assert 'title="898 members, 899 held-out; 2,000 resamples, seed 3"' in html
    assert "not available</b><small>One class only.</small>" in html


def test_a_mask_that_changes_nothing_is_not_called_a_gain():
    text = story(made_headline())
    assert "not to be told from zero" in text
    assert "the others can go at no cost, a random choice cannot" in text
    assert "102 of 256" in text
    assert "rising from quarter to quarter" in text


@pytest.mark.parametrize(
    ("influence", "against_random", "words"),
    [
        (
            difference(0.02, 0.01),
            difference(0.05, 0.01),
            "raises the AUC by **+0.020 [+0.010, +0.030]**",
        ),
        (difference(-0.02, 0.01), difference(0.01, 0.01), "unlike in the paper"),
        (difference(0.0, 0.01), difference(0.01, 0.02), "does not show where in the latent"),
    ],
)
def test_masks_are_worded_by_their_intervals(influence, against_random, words):
    numbers = made_headline(
        difference={
            ("influence", "none"): influence,
            ("random", "none"): difference(-0.03, 0.01),
            ("influence", "random"): against_random,
        }
    )
    assert words in story(numbers)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (difference(0.02, 0.03), "no difference that can be told from zero"),
        (difference(-0.1, 0.03), "the reverse of what the paper found"),
        (Measured(value=None), "too small here"),
    ],
)
def test_quartiles_are_worded_by_their_interval(step, words):
    assert words in story(made_headline(quartile_step=step))


def test_an_order_that_is_broken_on_the_way_is_said_to_be():
    values = (0.7, 0.8, 0.75, 0.85)
    quartile = tuple(difference(value, 0.02) for value in values)
    assert "not rising at every step" in story(made_headline(quartile=quartile))


def test_an_attack_that_may_be_guessing_is_said_to_be():
    guess = Measured(value=0.52, ci95=(0.49, 0.55), n_member=10, n_held_out=10)
    text = story(made_headline(auc={"none": guess, "influence": guess, "random": guess}))
    assert "cannot be shown to tell them apart" in text


def test_a_timestep_chosen_on_the_labels_is_called_optimistic():
    note = chosen_timestep_note(made_headline())
    assert "optimistic" in note
    assert "scored on the other, it is 0.846" in note
    assert "scored on the other" not in chosen_timestep_note(made_headline(honest_auc=None))
    assert chosen_timestep_note(made_headline(timestep=None)) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(41.0, "41 s"), (1320.0, "22 min"), (3900.0, "1 h 5 min"), (None, "not recorded")],
)
def test_durations(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(842, "842"), (230_123, "230 k"), (701_234, "0.70 M"), (859_520_964, "860 M")],
)
def test_counts(count, text):
    assert count_text(count) == text


def test_the_headline_agrees_with_a_slow_count_of_pairs(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    numbers = headline(study, num_resamples=200)
    vectors = study.stored_vectors("sima", 50).astype(np.float64)
    scores = -(vectors**4).sum(axis=1)
    assert image_scores(study) == pytest.approx(scores)
    assert numbers.auc["none"].value == pytest.approx(roc_auc(study.is_member, scores))
    assert (numbers.num_dropped, numbers.latent_dim, numbers.num_timesteps) == (9, 24, 2)
    by_timestep = [
        -(study.stored_vectors("sima", t).astype(np.float64) ** 4).sum(1) for t in (0, 50)
    ]
    choice = timestep_choice(study.is_member, np.stack(by_timestep))
    assert numbers.honest_auc == pytest.approx(choice.honest["none"]["auc"])
    kept = np.argsort(study.influence(), axis=1, kind="stable")[:, 9:]
    masked = -np.take_along_axis(vectors**4, kept, axis=1).sum(axis=1)
    assert numbers.auc["influence"].value == pytest.approx(roc_auc(study.is_member, masked))
    # Distortion grows with the row, so the quarters are runs of twenty.
    for quarter, number in enumerate(numbers.quartile):
        rows = slice(20 * quarter, 20 * quarter + 20)
        assert number.value == pytest.approx(roc_auc(study.is_member[rows], scores[rows]))
        assert (number.n_member, number.n_held_out) == (10, 10)


def test_a_study_without_an_attack_has_no_headline(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise", with_attack=False))
    assert headline(study) is None
    assert image_scores(study) is None
    assert selection_auc(study, np.arange(4)) is None


def test_distortion_alone_is_scored_as_any_other_score(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    # Members are the even rows and distortion grows with the row: of 40 x 40 pairs the
    # member lies higher in 0 + 1 + ... + 39.
    assert distortion_auc(study).value == pytest.approx(780 / 1600)


def test_a_selection_of_one_class_has_no_auc(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    assert selection_auc(study, np.array([0, 2, 4])).value is None
    assert selection_auc(study, np.array([0, 1])).value in (0.0, 1.0)


def test_the_card_lists_images_model_and_analysis(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    card = {title: dict(facts) for title, facts in study_facts(study)}
    assert card["Images"]["Count"] == "80"
    assert card["Images"]["Members"] == "40"
    assert card["Images"]["Classes"] == "3"
    assert card["Model"]["Latents"] == "2 × 3 × 4, d = 24"
    assert card["Model"]["Denoiser"] == "0.70 M parameters"
    assert card["Model"]["Trained in"] == "22 min"
    assert card["Analysis"]["SimA"] == "2 timesteps, 0 to 50"
    assert card["Analysis"]["Digest"] == f"{study.digest[:12]}…"
