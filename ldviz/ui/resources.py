"""What sessions share: open studies, found again whenever a manifest on disk changes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ldviz.study.places import study_folders
from ldviz.study.sampled import SampledStudy
from ldviz.study.store import TITLE_FILE, Study, find_studies, open_studies


def available_studies() -> tuple[dict[str, Study], dict[str, str]]:
    """Studies that open, by name, and the reason for each folder that does not."""
    folders = study_folders()
    return _open_studies(tuple(str(folder) for folder in folders), _fingerprint(folders))


@st.cache_resource(max_entries=8, show_spinner=False)
def sampled(_study: Study, digest: str) -> Study:
    """A large study's seeded sample; what was read of it is kept."""
    return SampledStudy(_study)


def _fingerprint(folders: list[Path]) -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a study appears, vanishes or gets another manifest or title."""
    marks = []
    for path in find_studies(folders).values():
        for file in (path / "manifest.json", path / TITLE_FILE):
            try:
                status = file.stat()
            except OSError:
                marks.append((str(file), 0, 0))
            else:
                marks.append((str(file), status.st_mtime_ns, status.st_size))
    return tuple(marks)


@st.cache_resource(max_entries=2, show_spinner=False)
def _open_studies(
    folders: tuple[str, ...], fingerprint: tuple[tuple[str, int, int], ...]
) -> tuple[dict[str, Study], dict[str, str]]:
    return open_studies([Path(folder) for folder in folders])
