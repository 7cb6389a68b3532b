"""The order of an attack's scores under the standard masks: all that a ROC needs.

Attack vectors of many timesteps are too large to ship; the ranks of their scores, two
bytes a sample and mask, give the same AUC, ASR and TPR to the last digit.  Imports no torch.
"""

from __future__ import annotations

import numpy as np

from ldviz.attacks import attack_names, get_attack
from ldviz.attacks.masks import NUM_RANDOM_DRAWS, MaskSpec
from ldviz.study.schema import AttackEntry, ranks_array
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study

MASK_KINDS = ("none", "influence", "highest", "random")
RANKED_DROP_FRACTION = 0.4
RANK_COLUMNS = (
    "none",
    "influence",
    "highest",
    *(f"random-{draw}" for draw in range(NUM_RANDOM_DRAWS)),
)


def standard_scores(study: Study, vectors: np.ndarray, attack: str) -> dict[str, np.ndarray]:
    """Scores under no mask and with 40 % dropped by each of three rules.

    Args:
        study: whose influence ranks the dimensions.
        vectors: (n, d) of the attack, with its default parameters.
        attack: its name.

    Returns:
        "none", "influence" and "highest": (n,); "random": (NUM_RANDOM_DRAWS, n).
    """
    values = score_values(vectors, attack)
    return {
        kind: membership_scores(
            study, values, MaskSpec(kind=kind, drop_fraction=RANKED_DROP_FRACTION)
        )
        for kind in MASK_KINDS
    }


def to_ranks(scores: dict[str, np.ndarray]) -> np.ndarray:
    """(n, len(RANK_COLUMNS)) uint16 ranks, ascending, equal scores sharing one.

    Args:
        scores: as ``standard_scores`` returns them; n at most 65,536.
    """
    rows = np.concatenate([np.atleast_2d(scores[kind]) for kind in MASK_KINDS])
    ranks = [np.unique(row, return_inverse=True)[1] for row in rows]
    return np.stack(ranks, axis=1).astype(np.uint16)


def from_ranks(ranks: np.ndarray) -> dict[str, np.ndarray]:
    """Stored ranks in the form of ``standard_scores``; only their order means anything."""
    columns = ranks.T.astype(np.float64)
    return {
        "none": columns[0],
        "influence": columns[1],
        "highest": columns[2],
        "random": columns[3:],
    }


def ordered_scores(study: Study, attack: str, timestep: int | None) -> dict[str, np.ndarray] | None:
    """An attack's scores under the standard masks, from what the study stores, up to order.

    Returns:
        As ``standard_scores``; None where neither vectors nor ranks of this version of
        the attack are stored.

    Raises:
        StudyError: if a block is missing or changed.
    """
    if _is_current(study.manifest.attacks.get(attack), attack, timestep):
        return standard_scores(study, study.stored_vectors(attack, timestep), attack)
    entry = study.manifest.ranks
    if entry is not None and _is_current(entry.attacks.get(attack), attack, timestep):
        return from_ranks(study.array(ranks_array(attack, timestep)))
    return None


def ordered_timesteps(study: Study, attack: str) -> tuple[int | None, ...]:
    """Timesteps at which ``ordered_scores`` has something, ascending."""
    ranks = study.manifest.ranks.attacks if study.manifest.ranks else {}
    found: set[int | None] = set()
    for entry in (study.manifest.attacks.get(attack), ranks.get(attack)):
        if entry is not None:
            found |= {step for step in entry.timesteps if _is_current(entry, attack, step)}
    return tuple(sorted(found, key=lambda step: -1 if step is None else step))


def ordered_attacks(study: Study) -> tuple[str, ...]:
    """Attacks with any stored scores, in the registry's order."""
    return tuple(name for name in attack_names() if ordered_timesteps(study, name))


def _is_current(entry: AttackEntry | None, attack: str, timestep: int | None) -> bool:
    """Whether a stored result is of this timestep and of the attack's present version."""
    return (
        entry is not None
        and timestep in entry.timesteps
        and entry.version == get_attack(attack).version
        and entry.parameters == get_attack(attack).parameters().model_dump(mode="json")
    )
