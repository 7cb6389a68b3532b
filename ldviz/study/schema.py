"""What a stored study says about itself: ``manifest.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ldviz.data.report import ImageReport
from ldviz.models.card import ModelCard
from ldviz.models.settings import ModelSettings

SCHEMA_VERSION = 1


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Block(_Entry):
    """One file of an array: its size and SHA-256."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ArrayEntry(_Entry):
    """One array, (rows, *shape), in blocks of ``block_size`` rows.

    ``encoding`` "safetensors" keeps a block as one tensor, "png" as one lossless sheet of
    images.  An array may cover a prefix of the samples: rows <= num_samples.
    Arrays whose name begins with "further_" have rows of their own: the samples, then the
    further images.
    """

    dtype: Literal["float32", "float16", "float64", "int64", "bool", "uint8", "uint16"]
    shape: tuple[int, ...]
    rows: int = Field(ge=1)
    block_size: int = Field(ge=1)
    encoding: Literal["safetensors", "png"] = "safetensors"
    blocks: tuple[Block, ...]


class DataEntry(_Entry):
    """Where the images came from, and digests that tell whether they are the same ones.

    ``report`` says what became of images of one's own; it is None for those that come along.
    """

    source: str
    settings: dict[str, Any]
    images_sha256: str
    split_sha256: str
    num_skipped: int = 0
    class_names: tuple[str, ...] | None = None
    report: ImageReport | None = None


class ModelEntry(ModelCard):
    """The model that was analysed.

    Attributes:
        sha256: digest of its weights and configs.
        origin: where it can be loaded from again: the study's own folder, the places in
            ``settings``, or nowhere, for an object that lived in Python.
        settings: of a model of one's own.
    """

    sha256: str
    origin: Literal["folder", "settings", "object"] = "folder"
    settings: ModelSettings | None = None


class GeometryEntry(_Entry):
    """How the stored geometry was computed.

    ``method`` "exact" stores the whole spectrum and the exact influence; "randomized" the
    ``rank`` largest singular values and Hutchinson's estimate of the influence.
    """

    rank: int
    num_probes: int
    seed: int
    route: str
    method: Literal["exact", "randomized"] = "exact"


class AttackEntry(_Entry):
    """Stored attack vectors of one attack: which parameters, which timesteps."""

    version: int
    parameters: dict[str, Any]
    seed: int
    timesteps: tuple[int | None, ...]


class RanksEntry(_Entry):
    """Stored orders of the scores: a ROC depends on scores through their order alone."""

    drop_fraction: float
    columns: tuple[str, ...]
    attacks: dict[str, AttackEntry]


class FurtherEntry(_Entry):
    """More held-out images, scored with one attack beside the study's own samples.

    Masks rank by Hutchinson's estimate of the influence, for all rows alike.
    """

    n_held_out: int
    images_sha256: str
    attack: str
    timestep: int | None
    num_probes: int
    columns: tuple[str, ...]


class MadeBy(_Entry):
    """What made the study: program, versions, settings, times."""

    ldviz: str
    packages: dict[str, str]
    device: str
    recipe: dict[str, Any] | None
    train_seconds: float | None
    analyze_seconds: float
    finished: str


class Manifest(_Entry):
    """The whole manifest; ``digest`` covers everything else in it."""

    schema_version: int
    name: str
    title: str
    description: str
    num_samples: int
    n_member: int
    n_held_out: int
    image_shape: tuple[int, int, int]
    latent_shape: tuple[int, int, int]
    data: DataEntry
    model: ModelEntry
    geometry: GeometryEntry | None
    attacks: dict[str, AttackEntry]
    default_attack: str | None
    default_timestep: int | None
    arrays: dict[str, ArrayEntry]
    ranks: RanksEntry | None = None
    further: FurtherEntry | None = None
    made_by: MadeBy
    digest: str = ""


def manifest_digest(content: dict[str, Any]) -> str:
    """SHA-256 over a manifest's JSON without its ``digest`` field."""
    body = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def ranks_array(attack: str, timestep: int | None) -> str:
    """Name of the array that holds the order of an attack's scores under every mask."""
    return f"ranks-{vectors_array(attack, timestep)}"


def vectors_array(attack: str, timestep: int | None) -> str:
    """Name of the array that holds an attack's vectors at a timestep."""
    return f"{attack}-t{timestep:04d}" if timestep is not None else attack


def encode_captions(captions: Sequence[str]) -> np.ndarray:
    """Captions as (n, width) uint8: UTF-8, filled up with zeros to the longest."""
    texts = [caption.replace("\0", "").encode() for caption in captions]
    width = max(1, *map(len, texts))
    return np.array(texts, dtype=f"S{width}").view(np.uint8).reshape(len(texts), width)


def decode_captions(values: np.ndarray) -> tuple[str, ...]:
    """The inverse of ``encode_captions``."""
    return tuple(bytes(row).rstrip(b"\0").decode() for row in np.asarray(values))
