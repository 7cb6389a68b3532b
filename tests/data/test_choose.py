"""Which images are taken, and on which side they are."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from ldviz.data.choose import choose_rows, read_split_file
from ldviz.data.listing import Listing
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError


def listing(count: int, **fields: object) -> Listing:
    return Listing(place="list", count=count, name=str, read=lambda rows: iter(()), **fields)


def choose(of: Listing, **settings: object) -> tuple[np.ndarray, np.ndarray]:
    return choose_rows(of, DataSettings(place="somewhere", **settings))


def test_a_seeded_split_has_the_same_share_of_every_class() -> None:
    labels = np.repeat([0, 1, 2], [40, 30, 20])
    rows, is_member = choose(listing(90, labels=labels), seed=3)
    np.testing.assert_array_equal(rows, np.arange(90))
    np.testing.assert_array_equal(np.bincount(labels[rows[is_member]]), [20, 15, 10])
    again = choose(listing(90, labels=labels), seed=3)[1]
    np.testing.assert_array_equal(is_member, again)
    other = choose(listing(90, labels=labels), seed=4)[1]
    assert (is_member != other).any()


def test_pokemons_833_pictures_are_416_and_417() -> None:
    _, is_member = choose(listing(833))
    assert (is_member.sum(), (~is_member).sum()) == (416, 417)


def test_the_places_own_sides_go_before_a_split() -> None:
    sides = np.array([True, False, False, False])
    rows, is_member = choose(listing(4, is_member=sides))
    np.testing.assert_array_equal(is_member, sides)
    assert list(rows) == [0, 1, 2, 3]


def test_fewer_images_are_evenly_spaced() -> None:
    rows, is_member = choose(listing(1000), num_images=5)
    assert list(rows) == [0, 249, 499, 749, 999]
    assert is_member.sum() == 2


def test_each_side_can_be_thinned_keeping_its_classes_shares() -> None:
    labels = np.tile([0, 0, 0, 1], 50)
    sides = np.repeat([True, False], 100)
    of = listing(200, labels=labels, is_member=sides)
    rows, is_member = choose(of, num_members=20, num_held_out=40)
    assert is_member.sum() == 20
    np.testing.assert_array_equal(is_member, sides[rows])
    np.testing.assert_array_equal(np.bincount(labels[rows[is_member]]), [15, 5])
    np.testing.assert_array_equal(np.bincount(labels[rows[~is_member]]), [30, 10])
    with pytest.raises(DataError, match=r"101 member images are asked for, and there are 100"):
        choose(of, num_members=101)


def test_a_place_with_an_empty_side_is_refused() -> None:
    with pytest.raises(DataError, match="no held-out images"):
        choose(listing(3, is_member=np.ones(3, dtype=bool)))
    with pytest.raises(DataError, match="no member images"):
        choose(listing(1))


def split_file(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "CIFAR10_train_ratio0.5.npz"
    np.savez(path, **arrays)
    return path


def test_the_papers_split_file_names_positions(tmp_path: Path) -> None:
    path = split_file(tmp_path, mia_train_idxs=[5, 1, 3], mia_eval_idxs=[0, 4], ratio=0.5)
    rows, is_member = choose(listing(6), split_file=str(path))
    assert list(rows) == [0, 1, 3, 4, 5]
    assert list(is_member) == [False, True, True, False, True]


def test_a_split_file_and_sides_of_the_place_do_not_go_together(tmp_path: Path) -> None:
    path = split_file(tmp_path, mia_train_idxs=[0], mia_eval_idxs=[1])
    with pytest.raises(DataError, match="two sides of its own"):
        choose(listing(2, is_member=np.array([True, False])), split_file=str(path))


@pytest.mark.parametrize(
    ("members", "held_out", "message"),
    [
        ([0, 1], [1, 2], r"overlap in 1 places \(first: 1\)"),
        ([0, 60], [1], r"runs from 0 to 60, but there are 50 images"),
        ([-1], [1], "runs from -1"),
        ([0, 0], [1], "names an image twice"),
        ([0.5], [1], "must be a row of integers"),
        ([[0]], [1], "must be a row of integers"),
        ([], [1], "must be a row of integers|no member images"),
    ],
)
def test_a_wrong_split_file_is_refused(
    tmp_path: Path, members: list, held_out: list, message: str
) -> None:
    path = split_file(tmp_path, mia_train_idxs=members, mia_eval_idxs=held_out)
    with pytest.raises(DataError, match=message):
        read_split_file(path, 50)


def test_a_split_file_of_other_arrays_lists_them(tmp_path: Path) -> None:
    path = split_file(tmp_path, mia_train_idxs=[0], rest=[1])
    with pytest.raises(DataError, match=r'no array "mia_eval_idxs".*mia_train_idxs, rest'):
        read_split_file(path, 50)


class Bomb:
    """Unpickling it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_nothing_in_a_split_file_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    code = np.empty(1, dtype=object)
    code[0] = Bomb(mark)
    inside = split_file(tmp_path, mia_train_idxs=code, mia_eval_idxs=[1])
    plain = tmp_path / "plain.npz"
    plain.write_bytes(pickle.dumps(Bomb(mark)))
    array = tmp_path / "array.npy"
    np.save(array, np.arange(3))
    for path in (inside, plain, array, tmp_path / "absent.npz"):
        with pytest.raises(DataError, match="cannot be read"):
            read_split_file(path, 50)
    assert not mark.exists()
