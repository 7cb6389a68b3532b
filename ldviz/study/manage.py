"""Studies as things to keep: given another title, put away, and brought back."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from ldviz.errors import StudyError
from ldviz.study.blocks import write_atomically
from ldviz.study.places import BUNDLED, study_folders
from ldviz.study.store import TITLE_FILE, find_studies

TRASH = ".trash"
"""Folder beside the studies where removed ones lie until they are restored."""

MAX_TITLE = 80


@dataclass(frozen=True)
class Removed:
    """A study that was put away.

    Attributes:
        path: where it lies now.
        home: where it was.
        when: seconds since the epoch.
    """

    path: Path
    home: Path
    when: int


def own_studies_folder() -> Path:
    """Where new studies go: the first folder of studies.

    Raises:
        StudyError: if the server can only read there.
    """
    folder = study_folders()[0]
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if folder.resolve() == BUNDLED.resolve() or not os.access(existing, os.W_OK):
        raise StudyError(
            f'New studies would go to "{folder}", which cannot be written to or holds those that '
            "come with ldviz. Start the server where there is a folder for them, or name one with "
            "LDVIZ_STUDIES."
        )
    return folder


def check_own(path: Path) -> None:
    """Raise StudyError for a study that comes with ldviz, or lies where nothing can be moved."""
    if path.parent.resolve() == BUNDLED.resolve():
        raise StudyError(
            f'"{path.name}" comes with ldviz and stays as it is. Copy its folder to ./studies to '
            "change it."
        )
    if not path.is_dir() or not os.access(path.parent, os.W_OK):
        raise StudyError(f'"{path}" cannot be changed: it is gone, or its folder is read-only.')


def rename_study(path: Path, title: str) -> None:
    """Give a study another title; its folder, numbers and digest stay.

    Raises:
        StudyError: if the title is empty, too long or not one line, or the study is not one's own.
    """
    check_own(path)
    title = title.strip()
    if not 1 <= len(title) <= MAX_TITLE or not title.isprintable():
        raise StudyError(f"A title is one line of 1 to {MAX_TITLE} characters, got {title[:90]!r}.")
    write_atomically(path / TITLE_FILE, title.encode())


def remove_study(path: Path) -> Removed:
    """Put a study away, into a folder beside it; nothing is deleted.

    Raises:
        StudyError: if it is not one's own, or cannot be moved.
    """
    check_own(path)
    when = int(time.time())
    trash = path.parent / TRASH
    place = trash / f"{path.name}~{when}"
    while place.exists():
        when += 1
        place = trash / f"{path.name}~{when}"
    _move(path, place)
    return Removed(place, path, when)


def removed_studies() -> list[Removed]:
    """What was put away and can be restored, the latest first."""
    found = []
    for folder in study_folders():
        for place in (folder / TRASH).glob("*~*"):
            name, _, when = place.name.rpartition("~")
            if place.is_dir() and name and when.isdecimal():
                found.append(Removed(place, folder / name, int(when)))
    return sorted(found, key=lambda removed: -removed.when)


def restore_study(removed: Removed) -> Path:
    """Bring a study back to where it was.

    Raises:
        StudyError: if another study has taken its place, or it cannot be moved.
    """
    if removed.home.exists():
        raise StudyError(
            f'There is a study "{removed.home.name}" again, so the removed one cannot come back '
            "under that name. Remove or move the other first."
        )
    _move(removed.path, removed.home)
    return removed.home


def unfinished_studies() -> dict[str, Path]:
    """Folders, by name, whose analysis was begun and can be continued."""
    return {
        name: path
        for name, path in find_studies(study_folders()).items()
        if not (path / "manifest.json").exists()
        and ((path / "settings.json").is_file() or (path / "training.json").is_file())
    }


def _move(start: Path, end: Path) -> None:
    try:
        end.parent.mkdir(parents=True, exist_ok=True)
        os.rename(start, end)
    except OSError as error:
        raise StudyError(f'"{start}" cannot be moved to "{end}": {error.strerror}.') from error
