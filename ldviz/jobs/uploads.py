"""Archives that were sent to the server: kept until the study made of them is finished."""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path

from ldviz.errors import DataError
from ldviz.jobs.own_study import analysis_records
from ldviz.study.blocks import write_atomically
from ldviz.study.recipe import slug

UPLOADS = ".uploads"
MAX_UPLOAD_MB = 200
_KEPT_SECONDS = 24 * 3600


def keep_upload(studies: Path, name: str, content: bytes) -> Path:
    """Write an archive beside the studies, under a name made plain; nothing is unpacked.

    Args:
        studies: folder of studies.
        name: as the sender calls it; only its letters and digits are used.
        content: at most ``MAX_UPLOAD_MB``.

    Returns:
        Where it lies; the same bytes lie in the same place.

    Raises:
        DataError: if it is too large.
        StudyError: if it cannot be written.
    """
    if len(content) > MAX_UPLOAD_MB * 2**20:
        raise DataError(
            f'"{name}" has {len(content) / 2**20:,.0f} MB; at most {MAX_UPLOAD_MB} MB are taken '
            "from a browser. Put it on the server and give its path."
        )
    sweep_uploads(studies)
    stem, _, suffix = name.lower().replace("\\", "/").rsplit("/", 1)[-1].partition(".")
    folder = studies / UPLOADS / hashlib.sha256(content).hexdigest()[:16]
    path = folder / f"{slug(stem)}.{'zip' if suffix.endswith('zip') else 'tar'}"
    if not path.exists():
        write_atomically(path, content)
    return path


def drop_upload(place: str | None) -> None:
    """Delete an archive that was sent, if that is what a place is."""
    path = Path(place or "")
    if path.parent.parent.name == UPLOADS:
        shutil.rmtree(path.parent, ignore_errors=True)


def sweep_uploads(studies: Path) -> None:
    """Delete archives that are a day old and belong to no analysis under way or to resume."""
    used = {
        Path(recipe["data"]["place"]).parent
        for record in analysis_records()
        if record.state != "done"
        and (recipe := record.arguments.get("recipe"))
        and recipe["data"].get("place")
    }
    for folder in (studies / UPLOADS).glob("*"):
        if folder not in used and time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
