"""Recognise what a place is, by what is there."""

from __future__ import annotations

import re
from pathlib import Path

from ldviz.data.archive import list_archive
from ldviz.data.folder import folder_fingerprint, list_folder, walk_files
from ldviz.data.listing import IMAGE_SUFFIXES, Listing
from ldviz.data.settings import DataSettings
from ldviz.data.table import is_saved, list_table, table_files
from ldviz.errors import DataError

_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


def list_place(settings: DataSettings, scratch: Path) -> Listing:
    """List the images at ``settings.place``.

    A folder is a data set if ``save_to_disk`` wrote it, or if it has parquet or arrow files
    and no images; else a folder of images.  A file is an archive.  What is not on disk and
    looks like a hub id is one.

    Args:
        settings: of the images.
        scratch: folder for temporary files.

    Raises:
        DataError: if no place is named, or it is none of these.
    """
    if settings.place is None:
        raise DataError(
            "No images are named. Give their folder, archive or data set: --images path/to/images, "
            "or `place` in the recipe."
        )
    place = Path(settings.place)
    if place.is_dir():
        return list_table(settings, scratch) if _is_table(place) else list_folder(place, settings)
    if place.is_file():
        return list_archive(place, settings)
    if place.exists() or not _HUB_ID.fullmatch(settings.place):
        raise DataError(
            f'There is no folder or archive "{place}". '
            "Give an existing one, or a data set's hub id such as uoft-cs/cifar10."
        )
    return list_table(settings, scratch)


def place_fingerprint(settings: DataSettings) -> str | None:
    """What changes when the files of a place do; None where that cannot be told from here.

    A data set on the hub cannot, nor a place that is not there now.
    """
    place = Path(settings.place or "")
    if settings.place is None or not place.exists():
        return None
    if place.is_dir():
        return folder_fingerprint(place)
    status = place.stat()
    return f"{status.st_size}/{status.st_mtime_ns}"


def _is_table(folder: Path) -> bool:
    if is_saved(folder):
        return True
    if not table_files(folder):
        return False
    return not any(Path(name).suffix.lower() in IMAGE_SUFFIXES for name, _ in walk_files(folder))
