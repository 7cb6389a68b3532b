"""Folders: order, sides, classes, captions, and what is left alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ldviz.data.folder import folder_fingerprint, list_folder
from ldviz.data.listing import Item, Listing
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError
from tests.data.pictures import fill, png


def items(listing: Listing) -> list[Item]:
    return list(listing.read(np.arange(listing.count)))


def names(listing: Listing) -> list[str]:
    return [listing.name(row) for row in range(listing.count)]


def test_images_are_sorted_by_path_and_read_as_they_are(tmp_path: Path) -> None:
    for name in ("b.png", "a.PNG", "deep/er/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(ord(name[0])))
    listing = list_folder(tmp_path, DataSettings())
    assert names(listing) == ["a.PNG", "b.png", "deep/er/c.png"]
    assert [item.content for item in items(listing)] == [png(ord(n)) for n in "abd"]
    assert listing.labels is listing.is_member is None
    assert listing.place == "folder"


def test_folders_are_classes_and_one_around_them_is_passed_over(tmp_path: Path) -> None:
    for name, count in (("frog", 2), ("cat", 3)):
        fill(tmp_path / "set" / name, count)
    listing = list_folder(tmp_path, DataSettings())
    assert listing.class_names == ("cat", "frog")
    np.testing.assert_array_equal(listing.labels, [0, 0, 0, 1, 1])


def test_one_image_outside_the_folders_and_there_are_no_classes(tmp_path: Path) -> None:
    for name in ("frog", "cat"):
        fill(tmp_path / name, 2)
    fill(tmp_path, 1)
    assert list_folder(tmp_path, DataSettings()).labels is None


@pytest.mark.parametrize("around", ["", "my set/"])
def test_two_folders_are_two_sides_with_classes_below(tmp_path: Path, around: str) -> None:
    fill(tmp_path / around / "member/cat", 2)
    fill(tmp_path / around / "member/frog", 1)
    fill(tmp_path / around / "held_out/frog", 3)
    listing = list_folder(tmp_path, DataSettings())
    np.testing.assert_array_equal(listing.is_member, [False] * 3 + [True] * 3)
    np.testing.assert_array_equal(listing.labels, [1, 1, 1, 0, 0, 1])
    assert listing.place == "folder per side"


def test_sides_may_have_other_names(tmp_path: Path) -> None:
    fill(tmp_path / "train", 2)
    fill(tmp_path / "val", 1)
    settings = DataSettings(member_split="train", held_out_split="val")
    np.testing.assert_array_equal(list_folder(tmp_path, settings).is_member, [True, True, False])
    other = DataSettings(member_split="train", held_out_split="test")
    with pytest.raises(DataError, match=r'only one of the folders "train" and "test"'):
        list_folder(tmp_path, other)


def test_what_lies_outside_both_sides_is_counted(tmp_path: Path) -> None:
    for name in ("member", "held_out", "spare"):
        fill(tmp_path / name, 2)
    listing = list_folder(tmp_path, DataSettings())
    assert listing.count == 4
    assert listing.ignored == {"outside both sides": 2}


def test_one_side_alone_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "member", 2)
    with pytest.raises(DataError, match=r'only one .* none in "held_out".*nothing to attack'):
        list_folder(tmp_path, DataSettings())


def test_what_is_no_image_by_name_is_left_alone_and_counted(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    for name in ("notes.md", "more.zip", "older.tar.gz", ".DS_Store", "__MACOSX/0000.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    listing = list_folder(tmp_path, DataSettings())
    assert names(listing) == ["0000.png"]
    assert listing.ignored == {
        "hidden": 2,
        "archives inside, not opened": 2,
        "not images by name": 1,
    }


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(DataError, match=r"holds no images.*\.png"):
        list_folder(tmp_path, DataSettings())


def test_captions_come_from_files_beside_the_images(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    (tmp_path / "0000.txt").write_text("a  red\nhat ")
    (tmp_path / "0002.txt").write_text("größer")
    listing = list_folder(tmp_path, DataSettings())
    assert [item.caption for item in items(listing)] == ["a red hat", "", "größer"]
    assert listing.ignored == {}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_captions_come_from_a_table(tmp_path: Path, form: str) -> None:
    fill(tmp_path / "a", 2)
    rows = [("0001.png", 'two, "both"'), ("0000.png", "one")]
    table = tmp_path / "a" / f"metadata.{form}"
    if form == "csv":
        table.write_text('file_name,text\n0001.png,"two, ""both"""\n0000.png,one\n')
    else:
        lines = [json.dumps({"file_name": name, "text": text}) for name, text in rows]
        table.write_text("\n".join(lines))
    listing = list_folder(tmp_path, DataSettings())
    assert [item.caption for item in items(listing)] == ["one", 'two, "both"']


def test_a_table_without_the_column_asked_for_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "metadata.csv").write_text("file_name,title\n0000.png,one\n")
    settings = DataSettings(caption_column="prompt")
    with pytest.raises(DataError, match=r'no column "prompt".*file_name, title'):
        list_folder(tmp_path, settings)
    (tmp_path / "metadata.jsonl").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        list_folder(tmp_path, DataSettings())


def test_a_circle_of_links_is_walked_once(tmp_path: Path) -> None:
    fill(tmp_path / "a", 2)
    os.symlink(tmp_path, tmp_path / "a" / "again")
    os.symlink(tmp_path / "a" / "missing.png", tmp_path / "dangling.png")
    assert list_folder(tmp_path, DataSettings()).count == 2


def test_an_image_that_vanishes_is_an_item_with_a_reason(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    listing = list_folder(tmp_path, DataSettings())
    (tmp_path / "0000.png").unlink()
    first, second = items(listing)
    assert first.content is None
    assert "No such file" in first.problem
    assert second.content == png(1)


def test_the_fingerprint_follows_every_change(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    seen = {folder_fingerprint(tmp_path)}
    assert folder_fingerprint(tmp_path) in seen
    fill(tmp_path, 3)
    seen.add(folder_fingerprint(tmp_path))
    os.utime(tmp_path / "0000.png", ns=(1, 1))
    seen.add(folder_fingerprint(tmp_path))
    (tmp_path / "0002.png").rename(tmp_path / "0003.png")
    seen.add(folder_fingerprint(tmp_path))
    assert len(seen) == 4
