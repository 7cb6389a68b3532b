"""The view: links that restore it, bad links that are named, exact undo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldviz.attacks.masks import MaskSpec
from ldviz.errors import InputError
from ldviz.view import History, NamedMask, View, ids_from_text, ids_to_text

views = st.builds(
    View,
    study=st.none() | st.sampled_from(["digits", "photos"]),
    other=st.none() | st.just("shapes"),
    attack=st.none() | st.just("sima"),
    timestep=st.none() | st.integers(0, 999),
    mask=st.builds(
        MaskSpec,
        kind=st.sampled_from(["none", "influence", "highest", "random"]),
        drop_fraction=st.sampled_from([0.0, 0.25, 0.4, 0.95]),
        channels_off=st.sets(st.integers(0, 2)).map(lambda chosen: tuple(sorted(chosen))),
        cells_off=st.sets(st.integers(0, 63)).map(lambda chosen: tuple(sorted(chosen))),
    ),
    axes=st.sampled_from(["linear", "log"]),
    positive=st.sampled_from(["member", "held_out"]),
    image=st.none() | st.integers(0, 10**6),
    selection=st.sets(st.integers(0, 3000), max_size=50).map(lambda ids: tuple(sorted(ids))),
    saved=st.just(()),
)
named_masks = st.lists(
    st.builds(
        NamedMask,
        name=st.text("aZ9 é%+,.()-_", min_size=1, max_size=24).filter(lambda n: n == n.strip()),
        mask=st.sampled_from([MaskSpec(), MaskSpec(kind="band", band=(0.1, 0.3), dims_off=(7,))]),
    ),
    max_size=12,
    unique_by=lambda entry: entry.name,
)


@given(named_masks)
def test_a_link_restores_named_masks(saved: list[NamedMask]) -> None:
    view = View(saved=tuple(saved), compared=tuple(entry.name for entry in saved[:4]))
    assert View.from_query(view.to_query()) == (view, [])


@pytest.mark.parametrize("name", ["", " a", "a:b", "a;b", "x" * 25, "no mask", "No Mask"])
def test_a_name_that_a_link_could_not_carry_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"A mask's name has|choose another name"):
        NamedMask(name=name, mask=MaskSpec())


def test_a_link_that_compares_a_mask_it_does_not_hold_says_so() -> None:
    view, problems = View.from_query({"saved": "A:influence", "compared": "A;B"})
    assert view.compared == ("A",)
    assert len(problems) == 1
    assert '"B"' in problems[0]


def test_a_link_that_compares_a_study_with_itself_says_so() -> None:
    view, problems = View.from_query({"study": "digits", "other": "digits", "timestep": "60"})
    assert view == View(study="digits", timestep=60)
    assert problems == [
        'The link compares the study "digits" with itself: its `other` must name another one.'
    ]


@given(views)
def test_a_link_restores_the_view(view: View) -> None:
    restored, problems = View.from_query(view.to_query())
    assert restored == view
    assert problems == []


def test_the_default_view_needs_no_query() -> None:
    assert View().to_query() == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestep", "-3"),
        ("timestep", "ten"),
        ("image", "1e3"),
        ("axes", "cubic"),
        ("positive", "maybe"),
        ("mask", "!!"),
        ("selection", "5-1"),
        ("selection", "0-99999999999"),
        ("saved", "A"),
        ("saved", "A:influence;A:highest"),
        ("saved", "A:oracle"),
        ("saved", ";".join(f"{name}:none" for name in "abcdefghijklm")),
        ("compared", "a;b;c;d;e"),
    ],
)
def test_a_bad_part_of_a_link_is_named_and_the_rest_used(name: str, value: str) -> None:
    view, problems = View.from_query({"study": "digits", name: value})
    assert view == View(study="digits")
    assert len(problems) == 1
    assert f"`{name}`" in problems[0]


def test_keys_of_others_are_left_alone() -> None:
    assert View.from_query({"embed": "true"}) == (View(), [])


@given(st.sets(st.integers(0, 500), max_size=80))
def test_runs_of_ids_round_trip(ids: set[int]) -> None:
    ordered = tuple(sorted(ids))
    text = ids_to_text(ordered)
    assert ordered == (ids_from_text(text) if text else ())


def test_a_negative_id_is_refused() -> None:
    with pytest.raises(InputError, match=r"runs, such as"):
        ids_from_text("-4")


def test_undo_and_redo_are_exact() -> None:
    history = History()
    views = [View(timestep=t) for t in range(4)]
    for before in views[:-1]:
        history.record(before)
    now = views[-1]
    for expected in reversed(views[:-1]):
        now = history.undo(now)
        assert now is expected
    assert not history.can_undo
    assert history.undo(now) is now
    for expected in views[1:]:
        now = history.redo(now)
        assert now is expected
    assert history.redo(now) is now


def test_a_new_change_forgets_what_was_undone() -> None:
    history = History()
    history.record(View())
    history.undo(View(timestep=1))
    history.record(View(timestep=2))
    assert not history.can_redo
