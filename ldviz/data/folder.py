"""Images in a folder on disk."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ldviz.data.decode import MAX_FILE_BYTES
from ldviz.data.listing import (
    MAX_METADATA_BYTES,
    MAX_TEXT_BYTES,
    Item,
    Listing,
    caption_text,
    parse_metadata,
    read_layout,
)
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError


def list_folder(folder: Path, settings: DataSettings) -> Listing:
    """The images below a folder, sorted by path.

    Links are followed, each folder once; archives inside are not opened.

    Raises:
        DataError: if there is no image, or only one side.
    """
    layout = read_layout([name for name, _ in walk_files(folder)], settings, str(folder))
    captions: dict[str, str] = {}
    for name in layout.metadata_files:
        captions |= parse_metadata(name, _content(folder / name, MAX_METADATA_BYTES), settings)
    has_captions = bool(captions or layout.caption_files)

    def read(rows: np.ndarray) -> Iterator[Item]:
        for row in rows:
            name = layout.names[row]
            try:
                content = _content(folder / name, MAX_FILE_BYTES)
                caption = captions.get(name)
                if caption is None and name in layout.caption_files:
                    text = _content(folder / layout.caption_files[name], MAX_TEXT_BYTES)
                    caption = caption_text(text.decode("utf-8", errors="replace"))
            except OSError as error:
                yield Item(int(row), None, problem=f"it cannot be read: {error.strerror}.")
                continue
            yield Item(int(row), content, (caption or "") if has_captions else None)

    return Listing(
        place="folder" if layout.is_member is None else "folder per side",
        count=len(layout.names),
        name=layout.names.__getitem__,
        read=read,
        is_member=layout.is_member,
        labels=layout.labels,
        class_names=layout.class_names,
        has_captions=has_captions,
        ignored=layout.ignored,
    )


def folder_fingerprint(folder: Path) -> str:
    """Digest of the names, sizes and times of change of every file below a folder."""
    digest = hashlib.sha256()
    for name, status in walk_files(folder):
        digest.update(
            f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode("utf-8", "replace")
        )
    return digest.hexdigest()


def walk_files(folder: Path) -> list[tuple[str, os.stat_result]]:
    """(path with "/", status) of every regular file below a folder, sorted by path.

    Raises:
        DataError: if the folder cannot be read.
    """
    found: list[tuple[str, os.stat_result]] = []
    seen: set[tuple[int, int]] = set()

    def fail(error: OSError) -> None:
        raise DataError(f'The folder "{error.filename}" cannot be read: {error.strerror}.')

    for here, folders, files in os.walk(folder, followlinks=True, onerror=fail):
        status = os.stat(here)
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            folders.clear()
            continue
        seen.add(identity)
        for file in files:
            path = os.path.join(here, file)
            try:
                status = os.stat(path)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                found.append((os.path.relpath(path, folder).replace(os.sep, "/"), status))
    return sorted(found, key=lambda entry: entry[0])


def _content(path: Path, limit: int) -> bytes:
    """A file's bytes; one more than the limit where there are more, for the reader to refuse."""
    with open(path, "rb") as file:
        return file.read(limit + 1)
