"""Open a stored study: checked at once, read block by block when asked.  Imports no torch."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ldviz.errors import LdvizError, StudyError
from ldviz.study.blocks import block_path, read_block
from ldviz.study.schema import (
    SCHEMA_VERSION,
    Manifest,
    decode_captions,
    manifest_digest,
    vectors_array,
)

TITLE_FILE = "title.txt"
"""In a study's folder: a title that its user gave it, shown instead of the manifest's."""


class Study:
    """A stored analysis of one model on one set of images.

    Arrays are read on first use and kept; treat them as read-only, they are shared.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self.title = _given_title(path) or manifest.title
        self._arrays: dict[str, np.ndarray] = {}
        self._distortions: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def digest(self) -> str:
        """The manifest's digest: changes whenever anything in the study does."""
        return self.manifest.digest

    @property
    def num_samples(self) -> int:
        return self.manifest.num_samples

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.manifest.image_shape

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        return self.manifest.latent_shape

    @property
    def latent_dim(self) -> int:
        channels, height, width = self.manifest.latent_shape
        return channels * height * width

    @property
    def default_attack(self) -> str | None:
        return self.manifest.default_attack

    @property
    def default_timestep(self) -> int | None:
        """The timestep of "an image's score" where none is named."""
        return self.manifest.default_timestep

    @property
    def sample_ids(self) -> np.ndarray:
        """(n,) int64, the stable identity of every sample."""
        return self.array("sample_ids")

    @property
    def is_member(self) -> np.ndarray:
        """(n,) bool, True where the denoiser was trained on the sample."""
        return self.array("is_member")

    @property
    def labels(self) -> np.ndarray | None:
        """(n,) int64 classes, or None."""
        return self.array("labels") if "labels" in self.manifest.arrays else None

    @property
    def captions(self) -> tuple[str, ...] | None:
        """Text of every sample, or None."""
        if "captions" not in self.manifest.arrays:
            return None
        return decode_captions(self.array("captions"))

    def array(self, name: str) -> np.ndarray:
        """A stored array, (rows, ...), digest-checked block by block at its first reading.

        Raises:
            StudyError: if there is no such array, or a block is missing or changed.
        """
        with self._lock:
            if name not in self._arrays:
                self._arrays[name] = self._read(name)
            return self._arrays[name]

    def _read(self, name: str) -> np.ndarray:
        entry = self.manifest.arrays.get(name)
        if entry is None and name == "images":
            return self._redraw()
        if entry is None:
            raise StudyError(
                f'Study "{self.name}" has no array "{name}". '
                f"It has: {', '.join(sorted(self.manifest.arrays))}."
            )
        array = self._empty(entry.rows, name)
        for index in range(len(entry.blocks)):
            start, block = self._block(name, index)
            array[start : start + len(block)] = block
        array.setflags(write=False)
        return array

    def _empty(self, rows: int, name: str) -> np.ndarray:
        """Room for rows of an array; latents stored in half precision are read in single."""
        entry = self.manifest.arrays[name]
        return np.empty((rows, *entry.shape), "float32" if name == "latents" else entry.dtype)

    def _block(self, name: str, index: int) -> tuple[int, np.ndarray]:
        """The first row of a block of an array, and its rows, digest-checked."""
        entry = self.manifest.arrays[name]
        start = index * entry.block_size
        return start, read_block(
            block_path(self.path, name, index, entry.encoding),
            entry.blocks[index],
            rows=min(entry.block_size, entry.rows - start),
            shape=entry.shape,
        )

    def _redraw(self) -> np.ndarray:
        """(n, H, W, c) uint8 images of a study that does not store them, from their source."""
        from ldviz.data.images import array_digest
        from ldviz.data.sources import load_images

        entry = self.manifest.data
        size, count = entry.settings["image_size"], entry.settings.get("num_images")
        images = load_images(entry.source, size, count)
        if array_digest(images.sample_ids, images.pixels) != entry.images_sha256:
            raise StudyError(
                f'The images of study "{self.name}" are drawn anew from "{entry.source}", and are '
                "no longer the ones that were analysed (wrong SHA-256). Install the pinned "
                "requirements, or run train and analyze again."
            )
        images.pixels.setflags(write=False)
        return images.pixels

    def images(self, rows: np.ndarray | slice | list[int]) -> np.ndarray:
        """(k, H, W, c) uint8 pixels of the samples at these positions."""
        return self.array("images")[rows]

    def local_distortion(self, rank: int | None = None) -> np.ndarray:
        """(n,) float64 local distortion in nats, at the study's rank unless told otherwise.

        Computed once per rank, since every page asks for it at every run.
        """
        from ldviz.geometry.distortion import local_distortion

        if self.manifest.geometry is None:
            raise StudyError(f'Study "{self.name}" has no geometry. Run analyze on it.')
        chosen = self.manifest.geometry.rank if rank is None else rank
        if chosen not in self._distortions:
            found = local_distortion(self.array("singular_values"), rank=chosen)
            found.setflags(write=False)
            self._distortions[chosen] = found
        return self._distortions[chosen]

    def influence(self) -> np.ndarray:
        """(n, d) influence of every latent dimension, in nats."""
        values = self.array("influence")
        return values.reshape(len(values), -1)

    def stored_timesteps(self, attack: str) -> tuple[int | None, ...]:
        """Timesteps at which an attack's vectors are stored; empty if none."""
        entry = self.manifest.attacks.get(attack)
        return entry.timesteps if entry else ()

    def stored_vectors(self, attack: str, timestep: int | None) -> np.ndarray:
        """(n, d) float16 attack vectors as stored."""
        values = self.array(vectors_array(attack, timestep))
        return values.reshape(len(values), -1)

    def position(self, sample_id: int) -> int:
        """Row of a sample id.

        Raises:
            StudyError: if the study has no such sample.
        """
        found = np.flatnonzero(self.sample_ids == sample_id)
        if not len(found):
            raise StudyError(
                f'Study "{self.name}" has no sample {sample_id}. '
                f"Its ids run from {self.sample_ids.min()} to {self.sample_ids.max()}."
            )
        return int(found[0])


