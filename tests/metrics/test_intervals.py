"""Bootstrap intervals against slow twins and known answers."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.metrics import intervals, roc


@pytest.fixture
def case():
    generator = np.random.default_rng(0)
    is_member = np.arange(300) % 2 == 0
    base = generator.standard_normal(300) + is_member
    return is_member, {
        "none": base,
        "influence": base + 0.3 * generator.standard_normal(300),
        "random": base + generator.standard_normal((4, 300)),
    }


def test_points_are_the_metrics_and_draws_are_averaged(case):
    is_member, scores = case
    table = intervals.metric_intervals(
        is_member, scores, pairs=[("influence", "none")], num_resamples=50, fprs=(0.1, 0.001)
    )
    exact = roc.curve_metrics(is_member, scores["random"], fprs=(0.1,))
    for key in ("auc", "asr", "tpr_at_10pct_fpr"):
        assert table.metrics["random"][key].value == pytest.approx(exact[key].mean())
        difference = table.differences["influence", "none"][key]
        assert difference.value == pytest.approx(
            table.metrics["influence"][key].value - table.metrics["none"][key].value
        )
    assert table.metrics["none"]["auc"].n_member == 150
    assert table.metrics["none"]["tpr_at_0_1pct_fpr"].value is None
    assert table.metrics["none"]["tpr_at_0_1pct_fpr"].ci95 is None


def test_unknown_pair_is_named(case):
    is_member, scores = case
    with pytest.raises(InputError, match='No scores named "highest"'):
        intervals.metric_intervals(is_member, scores, pairs=[("none", "highest")])
