"""Membership scores of a study under masks: the one place where vectors meet masks.

Pages, reports and findings all score through here, so their numbers agree to the last digit.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ldviz.attacks import get_attack
from ldviz.attacks.masks import (
    NUM_RANDOM_DRAWS,
    MaskKind,
    MaskSpec,
    Ranking,
    drop_order,
    dropped_range,
    on_dimensions,
)
from ldviz.attacks.ranked import drop_ranks, ranked_statistics
from ldviz.attacks.statistic import powered
from ldviz.study.store import Study


@lru_cache(maxsize=64)
def study_drop_order(
    study: Study, kind: MaskKind, ranking: Ranking = "sample", seed: int = 0, draw: int = 0
) -> np.ndarray:
    """(n, d) dimensions of every sample in the order in which a mask drops them."""
    return drop_order(
        kind, study.influence(), study.sample_ids, ranking=ranking, seed=seed, draw=draw
    )


@lru_cache(maxsize=64)
def study_drop_ranks(
    study: Study, kind: MaskKind, ranking: Ranking = "sample", seed: int = 0, draw: int = 0
) -> np.ndarray:
    """(n, d) when each dimension of every sample is dropped: the order's inverse."""
    return drop_ranks(study_drop_order(study, kind, ranking, seed, draw))


def random_ranks(study: Study, ranking: Ranking = "sample", seed: int = 0) -> list[np.ndarray]:
    """The ranks of every draw of a random mask."""
    return [
        study_drop_ranks(study, "random", ranking, seed, draw) for draw in range(NUM_RANDOM_DRAWS)
    ]


def score_values(vectors: np.ndarray, attack_name: str, parameters=None) -> np.ndarray:
    """(n, d) |S|^p of an attack, ready for masked sums."""
    attack = get_attack(attack_name)
    return powered(vectors, attack.power_for(parameters))


def membership_scores(study: Study, values: np.ndarray, spec: MaskSpec) -> np.ndarray:
    """Scores under a mask, higher = member.

    Args:
        study: whose influence ranks the dimensions.
        values: (n, d) from ``score_values``.
        spec: the mask; "random" gives one row per draw.

    Returns:
        (n,) for every kind but "random", which gives (NUM_RANDOM_DRAWS, n).
    """
    on = on_dimensions(spec, study.latent_shape)
    start, stop = dropped_range(spec, int(on.sum()))
    if spec.kind == "random":
        ranks = random_ranks(study, spec.ranking, spec.seed)
        return -ranked_statistics(values, ranks, on, stop - start)
    kind = "influence" if spec.kind in ("none", "band") else spec.kind
    ranks = [study_drop_ranks(study, kind, spec.ranking)]
    return -ranked_statistics(values, ranks, on, stop - start, start=start)[0]
