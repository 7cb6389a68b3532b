"""Images in a data set of Hugging Face's ``datasets``: saved on disk, in parquet, or on the hub.

Nothing of a data set is executed: loading scripts are refused by the library itself, and
pictures are decoded by :mod:`ldviz.data.decode` from their stored bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ldviz.data.decode import MAX_FILE_BYTES
from ldviz.data.listing import Item, Listing, caption_text
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError

_CAPTION_COLUMNS = ("text", "caption", "captions", "prompt", "sentence", "sentences", "answer")
_TABLE_SUFFIXES = {".parquet": "parquet", ".arrow": "arrow"}
_BATCH = 32


def is_saved(folder: Path) -> bool:
    """Whether a folder was written by ``save_to_disk``."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "dataset_info.json").is_file() and (folder / "state.json").is_file()
    )


def table_files(folder: Path) -> list[Path]:
    """Parquet or arrow files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix in _TABLE_SUFFIXES)


def list_table(settings: DataSettings, scratch: Path) -> Listing:
    """The images of a data set, split after split, in their rows' order.

    Args:
        settings: ``place`` is a folder of ``save_to_disk``, a folder of parquet or arrow
            files, or a hub id; splits and columns as the settings say.
        scratch: folder for what the library unpacks parquet files to.  What it downloads
            stays in its own cache.

    Raises:
        DataError: if it cannot be opened, or has no such split or column.
    """
    place = settings.place or ""
    folder = Path(place)
    splits = _open_place(folder, scratch) if folder.exists() else _open_hub(settings)
    chosen = _choose_splits(splits, settings, place)
    parts = [_Columns(splits[name], name, settings, place) for name in chosen]
    for part in parts[1:]:
        if part.class_names != parts[0].class_names or part.caption != parts[0].caption:
            raise DataError(
                f'The splits "{chosen[0]}" and "{part.split}" of "{place}" have different '
                "columns or classes. Name the columns: image_column, caption_column, label_column."
            )
    starts = np.cumsum([0, *(part.count for part in parts)])
    sided = len(parts) == 2
    trusted = (folder.resolve(),) if folder.exists() else _hub_caches()

    def locate(row: int) -> tuple[_Columns, int]:
        index = int(np.searchsorted(starts, row, side="right")) - 1
        return parts[index], int(row - starts[index])

    def name(row: int) -> str:
        part, inner = locate(row)
        return f"{part.split}[{inner}]"

    def read(rows: np.ndarray) -> Iterator[Item]:
        for index, part in enumerate(parts):
            inner = rows[(rows >= starts[index]) & (rows < starts[index + 1])] - starts[index]
            yield from part.read(inner, int(starts[index]), trusted)

    labels = [part.labels for part in parts]
    return Listing(
        place="saved data set" if folder.exists() else "data set from the hub",
        count=int(starts[-1]),
        name=name,
        read=read,
        is_member=np.repeat([True, False], [part.count for part in parts]) if sided else None,
        labels=None if labels[0] is None else np.concatenate(labels),
        class_names=parts[0].class_names,
        has_captions=parts[0].caption is not None,
    )


def _open_place(folder: Path, scratch: Path) -> dict[str, Any]:
    """Splits of a folder: those of ``save_to_disk``, or parquet and arrow files by name."""
    import datasets

    with _quietly():
        try:
            if is_saved(folder):
                opened = datasets.load_from_disk(str(folder))
            else:
                files = table_files(folder)
                builder = _TABLE_SUFFIXES[files[0].suffix]
                by_split: dict[str, list[str]] = {}
                for file in files:
                    by_split.setdefault(_split_of(file), []).append(str(file))
                opened = datasets.load_dataset(builder, data_files=by_split, cache_dir=str(scratch))
        except Exception as error:
            raise _cannot_open(str(folder), error) from error
    return dict(opened) if isinstance(opened, datasets.DatasetDict) else {"all": opened}


def _split_of(file: Path) -> str:
    """ "train" of ``train-00000-of-00002.parquet`` and of ``train/0000.parquet``."""
    stem = file.stem.split("-")[0]
    return file.parent.name if stem.isdigit() else stem.replace(".", "_")


def _open_hub(settings: DataSettings) -> dict[str, Any]:
    """Splits of a data set on the hub, downloaded by the library where they are not yet."""
    import datasets

    place = settings.place or ""
    with _quietly():
        try:
            return dict(datasets.load_dataset(place, name=settings.config))
        except Exception as error:
            raise DataError(
                f'There is no folder or archive "{place}", and no data set of that name could be '
                f"opened: {_first_line(error)}"
            ) from error


def _hub_caches() -> tuple[Path, ...]:
    """Where the library keeps what it downloads and unpacks."""
    import datasets
    from huggingface_hub import constants

    folders = (
        datasets.config.HF_DATASETS_CACHE,
        datasets.config.DOWNLOADED_DATASETS_PATH,
        datasets.config.EXTRACTED_DATASETS_PATH,
        constants.HF_HUB_CACHE,
    )
    return tuple(Path(folder).resolve() for folder in folders)


@contextmanager
def _quietly() -> Iterator[None]:
    """No progress bars of the library's own meanwhile."""
    from datasets.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    hidden = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not hidden:
            enable_progress_bars()


