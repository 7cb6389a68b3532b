"""A made-up study: attack vectors whose members are quieter where influence is high."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.attacks.masks import NUM_RANDOM_DRAWS, drop_order
from ldviz.attacks.statistic import powered

SHAPE = (4, 8, 8)


@dataclass(frozen=True)
class MadeUpStudy:
    """What :func:`ldviz.ui.mask_sweep.build_sweep` takes, and the mean influence (C, h, w)."""

    values: np.ndarray
    orders: dict[str, np.ndarray | list[np.ndarray]]
    is_member: np.ndarray
    influence: np.ndarray


def made_up_study(num_member: int, num_held_out: int) -> MadeUpStudy:
    """Seeded, so that a test and the app it drives hold the same numbers."""
    generator = np.random.default_rng(7)
    num_samples = num_member + num_held_out
    is_member = generator.permutation(np.arange(num_samples) < num_member)
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]] - 3.5
    bump = np.exp(-(rows**2 + columns**2) / 14)
    heights, depths = (2.2, 1.7, 1.2, 0.5), (1.6, 1.5, 1.4, 1.7)
    mean = np.stack([bump * high - low for high, low in zip(heights, depths, strict=True)])
    spread = 0.35 * generator.standard_normal((num_samples, *SHAPE))
    influence = (mean + spread).reshape(num_samples, -1).astype(np.float32)
    leak = np.clip(influence + 1.2, 0, None) * is_member[:, None]
    vectors = generator.standard_normal(influence.shape) * (1 - 0.105 * leak)

    def order(kind: str, draw: int = 0) -> np.ndarray:
        sample_ids = np.arange(num_samples)
        return drop_order(kind, influence, sample_ids, ranking="sample", seed=0, draw=draw)

    return MadeUpStudy(
        values=powered(vectors.astype(np.float16), 4),
        orders={
            "influence": order("influence"),
            "random": [order("random", draw) for draw in range(NUM_RANDOM_DRAWS)],
            "highest": order("highest"),
        },
        is_member=is_member,
        influence=influence.mean(axis=0).reshape(SHAPE),
    )
