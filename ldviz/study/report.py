"""``report STUDY``: every attack's numbers under every mask, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ldviz.attacks import attack_names, get_attack
from ldviz.attacks.masks import MaskSpec, num_dropped
from ldviz.errors import InputError
from ldviz.metrics.intervals import MetricTable, metric_intervals
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import Positive
from ldviz.metrics.strata import quartiles
from ldviz.progress import Progress, no_progress
from ldviz.study.scores import membership_scores, score_values
from ldviz.study.store import Study
from ldviz.study.vectors import attack_vectors

REPORT_SCHEMA_VERSION = 1
NUM_RESAMPLES = 2000
MASKS = ("influence", "random")
KNOWN_MASKS = ("influence", "random", "highest")


def build_report(
    study: Study,
    *,
    drop_fraction: float = 0.4,
    attacks: Sequence[str] | None = None,
    timesteps: Sequence[int] | None = None,
    masks: Sequence[str] = MASKS,
    positive: Positive = "member",
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    device: str | None = None,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Everything that a reader wants to check of a study, ready for JSON.

    Args:
        study: an open study.
        drop_fraction: share of latent dimensions dropped, in [0, 1).
        attacks: names; None for those whose vectors are stored.
        timesteps: None for the study's stored ones.
        masks: kinds of mask beside "none"; differences are paired.
        positive: "member", or "held_out" for the paper code's convention.
        num_resamples, seed: of the bootstrap.
        device: for whatever has to be computed.
        progress: told of every attack and timestep.

    Returns:
        Nested dictionaries; shares, not percent; ``None`` = not available.

    Raises:
        InputError: for an unknown attack, mask, timestep or fraction.
        StudyError: if the study cannot be read.
    """
    specs = {kind: MaskSpec(kind=kind, drop_fraction=drop_fraction) for kind in ("none", *masks)}
    chosen = tuple(study.manifest.attacks) if attacks is None else tuple(attacks)
    axes = {name: _timestep_axis(study, name, timesteps) for name in chosen}
    quartile = quartiles(study.local_distortion())
    total = sum(len(axis) for axis in axes.values())
    done = 0
    tables: dict[str, Any] = {}
    by_quartile: dict[str, Any] = {}
    for name, axis in axes.items():
        rows, quarters = [], []
        for timestep in axis:
            progress(done, total, f"reporting {get_attack(name).title}")
            vectors = attack_vectors(study, name, timestep, device=device, progress=progress)
            values = score_values(vectors, name)
            scores = {kind: membership_scores(study, values, spec) for kind, spec in specs.items()}
            rows.append(
                measured_columns(
                    study, scores, positive=positive, num_resamples=num_resamples, seed=seed
                )
            )
            quarters.append(
                _measure_quartiles(study, scores["none"], quartile, positive, num_resamples, seed)
            )
            done += 1
        tables[name] = {"timesteps": list(axis), **_columns(rows)}
        by_quartile[name] = {
            "auc": [[row[q].value for row in quarters] for q in range(4)],
            "auc_ci95": [[row[q].ci95 for row in quarters] for q in range(4)],
        }
    progress(total, total, "reporting")
    return {
        "schema_version": REPORT_SCHEMA_VERSION,
        "seed": seed,
        "num_resamples": num_resamples,
        "positive": positive,
        "study": study.name,
        "study_digest": study.digest,
        "n_member": study.manifest.n_member,
        "n_held_out": study.manifest.n_held_out,
        "latent_dim": study.latent_dim,
        "rank": study.manifest.geometry.rank,
        "drop_fraction": drop_fraction,
        "num_dropped": num_dropped(drop_fraction, study.latent_dim),
        "default_timestep": study.default_timestep,
        "attacks": tables,
        "quartiles": by_quartile,
    }


def _timestep_axis(
    study: Study, name: str, timesteps: Sequence[int] | None
) -> tuple[int | None, ...]:
    """Where to report an attack; every timestep is checked before anything is computed."""
    attack = get_attack(name)
    if not attack.has_timesteps:
        return (None,)
    stored = study.stored_timesteps(name) or study.stored_timesteps(study.default_attack)
    axis = tuple(stored) if timesteps is None else tuple(timesteps)
    limit = study.manifest.model.num_train_timesteps
    return tuple(attack.checked_timestep(timestep, limit) for timestep in axis)


