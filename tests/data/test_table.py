"""Data sets of Hugging Face's library: saved, in parquet, and by hub id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from ldviz.data.prepare import PreparedImages, prepare_images
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError
from tests.data.pictures import encoded, noise, png, tree

NAMES = ["cat", "frog", "ship"]


@pytest.fixture(autouse=True)
def quiet_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's cache stays with the test."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def pictures(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"bytes": png(index), "path": None} for index in range(start, start + count)]


def dataset(count: int = 12, start: int = 0, **columns: list) -> datasets.Dataset:
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    content = {"image": pictures(count, start), "label": [row % 3 for row in range(count)]}
    for name, values in columns.items():
        several = isinstance(values[0], list)
        text = datasets.Value("string")
        features[name] = datasets.List(text) if several else text
        content[name] = values
    return datasets.Dataset.from_dict(content, features=datasets.Features(features))


def ready(place: Path | str, into: Path, **settings: object) -> PreparedImages:
    return prepare_images(DataSettings(place=str(place), **{"image_size": 8, **settings}), into)


def as_parquet(folder: Path, **splits: datasets.Dataset) -> Path:
    """A folder as the hub keeps data sets."""
    (folder / "data").mkdir(parents=True)
    for name, content in splits.items():
        half = len(content) // 2
        for part, rows in enumerate((range(half), range(half, len(content)))):
            path = folder / "data" / f"{name}-{part:05d}-of-00002.parquet"
            content.select(rows).to_parquet(str(path))
    return folder


def test_a_saved_data_set_brings_images_classes_and_captions_in_order(tmp_path: Path) -> None:
    text = [f"number  {row}" for row in range(12)]
    dataset(text=text).save_to_disk(str(tmp_path / "in"))
    result = ready(tmp_path / "in", tmp_path / "out")
    np.testing.assert_array_equal(
        result.images.pixels[:], np.stack([noise(row) for row in range(12)])
    )
    np.testing.assert_array_equal(result.images.labels, np.arange(12) % 3)
    assert result.images.class_names == tuple(NAMES)
    assert result.images.captions == tuple(f"number {row}" for row in range(12))
    np.testing.assert_array_equal(np.bincount(result.images.labels[result.is_member]), [2, 2, 2])
    assert result.report.place == "saved data set"


def test_one_split_is_halved_train_unless_told_otherwise(tmp_path: Path) -> None:
    both = datasets.DatasetDict(test=dataset(3, 100), train=dataset(6))
    both.save_to_disk(str(tmp_path / "in"))
    default = ready(tmp_path / "in", tmp_path / "a")
    np.testing.assert_array_equal(default.images.pixels[0], noise(0))
    assert len(default.images) == 6
    other = ready(tmp_path / "in", tmp_path / "b", split="test")
    np.testing.assert_array_equal(other.images.pixels[0], noise(100))
    with pytest.raises(DataError, match=r'no split "val"\. It has: .*train'):
        ready(tmp_path / "in", tmp_path / "c", split="val")


def test_two_splits_are_the_two_sides(tmp_path: Path) -> None:
    both = datasets.DatasetDict(train=dataset(5), validation=dataset(3, 100))
    both.save_to_disk(str(tmp_path / "in"))
    result = ready(
        tmp_path / "in", tmp_path / "out", member_split="train", held_out_split="validation"
    )
    np.testing.assert_array_equal(result.is_member, [True] * 5 + [False] * 3)
    np.testing.assert_array_equal(result.images.sample_ids, np.arange(8))
    np.testing.assert_array_equal(result.images.pixels[5], noise(100))


def test_splits_called_like_the_sides_need_no_naming(tmp_path: Path) -> None:
    both = datasets.DatasetDict(held_out=dataset(3, 100), member=dataset(5))
    both.save_to_disk(str(tmp_path / "in"))
    result = ready(tmp_path / "in", tmp_path / "out")
    np.testing.assert_array_equal(result.is_member, [True] * 5 + [False] * 3)


def test_several_splits_and_no_train_want_a_name(tmp_path: Path) -> None:
    both = datasets.DatasetDict(a=dataset(5), b=dataset(3))
    both.save_to_disk(str(tmp_path / "in"))
    with pytest.raises(DataError, match="several splits: a, b"):
        ready(tmp_path / "in", tmp_path / "out")


def test_a_folder_of_parquet_files_is_read_like_the_hubs(tmp_path: Path) -> None:
    place = as_parquet(tmp_path / "in", train=dataset(8), test=dataset(4, 100))
    (place / "README.md").write_text("---\nconfigs: []\n---\n")
    result = ready(place, tmp_path / "out")
    np.testing.assert_array_equal(
        result.images.pixels[:], np.stack([noise(row) for row in range(8)])
    )
    assert result.images.class_names == tuple(NAMES)
    assert not (tmp_path / "cache").exists()
    assert tree(tmp_path / "out") == {
        "pixels.bin",
        "index.json",
        "sample_ids.npy",
        "is_member.npy",
        "labels.npy",
    }


def test_of_several_captions_the_first_is_taken(tmp_path: Path) -> None:
    several = [[f"first {row}", "second"] for row in range(11)] + [[]]
    dataset(answer=several).save_to_disk(str(tmp_path / "in"))
    result = ready(tmp_path / "in", tmp_path / "out")
    assert result.images.captions == (*(f"first {row}" for row in range(11)), "")


def test_columns_can_be_named(tmp_path: Path) -> None:
    named = dataset(de=["ja"] * 12, text=["yes"] * 12).rename_columns(
        {"image": "img", "label": "fine"}
    )
    named.save_to_disk(str(tmp_path / "in"))
    result = ready(tmp_path / "in", tmp_path / "out", caption_column="de", label_column="text")
    assert set(result.images.captions) == {"ja"}
    assert result.images.class_names == ("yes",)
    for column in ("image_column", "caption_column", "label_column"):
        with pytest.raises(DataError, match=r'no column "nope" for .*It has: img, fine, de, text'):
            ready(tmp_path / "in", tmp_path / "other", **{column: "nope"})


def test_a_column_of_numbers_or_texts_makes_classes(tmp_path: Path) -> None:
    place = tmp_path / "in"
    columns = {"year": [10, 9, None] * 4, "kind": ["b", "a", "b"] * 4, "tags": [["x"]] * 12}
    table = dataset(kind=columns["kind"], tags=columns["tags"])
    table = table.add_column("year", columns["year"])
    table.save_to_disk(str(place))
    years = ready(place, tmp_path / "years", label_column="year").images
    assert years.class_names == ("9", "10", "none")
    np.testing.assert_array_equal(years.labels, [1, 0, 2] * 4)
    kinds = ready(place, tmp_path / "kinds", label_column="kind").images
    assert kinds.class_names == ("a", "b")
    np.testing.assert_array_equal(kinds.labels, [1, 0, 1] * 4)
    with pytest.raises(DataError, match=r'"tags" holds .*cannot be classes'):
        ready(place, tmp_path / "tags", label_column="tags")


def test_a_data_set_without_images_is_refused(tmp_path: Path) -> None:
    datasets.Dataset.from_dict({"text": ["a", "b"]}).save_to_disk(str(tmp_path / "in"))
    with pytest.raises(DataError, match=r"no column of images\. Its columns: text"):
        ready(tmp_path / "in", tmp_path / "out")


def test_empty_and_broken_cells_are_counted(tmp_path: Path) -> None:
    content = dataset().to_dict()
    content["image"] = [*pictures(9), None, {"bytes": b"text", "path": None}, *pictures(1, 11)]
    features = dataset().features
    datasets.Dataset.from_dict(content, features=features).save_to_disk(str(tmp_path / "in"))
    result = ready(tmp_path / "in", tmp_path / "out")
    assert result.report.skipped == {"unreadable": 1, "no picture inside": 1}
    assert list(result.report.examples) == ["all[9]", "all[10]"]
    np.testing.assert_array_equal(result.images.sample_ids, [*range(9), 11])
    np.testing.assert_array_equal(result.images.labels, np.array([*range(9), 11]) % 3)


def test_a_cell_that_names_a_file_elsewhere_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(77))
    rows = [*pictures(3), {"bytes": None, "path": str(secret)}]
    table = datasets.Dataset.from_dict({"image": rows, "n": list(range(4))})
    (tmp_path / "in").mkdir()
    table.to_parquet(str(tmp_path / "in" / "train.parquet"))
    result = ready(tmp_path / "in", tmp_path / "out", image_column="image")
    assert len(result.images) == 3
    assert result.report.examples == {
        "train[3]": "the cell names a file outside the data set, which is not followed."
    }


def test_files_that_the_library_downloaded_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache" / "downloads").mkdir(parents=True)
    paths = [tmp_path / "cache" / "downloads" / f"{row}.png" for row in range(4)]
    for row, path in enumerate(paths):
        path.write_bytes(png(row))
    outside = tmp_path / "outside.png"
    outside.write_bytes(png(9))
    rows = [{"bytes": None, "path": str(path)} for path in [*paths, outside]]
    features = datasets.Features({"image": datasets.Image()})
    table = datasets.Dataset.from_dict({"image": rows}, features=features)
    monkeypatch.setattr(datasets, "load_dataset", lambda path, **options: {"train": table})
    result = ready("somebody/pictures", tmp_path / "out")
    assert list(result.report.examples) == ["train[4]"]
    expected = np.stack([noise(row) for row in range(4)])
    np.testing.assert_array_equal(result.images.pixels[:], expected)


def test_sixteen_bits_in_a_cell_go_the_way_of_files(tmp_path: Path) -> None:
    deep = encoded(noise(0, channels=1).astype(np.uint16) * 257)
    rows = [{"bytes": deep, "path": None}, *pictures(3)]
    features = datasets.Features({"image": datasets.Image()})
    table = datasets.Dataset.from_dict({"image": rows}, features=features)
    table.save_to_disk(str(tmp_path / "in"))
    report = ready(tmp_path / "in", tmp_path / "out").report
    assert report.converted == {"16 bits to 8": 1, "grey to colour": 1}


def test_a_hub_id_goes_to_the_library_with_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load_dataset(path: str, **options: object) -> datasets.DatasetDict:
        asked.append((path, options))
        return datasets.DatasetDict(train=dataset(6))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    result = ready("somebody/pictures", tmp_path / "out", config="small")
    assert asked == [("somebody/pictures", {"name": "small"})]
    assert result.report.place == "data set from the hub"
    again = ready("somebody/pictures", tmp_path / "out", config="small")
    assert len(asked) == 1
    np.testing.assert_array_equal(again.images.pixels[:], result.images.pixels[:])


def test_a_data_set_that_cannot_be_opened_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, **options: object) -> None:
        raise RuntimeError("Dataset scripts are no longer supported, but found pictures.py\nmore")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(DataError, match=r"scripts are no longer supported, but found \S+\.py$"):
        ready("somebody/pictures", tmp_path / "out")
    broken = tmp_path / "in"
    dataset().save_to_disk(str(broken))
    next(broken.glob("*.arrow")).write_bytes(b"x")
    with pytest.raises(DataError, match="cannot be opened"):
        ready(broken, tmp_path / "out")
    assert tree(tmp_path) == {"in", "in/dataset_info.json", "in/state.json"} | {
        f"in/{path.name}" for path in broken.glob("*.arrow")
    }


def test_a_script_in_a_folder_of_parquet_is_not_run(tmp_path: Path) -> None:
    place = as_parquet(tmp_path / "in", train=dataset(6))
    mark = tmp_path / "executed"
    (place / "in.py").write_text(f"open({str(mark)!r}, 'w')")
    assert len(ready(place, tmp_path / "out").images) == 6
    assert not mark.exists()


def test_a_split_file_counts_rows(tmp_path: Path) -> None:
    dataset().save_to_disk(str(tmp_path / "in"))
    np.savez(tmp_path / "split.npz", mia_train_idxs=[7, 2], mia_eval_idxs=[11])
    result = ready(tmp_path / "in", tmp_path / "out", split_file=str(tmp_path / "split.npz"))
    np.testing.assert_array_equal(result.images.sample_ids, [2, 7, 11])
    np.testing.assert_array_equal(result.is_member, [True, True, False])
    np.testing.assert_array_equal(result.images.pixels[1], noise(7))
