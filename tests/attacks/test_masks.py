"""Masks: counts, nestedness, composition, ties, and the text they travel as."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ldviz.attacks.masks import (
    NUM_RANDOM_DRAWS,
    MaskSpec,
    drop_order,
    dropped_range,
    evaluate_mask,
    num_dropped,
    on_dimensions,
)
from ldviz.errors import InputError

SHAPE = (2, 2, 3)
LATENT_DIM = math.prod(SHAPE)
FRACTIONS = st.floats(0, 1, exclude_max=True)

influences = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.just(LATENT_DIM)),
    # Few distinct values, so that most rows hold ties; both zeros among them.
    elements=st.sampled_from([-2.5, -1.0, -0.0, 0.0, 1.0, 1e-30, 3.0]),
)
specs = st.builds(
    MaskSpec,
    kind=st.sampled_from(["none", "influence", "highest", "random", "band"]),
    drop_fraction=FRACTIONS,
    band=st.sampled_from([(0.0, 0.25), (0.2, 0.5), (0.5, 0.99), (0.123456789, 0.3)]),
    ranking=st.sampled_from(["sample", "global"]),
    channels_off=st.sets(st.integers(0, 1), max_size=1).map(tuple),
    cells_off=st.sets(st.integers(0, 5), max_size=3).map(tuple),
    dims_off=st.sets(st.integers(0, LATENT_DIM - 1), max_size=2).map(tuple),
    seed=st.integers(-(2**40), 2**40),
    draw=st.integers(0, NUM_RANDOM_DRAWS - 1),
)


def slow_mask(spec, influence, sample_ids):
    """METHOD.md word for word, one dimension at a time."""
    channels, height, width = SHAPE
    rows = []
    for sample in range(len(influence)):
        left_on = []
        for channel in range(channels):
            for row in range(height):
                for column in range(width):
                    index = (channel * height + row) * width + column
                    if (
                        channel not in spec.channels_off
                        and row * width + column not in spec.cells_off
                        and index not in spec.dims_off
                    ):
                        left_on.append(index)
        scores = influence[sample]
        if spec.ranking == "global":
            scores = influence.astype(np.float64).mean(axis=0)
        if spec.kind == "random":
            full = drop_order(
                "random",
                influence,
                sample_ids,
                ranking=spec.ranking,
                seed=spec.seed,
                draw=spec.draw,
            )[sample].tolist()
            ranked = [index for index in full if index in left_on]
        elif spec.kind == "highest":
            ranked = sorted(left_on, key=lambda index: (-scores[index], index))
        else:
            ranked = sorted(left_on, key=lambda index: (scores[index], index))
        count = len(ranked)
        if spec.kind == "none":
            dropped = []
        elif spec.kind == "band":
            dropped = ranked[
                math.floor(spec.band[0] * count + 1e-9) : math.floor(spec.band[1] * count + 1e-9)
            ]
        else:
            dropped = ranked[: min(math.floor(spec.drop_fraction * count + 1e-9), count - 1)]
        rows.append([index in left_on and index not in dropped for index in range(LATENT_DIM)])
    return np.array(rows)


@settings(deadline=None, max_examples=100)
@given(specs, influences)
def test_equals_the_slow_twin(spec, influence):
    sample_ids = np.arange(len(influence)) + 100
    mask = evaluate_mask(spec, influence, sample_ids, SHAPE)
    np.testing.assert_array_equal(mask, slow_mask(spec, influence, sample_ids))


@settings(deadline=None, max_examples=50)
@given(specs, influences, FRACTIONS, FRACTIONS)
def test_masks_nest_as_the_fraction_grows(spec, influence, first, second):
    small, large = (
        evaluate_mask(
            spec.model_copy(update={"drop_fraction": fraction}),
            influence,
            np.arange(len(influence)),
            SHAPE,
        )
        for fraction in sorted([first, second])
    )
    assert not (large & ~small).any()


@settings(deadline=None, max_examples=50)
@given(specs, influences)
def test_every_row_keeps_the_count_and_only_what_is_on(spec, influence):
    on = on_dimensions(spec, SHAPE)
    mask = evaluate_mask(spec, influence, np.arange(len(influence)), SHAPE)
    start, stop = dropped_range(spec, int(on.sum()))
    assert (mask.sum(axis=1) == on.sum() - (stop - start)).all()
    assert not mask[:, ~on].any()


@settings(deadline=None, max_examples=50)
@given(specs, influences)
def test_influence_and_random_drop_the_same_count(spec, influence):
    counts = {
        int(
            evaluate_mask(
                spec.model_copy(update={"kind": kind}), influence, np.arange(len(influence)), SHAPE
            )[0].sum()
        )
        for kind in ("influence", "highest", "random")
    }
    assert len(counts) == 1


@settings(deadline=None)
@given(specs)
def test_text_round_trip(spec):
    text = spec.to_text()
    assert MaskSpec.from_text(text) == spec
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789.~_-+")


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="influencrandombgs~_-.0123456789e", max_size=30))
def test_any_text_is_a_mask_or_an_input_error(text):
    try:
        spec = MaskSpec.from_text(text)
    except InputError:
        return
    assert MaskSpec.from_text(spec.to_text()) == spec


def test_texts_are_short_and_readable():
    assert MaskSpec().to_text() == "influence"
    spec = MaskSpec(
        kind="random", drop_fraction=0.3, channels_off=(1, 3), cells_off=range(8), draw=2
    )
    assert spec.to_text() == "random~f0.3~c1.3~s0-7~n2"
    assert MaskSpec(kind="band", band=(0.25, 0.5), ranking="global").to_text() == "band~b0.25_0.5~g"
    assert MaskSpec(drop_fraction=np.float64(0.2)).to_text() == "influence~f0.2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "influenza",
        "influence~",
        "influence~x3",
        "influence~f",
        "influence~f0.4~f0.5",
        "influence~c1.",
        "influence~c5-2",
        "influence~d0-99999999999",
        "band~b0.2",
        "random~gx",
        "influence~fnan",
        "influence~d-3",
        "influence~f40",
    ],
)
def test_garbled_texts_are_input_errors(text):
    with pytest.raises(InputError, match=r"Mask|mask|drop_fraction"):
        MaskSpec.from_text(text)


def test_counts_are_floors_and_robust_to_floating_point():
    assert num_dropped(0.4, 256) == 102
    assert 0.29 * 100 < 29
    assert num_dropped(0.29, 100) == 29
    assert num_dropped(0.0, 256) == 0
    assert num_dropped(math.nextafter(1.0, 0.0), 256) == 255


def test_random_permutations_do_not_depend_on_the_batch():
    shape = np.zeros((6, 256), dtype=np.float32)
    ids = np.array([5, 900, 17, 3, 2**40, 0])
    whole = drop_order("random", shape, ids, seed=3, draw=4)
    alone = drop_order("random", shape[:1], ids[2:3], seed=3, draw=4)
    np.testing.assert_array_equal(whole[2], alone[0])
    assert (np.sort(whole, axis=1) == np.arange(256)).all()
    assert len({tuple(row) for row in whole.tolist()}) == 6
    for other in ({"seed": 4, "draw": 4}, {"seed": 3, "draw": 5}):
        assert (drop_order("random", shape, ids, **other) != whole).any(axis=1).all()


def test_random_permutations_are_uniform():
    """How often each of 12 dimensions is among the first 4 of 12,000 samples: 4,000 ± 5 σ."""
    num_samples = 12_000
    order = drop_order("random", np.zeros((num_samples, 12)), np.arange(num_samples))
    counts = np.bincount(order[:, :4].ravel(), minlength=12)
    sigma = math.sqrt(num_samples * (1 / 3) * (2 / 3))
    assert abs(counts - num_samples / 3).max() < 5 * sigma


def test_one_random_permutation_for_all_where_the_ranking_is_global():
    order = drop_order("random", np.zeros((4, 64)), np.arange(4), ranking="global")
    assert (order == order[0]).all()
    other = drop_order("random", np.zeros((4, 64)), np.arange(4) + 7, ranking="global")
    np.testing.assert_array_equal(order, other)


@pytest.mark.parametrize("kind", ["influence", "highest", "random"])
def test_order_type_is_narrow_until_it_cannot_be(kind):
    for latent_dim, order_type in ((2**16 - 1, np.uint16), (2**16, np.int32)):
        influence = np.random.default_rng(0).standard_normal((2, latent_dim)).astype(np.float32)
        order = drop_order(kind, influence, np.arange(2))
        assert order.dtype == order_type
        assert (np.sort(order, axis=1) == np.arange(latent_dim)).all()


@pytest.mark.parametrize("kind", ["influence", "highest"])
def test_float32_packed_sort_equals_the_stable_argsort(kind):
    influence = np.random.default_rng(0).normal(size=(700, 256)).astype(np.float32).round(1)
    signed = -influence if kind == "highest" else influence
    expected = np.argsort(signed, axis=1, kind="stable")
    np.testing.assert_array_equal(drop_order(kind, influence, np.arange(700)), expected)
    exact = drop_order(kind, influence.astype(np.float64), np.arange(700))
    np.testing.assert_array_equal(exact, expected)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"drop_fraction": 40.0}, r"in \[0, 1\), got 40.0. Percentages .* fractions: 0.40"),
        ({"drop_fraction": 1.0}, r"got 1.0"),
        ({"drop_fraction": -0.1}, r"got -0.1\.$"),
        ({"drop_fraction": float("nan")}, "got nan"),
        ({"drop_fraction": "much"}, "`drop_fraction`: .* got 'much'"),
        ({"kind": "lowest"}, "`kind`: .* got 'lowest'"),
        ({"kind": "band"}, "needs `band`"),
        ({"kind": "band", "band": (0.5, 0.5)}, "low < high"),
        ({"kind": "band", "band": (0.5, 1.5)}, "low < high"),
        ({"channels_off": (-1,)}, "counted from 0, got -1"),
        ({"draw": -1}, "`draw` must be 0 or more"),
        ({"colour": 1}, "`colour`: .* not permitted"),
    ],
)
def test_unusable_specs_are_input_errors(fields, message):
    with pytest.raises(InputError, match=message):
        MaskSpec(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"channels_off": (2,)}, r"`channels_off` names 2, .* 0\.\.1\. .* another study"),
        ({"cells_off": (6,)}, r"`cells_off` names 6"),
        ({"dims_off": (12,)}, r"`dims_off` names 12"),
        ({"channels_off": (0, 1)}, "switches every latent dimension off"),
        ({"channels_off": (0,), "dims_off": tuple(range(6, 12))}, "every latent dimension off"),
    ],
)
def test_masks_of_another_study_or_with_nothing_left_are_refused(fields, message):
    with pytest.raises(InputError, match=message):
        on_dimensions(MaskSpec(**fields), SHAPE)


def test_a_band_that_drops_everything_is_refused():
    spec = MaskSpec(kind="band", band=(0.01, 1.0))
    with pytest.raises(InputError, match="drops all 12 dimensions"):
        evaluate_mask(spec, np.zeros((1, 12)), np.arange(1), SHAPE)


def test_nan_influence_has_no_rank():
    influence = np.zeros((3, 12))
    influence[1, 4] = np.nan
    with pytest.raises(InputError, match=r"NaN for 1 of 3 samples \(first: row 1\)"):
        drop_order("influence", influence, np.arange(3))


def test_influence_of_another_shape_is_refused():
    with pytest.raises(InputError, match="Influence has 11 dimensions"):
        evaluate_mask(MaskSpec(), np.zeros((1, 11)), np.arange(1), SHAPE)