def measure_scores(
    study: Study,
    scores: Mapping[str, np.ndarray],
    *,
    positive: Positive = "member",
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    progress: Progress = no_progress,
) -> MetricTable:
    """Metrics of every mask and their paired differences; the page shows these very numbers.

    Args:
        study: whose members are meant.
        scores: kind of mask to (n,) scores, or (draws, n); "none" must be among them.
        positive, num_resamples, seed, progress: as ``metric_intervals``.
    """
    return metric_intervals(
        study.is_member,
        scores,
        pairs=_difference_pairs(scores),
        num_resamples=num_resamples,
        seed=seed,
        positive=positive,
        progress=progress,
    )


def measured_columns(
    study: Study, scores: Mapping[str, np.ndarray], **options: Any
) -> dict[str, dict[str, Measured]]:
    """``measure_scores`` by the report's column names: kinds, and "a_minus_b"."""
    table = measure_scores(study, scores, **options)
    differences = {f"{a}_minus_{b}": value for (a, b), value in table.differences.items()}
    return {**table.metrics, **differences}


def _difference_pairs(scores: Mapping[str, np.ndarray]) -> list[tuple[str, str]]:
    """Each mask against no mask, and against the random mask of the same count."""
    kinds = [kind for kind in scores if kind != "none"]
    pairs = [(kind, "none") for kind in kinds]
    if "random" in kinds:
        pairs += [(kind, "random") for kind in kinds if kind != "random"]
    return pairs


def _measure_quartiles(
    study: Study,
    scores: np.ndarray,
    quartile: np.ndarray,
    positive: Positive,
    num_resamples: int,
    seed: int,
) -> list[Measured]:
    """The unmasked AUC within each quartile of distortion, lowest first."""
    measured = []
    for q in range(4):
        inside = quartile == q
        table = metric_intervals(
            study.is_member[inside],
            {"none": scores[inside]},
            num_resamples=num_resamples,
            seed=seed,
            positive=positive,
        )
        measured.append(table.metrics["none"]["auc"])
    return measured


def _columns(rows: list[dict[str, dict[str, Measured]]]) -> dict[str, dict[str, list[Any]]]:
    """One list over timesteps per mask and metric, its intervals beside it."""
    columns: dict[str, dict[str, list[Any]]] = {}
    for row in rows:
        for name, metrics in row.items():
            for key, number in metrics.items():
                column = columns.setdefault(name, {})
                column.setdefault(key, []).append(number.value)
                column.setdefault(f"{key}_ci95", []).append(number.ci95)
    return columns


def parse_attacks(names: Sequence[str]) -> tuple[str, ...] | None:
    """Attack names from the command line: none given = stored ones, "all" = every one.

    Raises:
        InputError: for a name that is not registered.
    """
    if not names:
        return None
    if "all" in names:
        return attack_names()
    for name in names:
        get_attack(name)
    return tuple(names)


def parse_timesteps(text: str | None) -> tuple[int, ...] | None:
    """Timesteps written as "0,10,20".

    Raises:
        InputError: if they are not whole numbers.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f'`--timesteps` takes whole numbers such as 0,50,100; got "{text}".')
    return tuple(int(part) for part in parts)


def parse_masks(names: Sequence[str]) -> tuple[str, ...]:
    """Kinds of mask from the command line; none given = influence and random.

    Raises:
        InputError: for a kind that cannot be reported.
    """
    for name in names:
        if name not in KNOWN_MASKS:
            raise InputError(f'`--mask` must be one of {", ".join(KNOWN_MASKS)}; got "{name}".')
    return tuple(dict.fromkeys(names)) or MASKS


def parse_positive(text: str) -> str:
    """The positive class from the command line.

    Raises:
        InputError: if it is neither.
    """
    if text not in ("member", "held_out"):
        raise InputError(f'`--positive` must be "member" or "held_out", got "{text}".')
    return text
