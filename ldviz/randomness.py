"""Random numbers keyed by what they are for, not by when they are drawn.

Every draw is identified by (purpose, seed, sample id, timestep), so it does
not depend on batch size, order or device.  NumPy only: masks use it in pages
that never import torch.
"""

from __future__ import annotations

import hashlib

import numpy as np


def keyed_generator(purpose: str, *key: int) -> np.random.Generator:
    """A generator that depends on ``purpose`` and the integers of ``key`` alone.

    Args:
        purpose: what the numbers are for, such as ``"loss-noise"``.
        key: integers, such as seed, sample id and timestep.

    Returns:
        A Philox generator; equal arguments give equal streams on every machine.

    Source: Salmon et al. 2011 (Philox), keyed with BLAKE2b of the arguments.
    """
    text = "/".join([purpose, *(str(int(part)) for part in key)])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest, dtype=np.uint64)))


def keyed_normal(
    purpose: str, seed: int, sample_ids: np.ndarray, timestep: int, shape: tuple[int, ...]
) -> np.ndarray:
    """Standard normal noise, one independent draw per sample.

    Args:
        purpose, seed, timestep: the key shared by all samples.
        sample_ids: (n,) integers, the key of each sample.
        shape: shape of one sample's draw.

    Returns:
        (n, \\*shape) float32.
    """
    draws = np.empty((len(sample_ids), *shape), dtype=np.float32)
    for row, sample_id in enumerate(sample_ids):
        generator = keyed_generator(purpose, seed, int(sample_id), timestep)
        draws[row] = generator.standard_normal(shape, dtype=np.float32)
    return draws


def keyed_bits(purpose: str, seed: int, sample_ids: np.ndarray, count: int) -> np.ndarray:
    """``count`` pseudorandom 64-bit integers per sample, vectorised over samples.

    Args:
        purpose, seed: the key shared by all samples.
        sample_ids: (n,) integers, the key of each sample.
        count: integers per sample.

    Returns:
        (n, count) uint64.

    Source: SplitMix64 (Steele, Lea and Flood 2014) as a counter-based hash.
    """
    start = keyed_generator(purpose, seed).integers(0, 2**63, dtype=np.uint64)
    keys = _mix(np.asarray(sample_ids, dtype=np.int64).astype(np.uint64) + start)
    counters = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return _mix(keys[:, None] + counters[None, :])


def _mix(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser: a bijection on 64-bit integers."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
