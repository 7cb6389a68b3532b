"""The parts of an analysis: each computes some arrays for one block of samples."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ldviz.attacks import get_attack
from ldviz.data.images import to_model_range
from ldviz.geometry import (
    exact_geometry,
    hutchinson_diagonal,
    influence_from_diagonal,
    randomized_spectrum,
)
from ldviz.geometry.exact import MAX_EXACT_DIM
from ldviz.models import LatentModel
from ldviz.study.build.images import SplitImages
from ldviz.study.build.vectors import compute_vectors
from ldviz.study.recipe import AnalysisSettings
from ldviz.study.schema import GeometryEntry, encode_captions, vectors_array

ENCODER_NUMBERS = 2**22
"""Most pixel values in one pass of the encoder, so that large images fit into memory."""

Report = Callable[[float], None]
"""Told the share of a block that is done."""


@dataclass(frozen=True)
class ArraySpec:
    """One stored array: its dtype, its shape per sample, and how it is encoded."""

    dtype: str
    shape: tuple[int, ...]
    encoding: str = "safetensors"


@dataclass(frozen=True)
class Task:
    """One part of the analysis.

    Attributes:
        arrays: what it stores, by name.
        compute: (start, stop, report) to one array per name for these rows; ``report``
            is told the share of them that is done, and may cancel.
        key: digest of everything that the result depends on but the rows.
        encoder_passes, decoder_passes, denoiser_passes: per sample; a product with the
            decoder's Jacobian, forwards or backwards, counts as two passes.
    """

    arrays: dict[str, ArraySpec]
    compute: Callable[[int, int, Report], dict[str, np.ndarray]]
    key: str
    encoder_passes: float = 0.0
    decoder_passes: float = 0.0
    denoiser_passes: float = 0.0

    @property
    def passes(self) -> float:
        """Of all models per sample; storing alone counts a little too."""
        return max(0.01, self.encoder_passes + self.decoder_passes + self.denoiser_passes)

    @property
    def bytes_per_sample(self) -> int:
        """Of the arrays that are not compressed."""
        return sum(
            np.dtype(spec.dtype).itemsize * math.prod(spec.shape)
            for spec in self.arrays.values()
            if spec.encoding == "safetensors"
        )


def task_key(**parts: Any) -> str:
    """Digest of what a task depends on."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class Latents:
    """Latents of a range of rows, computed once per block and shared by its tasks."""

    def __init__(self, model: LatentModel, split: SplitImages, dtype: str = "float32") -> None:
        self._model = model
        self._dtype = getattr(torch, dtype)
        self._split = split
        self._range: tuple[int, int] | None = None
        self._values: torch.Tensor | None = None

    @torch.no_grad()
    def __call__(self, start: int, stop: int) -> torch.Tensor:
        """(stop - start, C, h, w) scaled latents on the model's device."""
        if self._range != (start, stop):
            pixels = self._split.images.pixels[start:stop]
            batch = max(1, ENCODER_NUMBERS // pixels[0].size)
            parts = []
            for first in range(0, len(pixels), batch):
                images = torch.from_numpy(to_model_range(pixels[first : first + batch]))
                parts.append(self._model.encode(images.to(self._model.device)))
            # Everything is computed from the latents as they are stored.
            self._values = torch.cat(parts).to(self._dtype).float()
            self._range = (start, stop)
        return self._values


def data_task(split: SplitImages, settings: AnalysisSettings) -> Task:
    """Images (unless they are drawn anew), ids, membership; classes and captions, if any."""
    images = split.images
    _, *shape = images.pixels.shape
    columns: dict[str, np.ndarray] = {
        "sample_ids": images.sample_ids,
        "is_member": split.is_member,
    }
    if images.labels is not None:
        columns["labels"] = images.labels
    if images.captions is not None:
        columns["captions"] = encode_captions(images.captions)
    specs = {
        name: ArraySpec(str(values.dtype), values.shape[1:]) for name, values in columns.items()
    }
    if settings.stores_images:
        columns["images"] = images.pixels
        specs["images"] = ArraySpec("uint8", tuple(shape), "png")
    return Task(
        arrays=specs,
        compute=lambda start, stop, report: {
            name: column[start:stop] for name, column in columns.items()
        },
        key=task_key(
            images=split.images_sha256,
            split=split.split_sha256,
            **({} if images.captions is None else {"captions": images.captions}),
        ),
    )


def latents_task(
    latents: Latents, model: LatentModel, settings: AnalysisSettings, key: dict[str, Any]
) -> Task:
    """Scaled latents of every image."""
    return Task(
        arrays={"latents": ArraySpec(settings.latents_dtype, tuple(model.latent_shape))},
        compute=lambda start, stop, report: {"latents": latents(start, stop).cpu().numpy()},
        key=task_key(part="latents", **key),
        encoder_passes=1.0,
    )


def is_exact(model: LatentModel) -> bool:
    """Whether the whole spectrum is affordable for this model's latents."""
    return min(math.prod(model.latent_shape), math.prod(model.image_shape)) <= MAX_EXACT_DIM


def spectrum_task(
    latents: Latents, model: LatentModel, settings: AnalysisSettings, key: dict[str, Any]
) -> Task:
    """Whole singular spectrum and exact influence, from one Jacobian per sample."""
    size = min(math.prod(model.latent_shape), math.prod(model.image_shape))
    specs = {
        "singular_values": ArraySpec("float32", (size,)),
        "influence": ArraySpec(settings.influence_dtype, tuple(model.latent_shape)),
    }

    def compute(start: int, stop: int, report: Report) -> dict[str, np.ndarray]:
        geometry = exact_geometry(
            model.decode,
            latents(start, stop),
            progress=lambda done, total: report(done / total),
        )
        return {
            "singular_values": geometry.singular_values,
            "influence": influence_from_diagonal(geometry.diagonal),
        }

    return Task(
        arrays=specs,
        compute=compute,
        key=task_key(part="spectrum", dtype=settings.influence_dtype, **key),
        decoder_passes=2.0 * size,
    )


def leading_spectrum_task(
    latents: Latents,
    model: LatentModel,
    settings: AnalysisSettings,
    sample_ids: np.ndarray,
    key: dict[str, Any],
) -> Task:
    """The ``rank`` largest singular values, and the influence by Hutchinson's estimate.

    For latents whose whole Jacobian is too large.  The probes look off the basis that the
    spectrum leaves behind, whose share of the diagonal is exact; a basis holds m numbers a
    product, so samples come one by one.
    """
    shape = tuple(model.latent_shape)

    def compute(start: int, stop: int, report: Report) -> dict[str, np.ndarray]:
        # Encoded as one block, as every other part sees them.
        block, ids = latents(start, stop), sample_ids[start:stop]
        values, influence = [], []
        for row in range(len(block)):

            def tell(share: float, done: int = row) -> None:
                report((done + share) / len(block))

            spectrum, estimate = leading_geometry(
                model, block[row : row + 1], ids[row : row + 1], settings, tell
            )
            values.append(spectrum)
            influence.append(estimate)
        return {"singular_values": np.stack(values), "influence": np.stack(influence)}

    return Task(
        arrays={
            "singular_values": ArraySpec("float32", (settings.rank,)),
            "influence": ArraySpec(settings.influence_dtype, shape),
        },
        compute=compute,
        key=task_key(
            part="leading spectrum, basis shared",
            dtype=settings.influence_dtype,
            rank=settings.rank,
            probes=settings.num_probes,
            seed=settings.seed,
            **key,
        ),
        decoder_passes=2.0 * (10.0 * settings.rank + settings.num_probes),
    )


def leading_geometry(
    model: LatentModel,
    latent: torch.Tensor,
    sample_id: np.ndarray,
    settings: AnalysisSettings | GeometryEntry,
    report: Report,
) -> tuple[np.ndarray, np.ndarray]:
    """Leading singular values and estimated influence of one latent, sharing their products.

    Args:
        model: whose decoder.
        latent: (1, *latent).
        sample_id: (1,) integers, the key of its randomness.
        settings: rank, num_probes and seed.
        report: told of the share that is done.

    Returns:
        (rank,) singular values and (*latent) influence in nats.
    """
    spectrum = randomized_spectrum(
        model.decode,
        latent,
        sample_ids=sample_id,
        rank=settings.rank,
        seed=settings.seed,
        keep_basis=True,
        progress=lambda done, total: report(0.9 * done / total),
    )
    estimate = hutchinson_diagonal(
        model.decode,
        latent,
        sample_ids=sample_id,
        num_probes=settings.num_probes,
        basis=spectrum.basis,
        seed=settings.seed,
        progress=lambda done, total: report(0.9 + 0.1 * done / total),
    )
    return spectrum.singular_values[0], influence_from_diagonal(estimate.diagonal[0])


def estimate_task(
    latents: Latents,
    model: LatentModel,
    settings: AnalysisSettings,
    sample_ids: np.ndarray,
    key: dict[str, Any],
) -> Task:
    """Hutchinson's estimate of the influence, and its standard error, both in nats."""
    shape = tuple(model.latent_shape)

    def compute(start: int, stop: int, report: Report) -> dict[str, np.ndarray]:
        estimate = hutchinson_diagonal(
            model.decode,
            latents(start, stop),
            sample_ids=sample_ids[start:stop],
            num_probes=settings.num_probes,
            seed=settings.seed,
            progress=lambda done, total: report(done / total),
        )
        # d/dG of 1/2 log(G + 1e-12) carries the standard error of G to nats.
        error = 0.5 * estimate.standard_error / (estimate.diagonal + 1e-12)
        return {
            "influence_estimate": influence_from_diagonal(estimate.diagonal),
            "influence_stderr": error,
        }

    return Task(
        arrays={
            "influence_estimate": ArraySpec("float16", shape),
            "influence_stderr": ArraySpec("float16", shape),
        },
        compute=compute,
        key=task_key(part="estimate", probes=settings.num_probes, seed=settings.seed, **key),
        decoder_passes=2.0 * settings.num_probes,
    )


def attack_task(
    latents: Latents,
    model: LatentModel,
    sample_ids: np.ndarray,
    attack_name: str,
    timestep: int | None,
    seed: int,
    key: dict[str, Any],
    conditioning: np.ndarray | None = None,
) -> Task:
    """One attack's vectors at one timestep, with its default parameters.

    ``conditioning`` has one caption or class per sample, in their order, or is None; ``key``
    holds its digest.
    """
    attack = get_attack(attack_name)
    parameters = attack.parameters()
    name = vectors_array(attack_name, timestep)

    def compute(start: int, stop: int, report: Report) -> dict[str, np.ndarray]:
        vectors = compute_vectors(
            model,
            latents(start, stop),
            sample_ids[start:stop],
            attack,
            timestep,
            seed=seed,
            conditioning=None if conditioning is None else conditioning[start:stop],
            progress=lambda done, total, what: report(done / total),
        )
        return {name: vectors}

    return Task(
        arrays={name: ArraySpec("float16", tuple(model.latent_shape))},
        compute=compute,
        key=task_key(
            part=attack_name,
            version=attack.version,
            parameters=attack.vector_parameters(parameters),
            timestep=timestep,
            seed=seed,
            **key,
        ),
        denoiser_passes=float(attack.queries(timestep, parameters)),
    )
