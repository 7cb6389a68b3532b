"""What a finished analysis adds: ranks of scores, known complexity, further held-out images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ldviz.attacks import get_attack
from ldviz.attacks.masks import MaskSpec, drop_order, num_dropped
from ldviz.attacks.statistic import masked_statistics, powered
from ldviz.data.images import ImageSet, to_model_range
from ldviz.data.sources import SOURCES
from ldviz.geometry import hutchinson_diagonal, influence_from_diagonal
from ldviz.models import LatentModel
from ldviz.progress import Progress, no_progress
from ldviz.study.blocks import (
    block_path,
    describe_block,
    read_whole,
    write_atomically,
    write_block,
)
from ldviz.study.build.images import SplitImages
from ldviz.study.build.vectors import compute_vectors
from ldviz.study.cache import cache_key
from ldviz.study.ranks import (
    MASK_KINDS,
    RANK_COLUMNS,
    RANKED_DROP_FRACTION,
    standard_scores,
    to_ranks,
)
from ldviz.study.recipe import AnalysisSettings, Recipe
from ldviz.study.schema import (
    ArrayEntry,
    AttackEntry,
    FurtherEntry,
    Manifest,
    RanksEntry,
    manifest_digest,
    ranks_array,
)
from ldviz.study.store import open_study
from ldviz.study.vectors import attack_vectors, is_stored, vectors_key

_BATCH = 250
CHECKSUM_BYTES = 8


def add_summaries(
    folder: Path,
    recipe: Recipe,
    split: SplitImages,
    model: LatentModel,
    *,
    device: str | None = None,
    progress: Progress = no_progress,
) -> None:
    """Add to a finished study whatever its settings and its source offer.

    Attack vectors go through the disk cache, so an interrupted run does not start over.

    Args:
        folder: a study that opens.
        recipe: its ``analysis.ranks`` says of which attacks and timesteps.
        split, model: what the study was made from.
        device: for the attacks.
        progress: told of every step; may cancel.
    """
    arrays: dict[str, ArrayEntry] = {}
    settings, source = recipe.analysis, SOURCES.get(recipe.data.source)
    ranks = _add_ranks(folder, settings, arrays, device, progress)
    if source is not None and source.complexity is not None:
        for name, values in source.complexity(split.images.sample_ids).items():
            _store(folder, f"complexity_{name}", lambda values=values: values, arrays)
    further = None
    if source is not None and source.load_further is not None and settings.scores_further:
        more = source.load_further(recipe.data.image_size)
        further = _add_further(folder, settings, split, more, model, arrays, progress)
    if arrays:
        _extend_manifest(folder, arrays, ranks, further)


def _add_ranks(
    folder: Path,
    settings: AnalysisSettings,
    arrays: dict[str, ArrayEntry],
    device: str | None,
    progress: Progress,
) -> RanksEntry | None:
    """Ranks of every attack and timestep asked for whose vectors are not stored."""
    study = open_study(folder)
    entries: dict[str, AttackEntry] = {}
    for name, asked in settings.ranks.items():
        attack = get_attack(name)
        parameters = attack.parameters()
        axis = [
            timestep
            for timestep in (asked if attack.has_timesteps else (None,))
            if not is_stored(study, attack, timestep, parameters, settings.seed)
        ]
        for timestep in axis:

            def ranks(name: str = name, timestep: int | None = timestep) -> np.ndarray:
                vectors = attack_vectors(
                    study, name, timestep, seed=settings.seed, device=device, progress=progress
                )
                return to_ranks(standard_scores(study, vectors, name))

            key = cache_key(
                vectors=vectors_key(study, attack, timestep, parameters, settings.seed),
                influence=[block.sha256 for block in study.manifest.arrays["influence"].blocks],
                **_masks(),
            )
            _store(folder, ranks_array(name, timestep), ranks, arrays, key=key)
        entries[name] = AttackEntry(
            version=attack.version,
            parameters=parameters.model_dump(mode="json"),
            seed=settings.seed,
            timesteps=tuple(axis),
        )
    if not entries:
        return None
    return RanksEntry(drop_fraction=RANKED_DROP_FRACTION, columns=RANK_COLUMNS, attacks=entries)


def _add_further(
    folder: Path,
    settings: AnalysisSettings,
    split: SplitImages,
    more: ImageSet,
    model: LatentModel,
    arrays: dict[str, ArrayEntry],
    progress: Progress,
) -> FurtherEntry:
    """Scores of the study's samples and of the further images, masked by estimated influence.

    A whole Jacobian for thousands more images would take hours; all rows use the same
    estimate instead, so that members and held-out images are treated alike.
    """
    manifest = open_study(folder).manifest
    attack = get_attack(manifest.default_attack)
    pixels = np.concatenate([split.images.pixels, more.pixels])
    ids = np.concatenate([split.images.sample_ids, more.sample_ids])
    more_sha256 = SplitImages(more, np.zeros(len(more), dtype=bool)).images_sha256

    def ranks() -> np.ndarray:
        return to_ranks(_further_scores(manifest, settings, pixels, ids, model, progress))

    key = cache_key(
        model=manifest.model.sha256,
        images=[split.images_sha256, more_sha256],
        attack=[attack.name, attack.version, manifest.default_timestep],
        settings=[settings.num_probes, settings.seed, settings.latents_dtype],
        **_masks(),
    )
    _store(folder, "further_ranks", ranks, arrays, key=key)
    _store(folder, "further_checksums", lambda: image_checksums(pixels), arrays)
    return FurtherEntry(
        n_held_out=len(more),
        images_sha256=more_sha256,
        attack=attack.name,
        timestep=manifest.default_timestep,
        num_probes=settings.num_probes,
        columns=RANK_COLUMNS,
    )


def _further_scores(
    manifest: Manifest,
    settings: AnalysisSettings,
    pixels: np.ndarray,
    ids: np.ndarray,
    model: LatentModel,
    progress: Progress,
) -> dict[str, np.ndarray]:
    """``standard_scores`` of images that the study does not hold, batch by batch."""
    attack = get_attack(manifest.default_attack)
    dtype = getattr(torch, settings.latents_dtype)
    scores: dict[str, list[np.ndarray]] = {kind: [] for kind in MASK_KINDS}
    for start in range(0, len(pixels), _BATCH):
        progress(start, len(pixels), "scoring further held-out images")
        rows = slice(start, start + _BATCH)
        with torch.no_grad():
            images = torch.from_numpy(to_model_range(pixels[rows])).to(model.device)
            latents = model.encode(images).to(dtype).float()
        estimate = hutchinson_diagonal(
            model.decode,
            latents,
            sample_ids=ids[rows],
            num_probes=settings.num_probes,
            seed=settings.seed,
        )
        vectors = compute_vectors(
            model, latents, ids[rows], attack, manifest.default_timestep, seed=settings.seed
        )
        values = powered(vectors, attack)
        influence = influence_from_diagonal(estimate.diagonal).reshape(values.shape)
        for kind, part in _scores(values, influence, ids[rows]).items():
            scores[kind].append(part)
    return {kind: np.concatenate(parts, axis=-1) for kind, parts in scores.items()}


def _scores(
    values: np.ndarray, influence: np.ndarray, sample_ids: np.ndarray
) -> dict[str, np.ndarray]:
    """``standard_scores`` of samples that no study holds."""
    latent_dim = values.shape[1]
    on = np.ones(latent_dim, dtype=bool)
    count = num_dropped(RANKED_DROP_FRACTION, latent_dim)

    def score(kind: str, draw: int = 0) -> np.ndarray:
        seed = MaskSpec().seed
        order = drop_order(kind, influence, sample_ids, seed=seed, draw=draw)
        return -masked_statistics(values, order, on, 0 if kind == "none" else count)

    draws = len(RANK_COLUMNS) - 3
    return {
        **{kind: score(kind) for kind in MASK_KINDS if kind != "random"},
        "random": np.stack([score("random", draw) for draw in range(draws)]),
    }


def image_checksums(pixels: np.ndarray) -> np.ndarray:
    """(n, 8) uint8: the first bytes of the SHA-256 of each image's (H, W, c) uint8 pixels."""
    digests = [hashlib.sha256(np.ascontiguousarray(image)).digest() for image in pixels]
    return np.array([list(digest[:CHECKSUM_BYTES]) for digest in digests], dtype=np.uint8)