def open_study(path: str | Path) -> Study:
    """Open a study's folder.

    Schema, shapes, file sizes and the manifest's digest are checked now; the digest of
    each block when it is first read.

    Raises:
        StudyError: if the folder is missing, foreign, of another version or damaged.
    """
    path = Path(path)
    if not path.is_dir():
        raise StudyError(f'There is no study folder "{path}".')
    content = _read_manifest(path)
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StudyError(
            f'The manifest of "{path.name}" is not valid: `{where}`: {first["msg"]}. '
            "Run analyze again."
        ) from error
    if manifest_digest(content) != manifest.digest:
        raise StudyError(
            f'The manifest of "{path.name}" has been edited: its digest does not match. '
            "Restore it, or run analyze again."
        )
    _check_arrays(path, manifest)
    return Study(path, manifest)


def _given_title(path: Path) -> str:
    """The title that the user gave; empty where there is none that can be read."""
    try:
        return (path / TITLE_FILE).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _read_manifest(path: Path) -> dict:
    """The manifest's JSON, its schema version checked."""
    file = path / "manifest.json"
    if not file.is_file():
        raise StudyError(
            f'"{path.name}" is not a finished study: it has no manifest.json. '
            f"Run: python -m ldviz analyze {path.name}"
        )
    try:
        content = json.loads(file.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise StudyError(
            f'The manifest of "{path.name}" cannot be read: {error}. '
            "It may be truncated; restore it, or run analyze again."
        ) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise StudyError(
            f'Study "{path.name}" has schema version {version}; this ldviz reads '
            f"{SCHEMA_VERSION}. Rebuild it: python -m ldviz analyze {path.name}"
        )
    return content


def _check_arrays(path: Path, manifest: Manifest) -> None:
    """Block counts, row counts and file sizes; raises StudyError."""
    for name, entry in manifest.arrays.items():
        expected = -(-entry.rows // entry.block_size)
        too_long = entry.rows > manifest.num_samples and not name.startswith("further_")
        if len(entry.blocks) != expected or too_long:
            raise StudyError(
                f'Array "{name}" of "{path.name}" has {len(entry.blocks)} blocks for '
                f"{entry.rows} rows of {manifest.num_samples} samples; expected {expected} blocks. "
                "Run analyze again."
            )
        for index, block in enumerate(entry.blocks):
            file = block_path(path, name, index, entry.encoding)
            try:
                size = file.stat().st_size
            except OSError as error:
                raise StudyError(
                    f'Study "{path.name}" lacks the file "arrays/{name}/{file.name}". '
                    "Restore it, or run analyze again."
                ) from error
            if size != block.bytes:
                raise StudyError(
                    f'The file "arrays/{name}/{file.name}" of study "{path.name}" is truncated or '
                    f"changed: {size:,} of {block.bytes:,} bytes. Restore it, or run analyze again."
                )


def find_studies(folders: list[Path]) -> dict[str, Path]:
    """Candidate study folders by name; an earlier folder hides a later one of the same name."""
    found: dict[str, Path] = {}
    for folder in folders:
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.is_dir() and not path.name.startswith("."):
                    found.setdefault(path.name, path)
    return found


def open_studies(folders: list[Path]) -> tuple[dict[str, Study], dict[str, str]]:
    """Every study in some folders: the good ones, and the reason for each of the others."""
    studies: dict[str, Study] = {}
    failures: dict[str, str] = {}
    for name, path in find_studies(folders).items():
        try:
            studies[name] = open_study(path)
        except LdvizError as error:
            failures[name] = str(error)
    return studies, failures