def _cannot_open(place: str, error: Exception) -> DataError:
    return DataError(f'The data set "{place}" cannot be opened: {_first_line(error)}')


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _choose_splits(splits: dict[str, Any], settings: DataSettings, place: str) -> list[str]:
    """One split to halve, or the two that are the sides."""
    asked = [settings.member_split, settings.held_out_split]
    if settings.member_split is None:
        asked = [settings.split]
        if settings.split is None and {"member", "held_out"} <= set(splits):
            asked = ["member", "held_out"]
        elif settings.split is None:
            asked = ["train" if "train" in splits else next(iter(splits))]
            if len(splits) > 1 and asked != ["train"]:
                raise DataError(
                    f'"{place}" has several splits: {", ".join(splits)}. Say which one is halved '
                    "(split), or which two are the sides (member_split, held_out_split)."
                )
    for name in asked:
        if name not in splits:
            raise DataError(f'"{place}" has no split "{name}". It has: {", ".join(splits)}.')
    return [str(name) for name in asked]


class _Columns:
    """One split: where its images, captions and classes are."""

    def __init__(self, dataset: Any, split: str, settings: DataSettings, place: str) -> None:
        from datasets import ClassLabel, Image

        self.split = split
        self.count = len(dataset)
        features = dataset.features

        def find(asked: str | None, what: str, candidates: list[str]) -> str | None:
            if asked is not None and asked not in features:
                raise DataError(
                    f'"{place}" has no column "{asked}" for {what}. It has: {", ".join(features)}.'
                )
            return asked or next(iter(candidates), None)

        kinds = [name for name, feature in features.items() if isinstance(feature, Image)]
        image = find(settings.image_column, "images", kinds)
        if image is None:
            raise DataError(
                f'"{place}" has no column of images. Its columns: {", ".join(features)}. '
                "Name the one to take: image_column."
            )
        self.image = image
        if isinstance(features[image], Image):
            # Undecoded: the bytes go through the checks of this project.
            dataset = dataset.cast_column(image, Image(decode=False))
        known = [name for name in _CAPTION_COLUMNS if name in features]
        self.caption = find(settings.caption_column, "captions", known)
        classes = [name for name, kind in features.items() if isinstance(kind, ClassLabel)]
        label = find(settings.label_column, "classes", classes)
        self.labels, self.class_names = _classes(dataset, label)
        self._dataset = dataset.select_columns(
            list(dict.fromkeys([image] + ([self.caption] if self.caption else [])))
        )

    def read(self, rows: np.ndarray, offset: int, trusted: tuple[Path, ...]) -> Iterator[Item]:
        """Items of these rows; ``offset`` is the listing's position of row 0."""
        for start in range(0, len(rows), _BATCH):
            wanted = rows[start : start + _BATCH]
            batch = self._dataset[wanted.tolist()]
            captions = batch[self.caption] if self.caption else [None] * len(wanted)
            for row, cell, caption in zip(wanted, batch[self.image], captions, strict=True):
                content, problem = _cell_bytes(cell, trusted)
                text = None if self.caption is None else caption_text(caption)
                yield Item(int(row) + offset, content, text, problem)


def _classes(dataset: Any, label: str | None) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    """A column of classes as integers, and their names."""
    from datasets import ClassLabel

    if label is None:
        return None, None
    values = dataset.select_columns([label]).with_format("arrow")[:][label].to_pylist()
    feature = dataset.features[label]
    if isinstance(feature, ClassLabel):
        numbers = [-1 if value is None else value for value in values]
        if max(numbers, default=-1) < 0:
            return None, None
        return np.array(numbers, dtype=np.int64), tuple(feature.names)
    if not all(isinstance(value, int | str | None) for value in values):
        raise DataError(
            f'The column "{label}" holds {feature}, which cannot be classes. '
            "Name one of integers or texts: label_column."
        )
    # Numbers in their own order, then texts, then cells without a value.
    classes = sorted(set(values), key=lambda value: (value is None, isinstance(value, str), value))
    number = {value: index for index, value in enumerate(classes)}
    labels = np.array([number[value] for value in values], dtype=np.int64)
    return labels, tuple("none" if value is None else str(value) for value in classes)


def _cell_bytes(cell: Any, trusted: tuple[Path, ...]) -> tuple[bytes | None, str]:
    """A cell's bytes, or why there are none; paths are followed inside ``trusted`` alone."""
    if isinstance(cell, bytes):
        return cell, ""
    if not isinstance(cell, dict):
        return None, "the cell is empty." if cell is None else "the cell holds no picture."
    if cell.get("bytes") is not None:
        return cell["bytes"], ""
    path = Path(cell.get("path") or "")
    if not path.name or not any(path.resolve().is_relative_to(root) for root in trusted):
        return None, "the cell names a file outside the data set, which is not followed."
    try:
        with open(path, "rb") as file:
            return file.read(MAX_FILE_BYTES + 1), ""
    except OSError as error:
        return None, f"it cannot be read: {error.strerror}."