def _masks() -> dict[str, Any]:
    """What the standard masks are, for a key."""
    return {"columns": RANK_COLUMNS, "drop": RANKED_DROP_FRACTION, "seed": MaskSpec().seed}


def _store(
    folder: Path,
    name: str,
    compute: Callable[[], np.ndarray],
    arrays: dict[str, ArrayEntry],
    *,
    key: str = "",
) -> None:
    """Describe an array of one block, written now unless it is there, whole, under its key."""
    path = block_path(folder, name, 0)
    values = read_whole(path, key) if key else None
    if values is None:
        values = compute()
        write_block(path, values, key=key)
    arrays[name] = ArrayEntry(
        dtype=str(values.dtype),
        shape=values.shape[1:],
        rows=len(values),
        block_size=len(values),
        blocks=(describe_block(path),),
    )


def _extend_manifest(
    folder: Path,
    arrays: dict[str, ArrayEntry],
    ranks: RanksEntry | None,
    further: FurtherEntry | None,
) -> None:
    """Write the manifest anew, with these arrays and entries and a fresh digest."""
    file = folder / "manifest.json"
    content: dict[str, Any] = json.loads(file.read_text())
    content["arrays"] |= {name: entry.model_dump(mode="json") for name, entry in arrays.items()}
    content["ranks"] = None if ranks is None else ranks.model_dump(mode="json")
    content["further"] = None if further is None else further.model_dump(mode="json")
    content["digest"] = manifest_digest(content)
    text = Manifest.model_validate(content).model_dump_json(indent=1)
    write_atomically(file, text.encode())
