"""A small study written by hand, without a model: what a page shows of it is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from ldviz.study.blocks import block_path, describe_block, write_atomically, write_block
from ldviz.study.schema import (
    SCHEMA_VERSION,
    ArrayEntry,
    AttackEntry,
    DataEntry,
    GeometryEntry,
    MadeBy,
    Manifest,
    ModelEntry,
    manifest_digest,
    vectors_array,
)

LATENT_SHAPE = (2, 3, 4)
IMAGE_SHAPE = (1, 8, 8)
TIMESTEPS = (0, 50)
RANK = 4


def write_hand_made_study(
    folder: Path,
    *,
    num_samples: int = 80,
    latent_shape: tuple[int, int, int] = LATENT_SHAPE,
    title: str = "Hand-made noise",
    rank: int = RANK,
    timesteps: tuple[int, ...] = TIMESTEPS,
    one_ranking: bool = True,
    with_attack: bool = True,
    with_denoiser: bool = True,
    with_labels: bool = True,
    with_training: bool = True,
) -> Path:
    """Write a study whose members have smaller attack vectors, more so at high distortion.

    Sample ids are 100, 101, ...; even ones are members; local distortion grows with the id.

    Args:
        num_samples, latent_shape, title: of the study.
        rank: of the local distortion.
        timesteps: at which SimA is stored; the last one is the default.
        one_ranking: whether every sample ranks its dimensions alike.
        with_attack, with_denoiser, with_labels, with_training: whether it has them; without a
            denoiser there is no attack either.

    Returns:
        ``folder``.
    """
    with_attack = with_attack and with_denoiser
    generator = np.random.default_rng(0)
    latent_dim = int(np.prod(latent_shape))
    rows = np.arange(num_samples)
    is_member = rows % 2 == 0
    level = rows / num_samples
    spectrum = np.exp(level[:, None] - 0.1 * np.arange(latent_dim))
    influence = generator.standard_normal((num_samples, latent_dim))
    if one_ranking:
        influence.sort(axis=1)
    values = {
        "images": generator.integers(0, 256, (num_samples, 8, 8, 1), dtype=np.uint8),
        "sample_ids": (100 + rows).astype(np.int64),
        "is_member": is_member,
        "latents": generator.standard_normal((num_samples, *latent_shape)).astype(np.float32),
        "singular_values": spectrum.astype(np.float32),
        "influence": influence.reshape(-1, *latent_shape).astype(np.float32),
    }
    if with_labels:
        values["labels"] = (rows // 2 % 3).astype(np.int64)
    if with_attack:
        for timestep in timesteps:
            vectors = generator.standard_normal((num_samples, latent_dim))
            vectors *= (1 - 0.4 * level * is_member)[:, None]
            values[vectors_array("sima", timestep)] = vectors.reshape(-1, *latent_shape).astype(
                np.float16
            )
    entries = {name: _write_array(folder, name, array) for name, array in values.items()}
    manifest = _manifest(
        folder.name,
        title,
        latent_shape,
        entries,
        is_member,
        rank=rank,
        timesteps=timesteps if with_attack else (),
        with_denoiser=with_denoiser,
    )
    content = manifest.model_dump(mode="json")
    content["digest"] = manifest_digest(content)
    write_atomically(folder / "manifest.json", json.dumps(content).encode())
    if with_training:
        _write_training(folder)
    return folder


def _write_array(folder: Path, name: str, array: np.ndarray) -> ArrayEntry:
    encoding = "png" if name == "images" else "safetensors"
    path = block_path(folder, name, 0, encoding)
    write_block(path, array)
    return ArrayEntry(
        dtype=str(array.dtype),
        shape=array.shape[1:],
        rows=len(array),
        block_size=len(array),
        encoding=encoding,
        blocks=(describe_block(path),),
    )


def _manifest(
    name: str,
    title: str,
    latent_shape: tuple[int, int, int],
    arrays: dict[str, ArrayEntry],
    is_member: np.ndarray,
    *,
    rank: int,
    timesteps: tuple[int, ...],
    with_denoiser: bool,
) -> Manifest:
    attacks = {"sima": AttackEntry(version=1, parameters={}, seed=0, timesteps=timesteps)}
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=name,
        title=title,
        description="Noise, written for the tests.",
        num_samples=len(is_member),
        n_member=int(is_member.sum()),
        n_held_out=int((~is_member).sum()),
        image_shape=IMAGE_SHAPE,
        latent_shape=latent_shape,
        data=DataEntry(source="noise", settings={}, images_sha256="0", split_sha256="0"),
        model=ModelEntry(
            sha256="f" * 64,
            scaling_factor=1.0,
            shift_factor=0.0,
            prediction_type="epsilon",
            num_train_timesteps=1000 if with_denoiser else 0,
            autoencoder_parameters=842,
            denoiser_parameters=703_512 if with_denoiser else 0,
        ),
        geometry=GeometryEntry(rank=rank, num_probes=4, seed=0, route="exact Jacobian"),
        attacks=attacks if timesteps else {},
        default_attack="sima" if timesteps else None,
        default_timestep=timesteps[-1] if timesteps else None,
        arrays=arrays,
        made_by=MadeBy(
            ldviz="0",
            packages={},
            device="cpu",
            recipe=None,
            train_seconds=1320.0,
            analyze_seconds=41.0,
            finished="2026-01-02T03:04:05+00:00",
        ),
    )


def _write_training(folder: Path) -> None:
    """Losses, two evaluations, and a sheet of samples; no reconstructions."""
    record = {
        "recipe": {"selection": {"target_auc": 0.85, "evaluate_every": 20}},
        "autoencoder_log": [{"epoch": 1.0, "reconstruction": 0.3, "kl": 0.5}],
        "denoiser_log": [{"epoch": 1.0, "loss": 0.9}, {"epoch": 2.0, "loss": 0.4}],
        "evaluations": [
            {"epoch": 20, "timesteps": [0, 50], "auc": [0.5, 0.6], "best_auc": 0.6, "kept": False},
            {"epoch": 40, "timesteps": [0, 50], "auc": [0.6, 0.8], "best_auc": 0.8, "kept": True},
        ],
    }
    (folder / "training.json").write_text(json.dumps(record))
    (folder / "sheets").mkdir()
    Image.fromarray(np.zeros((16, 24), dtype=np.uint8)).save(folder / "sheets" / "samples.png")
