"""A model's identity: one digest over its weights and configs.  Imports no torch."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ldviz.errors import ModelError
from ldviz.models.scaling import latent_scaling

if TYPE_CHECKING:
    from ldviz.models.plan import ModelPlan

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
    return _joined([(path.relative_to(folder).as_posix(), path) for path in files])


def plan_digest(plan: ModelPlan) -> str:
    """SHA-256 over the files of a plan, their roles and names, and how it is computed.

    It does not depend on where the files lie.
    """
    digest = hashlib.sha256(_joined(plan.files()).encode())
    digest.update(plan.settings.precision.encode())
    if plan.empty_is_zero:
        digest.update(b"zeros for the empty caption")
    if latent_scaling(plan.parts["autoencoder"].config).is_by_channel:
        digest.update(b"latents scaled by channel")
    return digest.hexdigest()


def _joined(files: list[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, path in files:
        status = path.stat()
        digest.update(name.encode())
        digest.update(_file_digest(path, status.st_size, status.st_mtime_ns))
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _file_digest(path: Path, size: int, changed: int) -> bytes:
    """SHA-256 of a file; read once as long as its size and its time stay."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
