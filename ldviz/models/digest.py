"""A model's identity: one digest over its weights and configs.  Imports no torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ldviz.errors import ModelError

_PARTS = ("vae", "unet", "scheduler")


def model_digest(folder: str | Path) -> str:
    """SHA-256 over the files of ``vae/``, ``unet/`` and ``scheduler/``, names included.

    Raises:
        ModelError: if there are none.
    """
    folder = Path(folder)
    files = sorted(
        path
        for part in _PARTS
        for path in (folder / part).glob("*")
        if path.suffix in (".json", ".safetensors")
    )
    if not files:
        raise ModelError(f'No model files in "{folder}"; expected vae/, unet/ and scheduler/.')
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
