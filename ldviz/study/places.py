"""Where studies live: ./studies (one's own), then the bundled ones."""

from __future__ import annotations

import os
from pathlib import Path

from ldviz.errors import StudyError

BUNDLED = Path(__file__).resolve().parents[2] / "assets" / "studies"


def study_folders() -> list[Path]:
    """Folders that hold studies, in order of precedence.

    The environment variable ``LDVIZ_STUDIES`` (folders separated as in PATH) replaces them.
    """
    override = os.environ.get("LDVIZ_STUDIES")
    if override:
        return [Path(part) for part in override.split(os.pathsep) if part]
    return [Path.cwd() / "studies", BUNDLED]


def resolve_study(argument: str) -> Path:
    """The folder that a STUDY argument means: a path, else ./studies, else the bundled ones.

    Raises:
        StudyError: if there is none of these.
    """
    candidates = [Path(argument), *(folder / argument for folder in study_folders())]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    known = sorted(
        path.name for folder in study_folders() if folder.is_dir() for path in folder.iterdir()
    )
    raise StudyError(
        f'There is no study "{argument}". Known: {", ".join(known) or "none"}; '
        "or give the path of a study's folder."
    )


def cache_folder() -> Path:
    """Where live results are kept: ``LDVIZ_CACHE``, else ./.cache."""
    return Path(os.environ.get("LDVIZ_CACHE", Path.cwd() / ".cache"))
