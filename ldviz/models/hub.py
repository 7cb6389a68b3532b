"""Models by hub id: only the files that are read, into the hub's own cache.  Imports no torch."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from ldviz.errors import ModelError
from ldviz.models.recognise import FOLDERS, PAPER_AUTOENCODER, PAPER_DENOISER, weight_names

_ID = re.compile(r"[\w.-]+/[\w.-]+(/[\w.-]+)*")
_SECONDS = 15.0
_READ = (".json", ".txt", ".model", ".py")


def local_place(place: str | Path, revision: str | None = None, variant: str | None = None) -> Path:
    """The local folder or file that a place means; a hub id is fetched first.

    Args:
        place: a path, or ``owner/name``, or ``owner/name/subfolder``.
        revision: branch, tag or commit of a hub id.
        variant: of the weights.

    Raises:
        ModelError: if it is neither a path that exists nor a hub id that can be fetched.
    """
    path = Path(place).expanduser()
    if path.exists():
        return path
    text = str(place)
    if not _ID.fullmatch(text) or text.startswith("."):
        raise ModelError(
            f'There is no model "{place}": no such folder or file. '
            "Give a folder, a checkpoint's file, or a hub id such as owner/name."
        )
    owner, name, *inside = text.split("/")
    return _fetched(f"{owner}/{name}", revision, variant) / "/".join(inside)


def files_to_fetch(names: list[str], variant: str | None = None) -> list[str]:
    """Of a repository's files, those that ldviz reads: configs, and one set of weights a part.

    Modules are fetched as text, to be seen and refused; they are never imported.
    """
    used = {"."} | {folder for folders in FOLDERS.values() for folder in folders}
    wanted: list[str] = []
    for folder in sorted(used):
        here = [name for name in names if str(PurePosixPath(name).parent) == folder]
        short = {PurePosixPath(name).name: name for name in here}
        wanted += [name for name in here if name.endswith(_READ)]
        weights = weight_names(list(short))
        chosen = weights.get(variant) or (next(iter(weights.values())) if weights else None)
        if chosen is None:
            continue
        wanted.append(short[chosen])
        if chosen.endswith(".index.json"):
            suffix = chosen.removesuffix(".index.json").rsplit(".", 1)[1]
            wanted += [short[one] for one in short if "-of-" in one and one.endswith(f".{suffix}")]
    wanted += [name for name in names if name in (PAPER_AUTOENCODER, PAPER_DENOISER)]
    return sorted(set(wanted))


def _fetched(repository: str, revision: str | None, variant: str | None) -> Path:
    """The cached folder of a repository."""
    from huggingface_hub import model_info, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        # Asked once, without the retries that a listing of files would make when offline.
        siblings = model_info(repository, revision=revision, timeout=_SECONDS).siblings or ()
        files = files_to_fetch([file.rfilename for file in siblings], variant)
        return Path(snapshot_download(repository, revision=revision, allow_patterns=files))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    except Exception as error:
        # The hub's client lets errors of its transport through, which are none of the above.
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests")):
            raise
        reason = f"{type(error).__name__}: {error}"
    try:
        return Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        raise ModelError(
            f'There is no folder "{repository}", and as a hub id it cannot be fetched: '
            f"{reason.rstrip('.')}. "
            "Check the spelling and the connection, or download it and give the folder."
        ) from None
