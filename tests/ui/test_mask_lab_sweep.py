"""The sweep that the mask lab draws, against masks evaluated one by one."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass

import numpy as np
import pytest

from ldviz.attacks.masks import MaskSpec, drop_order, evaluate_mask, num_dropped, on_dimensions
from ldviz.attacks.ranked import drop_ranks
from ldviz.attacks.statistic import masked_statistic, powered
from ldviz.errors import InputError
from ldviz.metrics.roc import attack_success_rate, detection_counts, roc_auc, tpr_at_fpr
from ldviz.ui.mask_sweep import (
    LARGEST_FRACTION,
    Sweep,
    SweepDesk,
    build_sweep,
    kept_shares,
    moving_sums,
    packed,
    packed_sweep,
    slider_fractions,
    sweep_steps,
)

LATENT_SHAPE = (3, 2, 4)
NUM_DRAWS = 4
SPECS = [
    MaskSpec(),
    MaskSpec(channels_off=(1,)),
    MaskSpec(channels_off=(0,), cells_off=(0, 3, 6)),
]


@dataclass(frozen=True)
class Case:
    values: np.ndarray
    influence: np.ndarray
    is_member: np.ndarray
    orders: dict


def make_case(num_samples: int = 150, seed: int = 0, ties: bool = False) -> Case:
    generator = np.random.default_rng(seed)
    latent_dim = int(np.prod(LATENT_SHAPE))
    is_member = generator.permutation(np.arange(num_samples) < 0.45 * num_samples)
    influence = generator.standard_normal((num_samples, latent_dim)).astype(np.float32)
    vectors = generator.standard_normal(influence.shape) * (1 - 0.4 * is_member[:, None])
    if ties:
        vectors = np.round(vectors)
    sample_ids = np.arange(num_samples) * 3 + 5
    orders = {
        kind: drop_order(kind, influence, sample_ids, ranking="sample", seed=2, draw=0)
        for kind in ("influence", "highest")
    }
    orders["random"] = [
        drop_order("random", influence, sample_ids, ranking="sample", seed=2, draw=draw)
        for draw in range(NUM_DRAWS)
    ]
    return Case(powered(vectors.astype(np.float16), 2), influence, is_member, orders)


def slow_scores(case: Case, spec: MaskSpec, kind: str, fraction: float) -> list[np.ndarray]:
    """Membership scores of each draw, through explicit masks."""
    sample_ids = np.arange(len(case.is_member)) * 3 + 5
    draws = range(NUM_DRAWS) if kind == "random" else [0]
    return [
        -masked_statistic(
            case.values,
            evaluate_mask(
                spec.model_copy(
                    update={"kind": kind, "drop_fraction": fraction, "seed": 2, "draw": draw}
                ),
                case.influence,
                sample_ids,
                LATENT_SHAPE,
            ),
        )
        for draw in draws
    ]


def row_of(sweep: Sweep, fraction: float) -> int:
    return int(sweep.row[np.argmin(np.abs(sweep.fractions - fraction))])


@pytest.mark.parametrize("spec", SPECS, ids=["all", "channel", "channel-and-cells"])
@pytest.mark.parametrize("kind", ["influence", "random", "highest"])
@pytest.mark.parametrize("positive", ["member", "held_out"])
def test_every_curve_equals_the_slow_evaluation(spec, kind, positive):
    case = make_case()
    on = on_dimensions(spec, LATENT_SHAPE)
    fractions = slider_fractions(0.4)
    sweep = build_sweep(case.values, case.orders, on, case.is_member, fractions, positive=positive)
    curve = sweep.curves[kind]
    assert len(np.unique(curve.counts, axis=0)) > 3, "the curves of a sweep must differ"
    for fraction in (0.0, 0.01, 0.3, 0.4, 0.77, LARGEST_FRACTION):
        row = row_of(sweep, fraction)
        scores = slow_scores(case, spec, kind, fraction)
        counts = [detection_counts(case.is_member, s, positive=positive) for s in scores]
        assert sweep.num_dropped[row] == num_dropped(fraction, int(on.sum()))
        np.testing.assert_array_equal(curve.counts[row, :-1], sum(counts))
        assert curve.counts[row, -1] == sweep.num_positive * curve.draws
        measured = {"auc": roc_auc, "asr": attack_success_rate}
        for name, metric in measured.items():
            expected = np.mean([metric(case.is_member, s, positive=positive) for s in scores])
            assert getattr(curve, name)[row] == pytest.approx(expected, abs=1e-14)
        assert np.isnan(curve.tpr[row]), "1 % of fewer than 100 negatives is not available"


def test_tpr_at_one_percent_where_there_are_enough_negatives():
    case = make_case(num_samples=400)
    on = np.ones(case.values.shape[1], dtype=bool)
    sweep = build_sweep(case.values, case.orders, on, case.is_member, [0.4])
    for kind in ("influence", "highest", "random"):
        scores = slow_scores(case, MaskSpec(), kind, 0.4)
        expected = np.mean([tpr_at_fpr(case.is_member, s, 0.01) for s in scores])
        assert sweep.curves[kind].tpr[0] == pytest.approx(expected, abs=1e-14)


def test_no_mask_ignores_channels_and_cells():
    case = make_case()
    on = on_dimensions(SPECS[2], LATENT_SHAPE)
    curve = build_sweep(case.values, case.orders, on, case.is_member, [0.4, 0.5]).curves["none"]
    counts = detection_counts(case.is_member, -case.values.sum(axis=1))
    np.testing.assert_array_equal(curve.counts[:, :-1], counts[None])


def test_one_fraction_equals_its_row_of_the_whole_sweep():
    case = make_case(ties=True)
    on = on_dimensions(SPECS[1], LATENT_SHAPE)
    whole = build_sweep(case.values, case.orders, on, case.is_member, slider_fractions(0.4))
    single = build_sweep(case.values, case.orders, on, case.is_member, [0.4])
    assert whole.whole
    assert not single.whole
    row = row_of(whole, 0.4)
    for kind in case.orders:
        ours, theirs = single.curves[kind], whole.curves[kind]
        np.testing.assert_array_equal(ours.counts[0], theirs.counts[row])
        assert (ours.auc[0], ours.asr[0]) == (theirs.auc[row], theirs.asr[row])
    np.testing.assert_array_equal(single.kept[0], whole.kept[row])


def test_spread_is_the_standard_deviation_over_draws():
    case = make_case()
    on = np.ones(case.values.shape[1], dtype=bool)
    sweep = build_sweep(case.values, case.orders, on, case.is_member, [0.6])
    curve = sweep.curves["random"]
    rates = [
        detection_counts(case.is_member, scores) / sweep.num_positive
        for scores in slow_scores(case, MaskSpec(), "random", 0.6)
    ]
    inner = sweep.band_columns[:-1]
    in_rates = curve.spread[0, :-1] / (curve.draws * sweep.num_positive)
    np.testing.assert_allclose(in_rates, np.std(rates, axis=0)[inner], atol=1e-12)
    assert in_rates.max() > 0
    assert sweep.curves["influence"].spread is None


def test_kept_shares_count_samples_whose_mask_keeps_a_dimension():
    case = make_case()
    spec = SPECS[2]
    on = on_dimensions(spec, LATENT_SHAPE)
    sample_ids = np.arange(len(case.is_member)) * 3 + 5
    fractions = (0.0, 0.5, 0.9)
    dropped = np.array([num_dropped(fraction, int(on.sum())) for fraction in fractions])
    shares = kept_shares(case.orders["influence"], on, dropped)
    for fraction, share in zip(fractions, shares, strict=True):
        mask = evaluate_mask(
            spec.model_copy(update={"drop_fraction": fraction}),
            case.influence,
            sample_ids,
            LATENT_SHAPE,
        )
        np.testing.assert_allclose(share, mask.mean(axis=0), atol=1e-15)


def test_many_negatives_are_thinned_to_exact_points():
    generator = np.random.default_rng(1)
    num_samples = 5200
    case_values = generator.random((num_samples, 3))
    is_member = np.arange(num_samples) < 100
    order = np.tile(np.arange(3, dtype=np.uint16), (num_samples, 1))
    on = np.ones(3, dtype=bool)
    sweep = build_sweep(case_values, {"influence": order}, on, is_member, [0.4])
    columns = sweep.false_positives
    assert (columns[0], columns[-1]) == (0, 5100)
    assert len(columns) <= 512
    counts = detection_counts(is_member, -case_values[:, 1:].sum(axis=1))
    np.testing.assert_array_equal(sweep.curves["influence"].counts[0, :-1], counts[columns[:-1]])


def test_slider_fractions_hold_a_fraction_between_two_steps():
    assert len(slider_fractions(0.4)) == 96
    odd = slider_fractions(0.405)
    assert len(odd) == 97
    assert 0.405 in odd
    assert (np.diff(odd) > 0).all()


@pytest.mark.parametrize("num_member", [0, 20])
def test_one_class_alone_has_no_roc(num_member):
    values = np.ones((20, 4))
    order = np.tile(np.arange(4), (20, 1))
    on = np.ones(4, dtype=bool)
    with pytest.raises(InputError, match="members and held-out images; this selection has"):
        build_sweep(values, {"influence": order}, on, np.arange(20) < num_member, [0.4])


def test_a_score_that_is_not_finite_is_named():
    case = make_case()
    values = case.values.copy()
    values[7] = np.nan
    on = np.ones(values.shape[1], dtype=bool)
    with pytest.raises(InputError, match="first: 7"):
        build_sweep(values, case.orders, on, case.is_member, [0.4])


def unpacked(array: dict) -> np.ndarray:
    """What ``2_decode.js`` does."""
    data = zlib.decompress(base64.b64decode(array["data"]))
    return np.frombuffer(data, dtype=array["dtype"]).reshape(array["shape"])


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0, 3, 255]]),
        np.array([[0, 256]]),
        np.array([[70_000]]),
        np.array([[0.5, -1.25]], dtype=np.float32),
        np.array([], dtype=np.int64),
    ],
)
def test_packed_arrays_come_back(array):
    message = packed(array)
    assert message["dtype"] in ("uint8", "uint16", "uint32", "float32")
    np.testing.assert_array_equal(unpacked(message), array)


def test_a_packed_sweep_decodes_to_the_same_integers():
    case = make_case()
    on = on_dimensions(SPECS[1], LATENT_SHAPE)
    sweep = build_sweep(case.values, case.orders, on, case.is_member, slider_fractions(0.4))
    message = packed_sweep(sweep)
    assert list(message["kinds"]) == ["none", "influence", "highest", "random"]
    for kind, curve in sweep.curves.items():
        counts = unpacked(message["kinds"][kind]["counts"]).astype(np.int64).cumsum(axis=1)
        np.testing.assert_array_equal(counts, curve.counts)
        assert message["kinds"][kind]["auc"] == curve.auc.tolist()
        assert message["kinds"][kind]["tpr"] == [None] * len(curve.tpr)
    kept = unpacked(message["kept"]) / 255
    np.testing.assert_allclose(kept, sweep.kept, atol=0.5 / 255)


def steps_of(case: Case, calls: list[int]):
    on = np.ones(case.values.shape[1], dtype=bool)

    def steps(fractions):
        calls.append(len(fractions))
        return sweep_steps(case.values, case.orders, on, case.is_member, fractions)

    return steps


def test_the_desk_answers_at_once_and_finishes_over_several_calls():
    case, calls = make_case(), []
    desk, steps = SweepDesk(), steps_of(case, calls)
    first, progress = desk.sweep("a", 0.4, steps, whole=False)
    assert (first.whole, progress, calls) == (False, 0.0, [1])
    shares = []
    for _ in range(50):
        sweep, progress = desk.sweep("a", 0.4, steps, whole=True, budget_s=0)
        shares.append(progress)
        if sweep.whole:
            break
        assert sweep is first, "until the whole is there, the single fraction is shown"
    assert sweep.whole
    assert len(shares) > 3
    # The browser asks again only when it sees progress: it must never stand still.
    assert shares[0] > 0
    assert (np.diff(shares) > 0).all()
    assert calls == [1, 96], "the sweep is started once and then continued"
    assert desk.sweep("a", 0.2, steps, whole=False)[0] is sweep


def test_the_desk_drops_a_sweep_that_nobody_waits_for():
    case, calls = make_case(), []
    desk, steps = SweepDesk(), steps_of(case, calls)
    desk.sweep("a", 0.4, steps, whole=True, budget_s=0)
    desk.sweep("b", 0.4, steps, whole=True, budget_s=0)
    sweep, _ = desk.sweep("b", 0.4, steps, whole=True, budget_s=60)
    assert sweep.whole
    assert desk.sweep("a", 0.4, steps, whole=False)[0].whole is False


def test_an_error_in_a_sweep_does_not_leave_a_dead_one_behind():
    case = make_case()
    attempts = []

    def failing(fractions):
        attempts.append(len(fractions))
        yield 0.0
        raise InputError("broken")

    desk = SweepDesk()
    for _ in range(2):
        with pytest.raises(InputError, match="broken"):
            desk.sweep("a", 0.4, failing, whole=True, budget_s=60)
    assert attempts == [96, 96]
    assert desk.sweep("a", 0.4, steps_of(case, []), whole=True, budget_s=60)[0].whole


def test_the_desk_forgets_the_least_recently_used():
    case, calls = make_case(), []
    desk, steps = SweepDesk(capacity=2), steps_of(case, calls)
    for key in ("a", "b", "a", "c"):
        desk.sweep(key, 0.4, steps, whole=True, budget_s=60)
    del calls[:]
    desk.sweep("a", 0.4, steps, whole=False)
    assert calls == []
    desk.sweep("b", 0.4, steps, whole=False)
    assert calls == [1]


def test_sums_kept_between_calls_change_nothing_but_the_time():
    case = make_case()
    on = on_dimensions(SPECS[1], LATENT_SHAPE)
    ranks = {
        kind: drop_ranks(order)
        if isinstance(order, np.ndarray)
        else [drop_ranks(one) for one in order]
        for kind, order in case.orders.items()
    }
    plain = build_sweep(case.values, case.orders, on, case.is_member, [0.4])
    sums = moving_sums(case.values, case.orders, ranks)
    build_sweep(case.values, case.orders, np.ones_like(on), case.is_member, [0.4], sums=sums)
    moved = build_sweep(case.values, case.orders, on, case.is_member, [0.4], sums=sums)
    assert packed_sweep(moved) == packed_sweep(plain)
