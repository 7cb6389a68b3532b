"""What a place holds before anything is read: images in one order, sides, classes, captions."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from ldviz.data.settings import DataSettings
from ldviz.errors import DataError

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib"}
    | {".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".avif"}
)
_ARCHIVE_SUFFIXES = frozenset(
    (".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".7z", ".rar", ".zst")
)
_METADATA_FILES = frozenset(("metadata.csv", "metadata.jsonl"))
_CAPTION_COLUMNS = ("text", "caption", "captions", "prompt", "sentence", "sentences")
MAX_TEXT_BYTES = 2**20
MAX_METADATA_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Item:
    """One image as it lies at its place.

    Attributes:
        row: its position in the listing.
        content: the whole file's bytes, or None if it cannot be had.
        caption: its text, where the place has captions; else None.
        problem: why there is no content.
    """

    row: int
    content: bytes | None
    caption: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Listing:
    """Every image of a place, in the order that positions and ids count.

    Attributes:
        place: what kind of place it is, in words.
        count: how many images it holds.
        name: position to a name for messages.
        read: positions, ascending, to their items one by one.
        is_member: (count,) bool where the place itself has two sides, else None.
        labels: (count,) int64 classes, or None.
        class_names: name of each class, or None.
        has_captions: whether items carry captions.
        ignored: files that were not taken for images, by reason.
    """

    place: str
    count: int
    name: Callable[[int], str]
    read: Callable[[np.ndarray], Iterator[Item]]
    is_member: np.ndarray | None = None
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    has_captions: bool = False
    ignored: dict[str, int] | None = None


@dataclass(frozen=True)
class Layout:
    """What the names of files say, for folders and archives alike.

    Attributes:
        names: paths of the images, with "/" between folders.
        is_member, labels, class_names: as in Listing.
        caption_files: image to the text file of the same name beside it.
        metadata_files: tables of captions, and the folder that each speaks of.
        ignored: as in Listing.
    """

    names: tuple[str, ...]
    is_member: np.ndarray | None
    labels: np.ndarray | None
    class_names: tuple[str, ...] | None
    caption_files: dict[str, str]
    metadata_files: tuple[str, ...]
    ignored: dict[str, int]


def read_layout(names: list[str], settings: DataSettings, where: str) -> Layout:
    """Sides, classes and captions from the names of files.

    The folders ``member`` and ``held_out`` (or those that the settings name) are the two
    sides.  Below them, or below the place itself, the first folders are classes if every
    image lies in one and there are at least two.  A folder around everything is passed over.

    Args:
        names: every file's path below the place, in the order that ids count.
        settings: ``member_split`` and ``held_out_split``.
        where: the place, for messages.

    Raises:
        DataError: if there is no image, or only one of the two sides.
    """
    ignored: Counter[str] = Counter()
    images, others = [], set()
    for name in names:
        path = PurePosixPath(name)
        suffix = path.suffix.lower()
        if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
            ignored["hidden"] += 1
        elif suffix in IMAGE_SUFFIXES:
            images.append(path)
        elif suffix in _ARCHIVE_SUFFIXES:
            ignored["archives inside, not opened"] += 1
        else:
            others.add(name)
    if not images:
        raise DataError(
            f'"{where}" holds no images. Files with these endings are taken for images: '
            f"{' '.join(sorted(IMAGE_SUFFIXES))}."
        )
    sides = (settings.member_split or "member", settings.held_out_split or "held_out")
    depth = _common_depth(images, sides)
    inside = {path.parts[depth] for path in images if len(path.parts) > depth + 1}
    is_member = None
    if inside & set(sides):
        missing = [side for side in sides if side not in inside]
        if missing:
            raise DataError(
                f'"{where}" has images in only one of the folders "{sides[0]}" and "{sides[1]}": '
                f'none in "{missing[0]}". Both sides need images, or there is nothing to attack.'
            )
        kept = [path for path in images if path.parts[depth] in sides]
        ignored["outside both sides"] += len(images) - len(kept)
        images = kept
        is_member = np.array([path.parts[depth] == sides[0] for path in images])
        depth += 1
    elif settings.member_split is not None:
        raise DataError(
            f'"{where}" has no folders "{sides[0]}" and "{sides[1]}". '
            f"Its folders: {', '.join(sorted(inside)) or 'none'}."
        )
    labels, class_names = _classes([path.parts[depth:-1] for path in images])
    beside = {str(path): str(path.with_suffix(".txt")) for path in images}
    caption_files = {image: text for image, text in beside.items() if text in others}
    metadata = tuple(sorted(name for name in others if PurePosixPath(name).name in _METADATA_FILES))
    ignored["not images by name"] += len(others) - len(caption_files) - len(metadata)
    return Layout(
        names=tuple(str(path) for path in images),
        is_member=is_member,
        labels=labels,
        class_names=class_names,
        caption_files=caption_files,
        metadata_files=metadata,
        ignored={reason: count for reason, count in ignored.items() if count},
    )


def parse_metadata(name: str, content: bytes, settings: DataSettings) -> dict[str, str]:
    """Captions from a ``metadata.csv`` or ``metadata.jsonl``: image's path to its caption.

    The layout is that of Hugging Face's imagefolder: a column ``file_name``, relative to the
    table's own folder, and a column of text.

    Raises:
        DataError: if the table cannot be read or has no such columns.
    """
    if len(content) > MAX_METADATA_BYTES:
        raise DataError(
            f'The table of captions "{name}" has more than {MAX_METADATA_BYTES:,} bytes; '
            "split it, one table a folder."
        )
    try:
        text = content.decode("utf-8-sig")
        if name.endswith(".csv"):
            lines = list(csv.DictReader(io.StringIO(text)))
        else:
            lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        columns = set(lines[0]) if lines else set()
    except (UnicodeDecodeError, csv.Error, ValueError, TypeError) as error:
        raise DataError(f'The table of captions "{name}" cannot be read: {error}.') from error
    asked = settings.caption_column
    column = asked or next((known for known in _CAPTION_COLUMNS if known in columns), None)
    if asked is not None and asked not in columns:
        raise DataError(
            f'The table "{name}" has no column "{asked}". It has: {", ".join(sorted(columns))}.'
        )
    if column is None or "file_name" not in columns:
        return {}
    folder = PurePosixPath(name).parent
    return {
        str(folder / str(line.get("file_name"))): caption_text(line.get(column)) for line in lines
    }


def caption_text(value: object) -> str:
    """One caption from a cell: the first of several, "" for none, blanks made single."""
    if isinstance(value, list | tuple):
        value = value[0] if value else ""
    return " ".join(str(value).split()) if value is not None else ""


def _common_depth(images: list[PurePosixPath], sides: tuple[str, str]) -> int:
    """How many folders lie around every image, sides not counted among them."""
    depth = 0
    while True:
        first = {path.parts[depth] if len(path.parts) > depth + 1 else None for path in images}
        if len(first) != 1 or None in first or first & set(sides):
            return depth
        depth += 1


def _classes(
    folders: list[tuple[str, ...]],
) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    """Classes by first folder, in the order of their names; None unless there are two."""
    names = sorted({parts[0] for parts in folders if parts})
    if len(names) < 2 or not all(folders):
        return None, None
    number = {name: index for index, name in enumerate(names)}
    labels = np.array([number[parts[0]] for parts in folders], dtype=np.int64)
    # A name on disk need not be valid text; a class's name is.
    return labels, tuple(name.encode(errors="replace").decode() for name in names)
