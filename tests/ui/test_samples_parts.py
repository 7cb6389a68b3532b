"""The samples page's parts: thresholds, bins, filters, against counting by hand."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldviz.figures.histogram import MAX_BINS, score_bins
from ldviz.figures.sample_scatter import MAX_POINTS, drawn_rows, sample_scatter
from ldviz.figures.score_axis import score_axis
from ldviz.metrics.roc import attack_success_rate, confusion_counts, tpr_at_fpr
from ldviz.study.store import open_study
from ldviz.ui.samples import Samples
from ldviz.ui.samples_histogram import histogram_payload, threshold_presets
from ldviz.ui.samples_table import TableFilter, filtered_rows, standing, table_rows
from tests.pages.hand_made_study import write_hand_made_study

GENERATOR = np.random.default_rng(5)
IS_MEMBER = np.arange(400) % 2 == 0
SCORES = -np.exp(GENERATOR.standard_normal(400) - 0.8 * IS_MEMBER)


def test_a_negative_score_is_drawn_on_a_logarithmic_axis_that_keeps_order():
    axis = score_axis(SCORES)
    assert axis.logarithmic
    assert (np.argsort(axis.places) == np.argsort(SCORES)).all()
    assert axis.score_at(axis.places[7]) == pytest.approx(SCORES[7])
    for tick, text in zip(axis.ticks, axis.tick_texts, strict=True):
        assert float(text.replace("−", "-")) == pytest.approx(axis.score_at(tick))


def test_signed_scores_stay_linear():
    axis = score_axis(np.array([-3.0, 0.0, 7.0]))
    assert not axis.logarithmic
    assert axis.ticks == pytest.approx((-2, 0, 2, 4, 6))


def test_an_axis_of_one_value_has_a_tick():
    assert len(score_axis(np.full(4, 2.0)).ticks) == 1
    assert len(score_axis(np.full(4, -2.0)).ticks) >= 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_every_sample_is_in_exactly_one_bin(values):
    places = np.array(values)
    is_member = np.arange(len(places)) % 3 == 0
    bins = score_bins(places, is_member)
    assert bins.member.sum() == is_member.sum()
    assert bins.held_out.sum() == (~is_member).sum()
    assert len(bins.edges) <= MAX_BINS + 1


def test_presets_are_the_thresholds_of_the_metrics():
    presets = {entry["label"]: entry["at"] for entry in threshold_presets(SCORES, IS_MEMBER)}
    counts = confusion_counts(IS_MEMBER, SCORES, presets["1% of held-out accused"])
    assert counts["held_out_accused"] == 2
    assert counts["members_found"] / 200 == tpr_at_fpr(IS_MEMBER, SCORES, 0.01)
    best = confusion_counts(IS_MEMBER, SCORES, presets["best success rate"])
    rate = (best["members_found"] / 200 + best["held_out_cleared"] / 200) / 2
    assert rate == pytest.approx(attack_success_rate(IS_MEMBER, SCORES))


def test_too_few_held_out_images_offer_no_small_false_positive_rate():
    is_member = np.arange(8) < 5
    labels = [entry["label"] for entry in threshold_presets(np.arange(8.0), is_member)]
    assert labels == ["best success rate"]
    assert threshold_presets(np.arange(8.0), np.ones(8, dtype=bool)) == []


def test_the_browser_gets_sorted_places_of_each_class():
    payload = histogram_payload(
        score_axis(SCORES), IS_MEMBER, np.array([0, 1, 3]), key="k", file_stem="f"
    )
    sent = np.frombuffer(base64.b64decode(payload["held_out_places"]), dtype="<f8")
    assert sent == pytest.approx(np.sort(score_axis(SCORES).places[~IS_MEMBER]))
    assert (len(payload["chosen"]["member"]), len(payload["chosen"]["held_out"])) == (1, 2)


def test_drawn_points_are_few_and_hold_the_chosen_ones():
    assert (drawn_rows(100, np.array([3])) == np.arange(100)).all()
    always = np.arange(49_990, 50_000)
    rows = drawn_rows(50_000, always)
    assert len(rows) <= MAX_POINTS
    assert np.isin(always, rows).all()
    assert (np.diff(rows) > 0).all()


def drawn(selected: np.ndarray, rows: np.ndarray):
    return sample_scatter(
        np.arange(400.0),
        score_axis(SCORES),
        IS_MEMBER,
        np.arange(400) + 1000,
        rows=rows,
        rank=20,
        cuts=np.array([100.0, 200.0, 300.0]),
        selected=selected,
        current=4,
    )


def test_points_carry_ids_and_chosen_ones_stand_out():
    selected = np.zeros(400, dtype=bool)
    selected[[2, 5]] = True
    figure = drawn(selected, np.array([0, 1, 2, 5, 6]))
    members, held_out, current = figure.data
    assert [entry[0] for entry in members.customdata] == [1000, 1002, 1006]
    assert [entry[0] for entry in held_out.customdata] == [1001, 1005]
    assert (list(members.selectedpoints), list(held_out.selectedpoints)) == ([1], [1])
    assert list(current.x) == [4.0]
    assert figure.layout.xaxis.title.text == "Local distortion, rank 20 (nats)"
    assert [shape.x0 for shape in figure.layout.shapes] == [100, 200, 300]


def test_without_a_choice_no_point_fades():
    assert drawn(np.zeros(400, dtype=bool), np.arange(400)).data[0].selectedpoints is None


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    study = open_study(write_hand_made_study(tmp_path_factory.mktemp("studies") / "noise"))
    scores = np.random.default_rng(1).integers(-9, 0, 80).astype(float)
    return Samples(
        study=study,
        attack="sima",
        timestep=50,
        mask_title="no mask",
        scores=scores,
        axis=score_axis(scores),
        distortion=study.local_distortion(),
        quartile=np.arange(80) // 20,
        chosen=np.array([1, 2, 70]),
        positive="member",
    )


def test_filters_equal_a_loop_over_samples(samples: Samples):
    wanted = TableFilter("score-high", "member", (0, 3))
    expected = sorted(
        (row for row in range(80) if row % 2 == 0 and row // 20 in (0, 3)),
        key=lambda row: (-samples.scores[row], row),
    )
    assert filtered_rows(samples, wanted).tolist() == expected
    only = TableFilter("distortion-low", only_chosen=True)
    assert filtered_rows(samples, only).tolist() == [1, 2, 70]


def test_equal_scores_share_the_better_place():
    assert standing(np.array([5.0, 7.0, 5.0, 1.0])).tolist() == [2, 1, 2, 4]


def test_exported_rows_hold_what_the_table_shows(samples: Samples):
    (row,) = table_rows(samples, np.array([70]))
    assert row["sample_id"] == 170
    assert row["is_member"] is True
    assert row["quartile"] == 4
    assert row["membership_score"] == samples.scores[70]
    assert row["label"] == int(samples.study.labels[70])


def test_ids_reach_the_browser_as_lists():
    """Plotly sends arrays packed, and hands a packed point back without its id."""
    figure = drawn(np.zeros(400, dtype=bool), np.arange(400))
    assert '"customdata":[[1000],[1002]' in figure.to_json()
