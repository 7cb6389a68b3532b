"""The timestep: chosen without a mask, reused for all masks, honest and optimistic."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.metrics import roc, strata
from ldviz.metrics.timestep import timestep_choice


@pytest.fixture
def case():
    generator = np.random.default_rng(0)
    is_member = np.arange(80) % 2 == 0
    strength = np.array([0.2, 1.0, 0.9, 0.1])[:, None]
    unmasked = strength * is_member + generator.standard_normal((4, 80))
    masked = {
        "influence": unmasked + 0.2 * generator.standard_normal((4, 80)),
        "random": unmasked + generator.standard_normal((3, 4, 80)),
    }
    return is_member, unmasked, masked


def test_equals_a_walk_through_by_hand(case):
    is_member, unmasked, masked = case
    choice = timestep_choice(is_member, unmasked, masked, seed=1, fprs=(0.1,))
    first = strata.stratified_halves(is_member, seed=1)
    aucs = [roc.roc_auc(is_member, row) for row in unmasked]
    assert choice.best == int(np.argmax(aucs))
    chosen = [
        int(np.argmax([roc.roc_auc(is_member[half], row[half]) for row in unmasked]))
        for half in (first, ~first)
    ]
    assert choice.chosen == tuple(chosen)
    assert choice.optimistic["none"]["auc"] == pytest.approx(max(aucs))
    for name, scores in {"none": unmasked, **masked}.items():
        draws = scores if scores.ndim == 3 else scores[None]
        honest = [
            np.mean([roc.roc_auc(is_member[half], draw[timestep][half]) for draw in draws])
            for half, timestep in ((~first, chosen[0]), (first, chosen[1]))
        ]
        assert choice.honest[name]["auc"] == pytest.approx(np.mean(honest))
        assert choice.optimistic[name]["tpr_at_10pct_fpr"] == pytest.approx(
            np.mean([roc.tpr_at_fpr(is_member, draw[choice.best], 0.1) for draw in draws])
        )


def test_the_mask_does_not_choose(case):
    is_member, unmasked, _ = case
    # A mask that is perfect at timestep 3, where the attack without a mask is worst.
    masked = unmasked.copy()
    masked[3] = is_member
    choice = timestep_choice(is_member, unmasked, {"influence": masked}, fprs=())
    assert 3 not in (choice.best, *choice.chosen)
    assert choice.optimistic["influence"]["auc"] < 1.0


def test_at_chance_only_the_optimistic_figure_is_above_one_half():
    is_member = np.arange(60) % 2 == 0
    honest, optimistic = [], []
    for trial in range(150):
        scores = np.random.default_rng(trial).standard_normal((20, 60))
        choice = timestep_choice(is_member, scores, seed=trial, fprs=())
        honest.append(choice.honest["none"]["auc"])
        optimistic.append(choice.optimistic["none"]["auc"])
    error = np.std(honest) / np.sqrt(150)
    assert abs(np.mean(honest) - 0.5) < 4 * error
    assert np.mean(optimistic) > 0.6


def test_positive_class_reaches_the_metrics(case):
    is_member, unmasked, _ = case
    choice = timestep_choice(is_member, unmasked, positive="held_out", fprs=(0.1,))
    assert choice.optimistic["none"]["tpr_at_10pct_fpr"] == pytest.approx(
        roc.tpr_at_fpr(is_member, unmasked[choice.best], 0.1, positive="held_out")
    )


def test_bad_input(case):
    is_member, unmasked, masked = case
    with pytest.raises(InputError, match=r'mask "random" have shape \(3, 2, 80\)'):
        timestep_choice(is_member, unmasked, {"random": masked["random"][:, :2]})
    with pytest.raises(InputError, match="two held-out images, there are 79 and 1"):
        timestep_choice(np.arange(80) > 0, unmasked)
