"""What a study finds: quartiles, masks, frequency, complexity, each number with its interval.

The Findings page and ``python -m ldviz findings`` both show what is computed here, so they
agree to the last digit.  Stored vectors and ranks are used; a model runs only where asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from ldviz.attacks import attack_names, get_attack
from ldviz.attacks.masks import num_dropped
from ldviz.metrics.frequency import pearsons, radial_spectrum
from ldviz.metrics.independent import independent_difference
from ldviz.metrics.intervals import metric_intervals
from ldviz.metrics.measured import Measured
from ldviz.metrics.strata import quartiles, random_band
from ldviz.progress import Progress, no_progress
from ldviz.study.evidence import EVIDENCE_FPR
from ldviz.study.ranks import (
    MASK_KINDS,
    RANKED_DROP_FRACTION,
    from_ranks,
    ordered_attacks,
    ordered_scores,
    ordered_timesteps,
    standard_scores,
)
from ldviz.study.store import Study
from ldviz.study.vectors import attack_vectors

FINDINGS_VERSION = 1
METRICS = ("auc", "asr", "tpr_at_1pct_fpr")
FURTHER_METRICS = ("auc", "tpr_at_1pct_fpr", "tpr_at_0_1pct_fpr")
COMPUTED_TIMESTEPS = (60, 120, 200)
CUTOFFS = tuple(round(0.05 + 0.025 * step, 3) for step in range(23))
DIFFERENCES = (
    ("influence", "none"),
    ("random", "none"),
    ("highest", "none"),
    ("influence", "random"),
)
_COMPLEXITY = "complexity_"
Axis = tuple[Measured, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AttackFindings(_Part):
    """One attack on one study; every tuple runs over ``timesteps``.

    Attributes:
        timesteps: ascending; (None,) for an attack without a timestep axis.
        best: position of the largest unmasked AUC: chosen on the labels it is scored on.
        masks: kind of mask, then metric.
        differences: "a_minus_b", then metric; paired.
        quartiles: unmasked AUC within each quartile of local distortion, lowest first.
        quartile_step: highest minus lowest quartile.
        band_mean, band_deviation: AUC of ten random groups of a quartile's size.
    """

    title: str
    timesteps: tuple[int | None, ...]
    best: int
    masks: dict[str, dict[str, Axis]]
    differences: dict[str, dict[str, Axis]]
    quartiles: tuple[Axis, Axis, Axis, Axis]
    quartile_step: Axis
    band_mean: tuple[float, ...]
    band_deviation: tuple[float, ...]


class FurtherFindings(_Part):
    """Scores against many more held-out images: a small FPR that means something."""

    attack: str
    timestep: int | None
    num_probes: int
    masks: dict[str, dict[str, Measured]]
    differences: dict[str, dict[str, Measured]]


class FrequencyFindings(_Part):
    """Pearson's r between local distortion and the magnitude of low and high frequencies.

    Attributes:
        cutoffs: cycles per pixel, ascending; 0.25 is the paper's.
        low, high: r at each.
    """

    cutoffs: tuple[float, ...]
    low: Axis
    high: Axis


class StudyFindings(_Part):
    """Everything that is found in one study.

    Attributes:
        kl_weight: beta of the autoencoder; None where the study does not say.
        distortion_quantiles: 0, 25, 50, 75 and 100 % of local distortion, in nats.
        influence_spread: nats; median over samples of the standard deviation of influence
            over the latent dimensions.
        dropped_share: median over samples of the part of the default attack's unmasked
            statistic that the least-influential 40 % make up, at the default timestep; None
            where its vectors are not stored, or it sums signed terms.
        attacks: by name.
        complexity: name of a known complexity to Pearson's r with local distortion.
        frequency: Table 3 of the paper, at many cut-offs.
        further: None where there are no further held-out images.
    """

    name: str
    title: str
    digest: str
    n_member: int
    n_held_out: int
    latent_dim: int
    rank: int
    kl_weight: float | None
    drop_fraction: float
    num_dropped: int
    default_attack: str
    default_timestep: int | None
    distortion_quantiles: tuple[float, float, float, float, float]
    influence_spread: float
    dropped_share: float | None
    attacks: dict[str, AttackFindings]
    complexity: dict[str, Measured]
    frequency: FrequencyFindings
    further: FurtherFindings | None


def study_findings(
    study: Study,
    *,
    num_resamples: int = 2000,
    seed: int = 0,
    compute: bool = False,
    device: str | None = None,
    progress: Progress = no_progress,
) -> StudyFindings:
    """Compute all findings of a study.

    Args:
        study: with geometry and an attack.
        num_resamples, seed: of the bootstrap behind every interval.
        compute: run the model for attacks that nothing is stored of, at a few timesteps.
        device: for the model.
        progress: told after every attack and timestep; may cancel.

    Raises:
        StudyError: if a block is missing or changed.

    Cost: about a second of a core per attack and timestep, at 2,000 samples.
    """
    steps = {name: ordered_timesteps(study, name) for name in ordered_attacks(study)}
    if compute:
        steps = {name: steps.get(name) or computed_timesteps(name) for name in attack_names()}
    total, done = sum(map(len, steps.values())), 0
    attacks: dict[str, AttackFindings] = {}
    for name, axis in steps.items():

        def step(part: int, parts: int, what: str, done: int = done) -> None:
            progress(done + part, total, f"findings of {study.title}: {what}")

        attacks[name] = attack_findings(
            study,
            name,
            axis,
            num_resamples=num_resamples,
            seed=seed,
            device=device,
            progress=step,
        )
        done += len(axis)
    progress(total, total, f"findings of {study.title}")
    distortion = study.local_distortion()
    recipe = study.manifest.made_by.recipe or {}
    complexity, frequency = _correlations(study, num_resamples, seed)
    return StudyFindings(
        name=study.name,
        title=study.title,
        digest=study.digest,
        n_member=study.manifest.n_member,
        n_held_out=study.manifest.n_held_out,
        latent_dim=study.latent_dim,
        rank=study.manifest.geometry.rank,
        kl_weight=(recipe.get("autoencoder") or {}).get("kl_weight"),
        drop_fraction=RANKED_DROP_FRACTION,
        num_dropped=num_dropped(RANKED_DROP_FRACTION, study.latent_dim),
        default_attack=study.default_attack,
        default_timestep=study.default_timestep,
        distortion_quantiles=tuple(np.quantile(distortion, (0, 0.25, 0.5, 0.75, 1)).tolist()),
        influence_spread=float(np.median(study.influence().astype(np.float64).std(axis=1))),
        dropped_share=_dropped_share(study),
        attacks=attacks,
        complexity=complexity,
        frequency=frequency,
        further=_further(study, num_resamples, seed),
    )


def attack_findings(
    study: Study,
    name: str,
    timesteps: Sequence[int | None],
    *,
    num_resamples: int = 2000,
    seed: int = 0,
    device: str | None = None,
    progress: Progress = no_progress,
) -> AttackFindings:
    """One attack at some timesteps, ascending; the model runs where no scores are stored.

    Args:
        study, num_resamples, seed, device: as ``study_findings``.
        name: of the attack.
        timesteps: (None,) for an attack without a timestep axis.
        progress: told before every timestep; may cancel.
    """
    title = get_attack(name).title
    quartile = quartiles(study.local_distortion())
    columns = []
    for index, timestep in enumerate(timesteps):
        progress(index, len(timesteps), title)
        scores = ordered_scores(study, name, timestep)
        if scores is None:
            vectors = attack_vectors(study, name, timestep, device=device)
            scores = standard_scores(study, vectors, name)
        columns.append(_column(study, scores, quartile, num_resamples, seed))
    return _joined(title, timesteps, columns)


def _dropped_share(study: Study) -> float | None:
    """How much of the statistic the mask takes away; see StudyFindings."""
    attack, timestep = study.default_attack, study.default_timestep
    if get_attack(attack).power is None or timestep not in study.stored_timesteps(attack):
        return None
    scores = standard_scores(study, study.stored_vectors(attack, timestep), attack)
    return float(np.median(1.0 - scores["influence"] / scores["none"]))


def computed_timesteps(attack: str) -> tuple[int | None, ...]:
    """Where an attack is run that nothing is stored of."""
    return COMPUTED_TIMESTEPS if get_attack(attack).has_timesteps else (None,)


class _Column(_Part):
    """One attack at one timestep."""

    masks: dict[str, dict[str, Measured]]
    differences: dict[str, dict[str, Measured]]
    quartiles: tuple[Measured, Measured, Measured, Measured]
    band: tuple[float, float]


def _column(
    study: Study,
    scores: dict[str, np.ndarray],
    quartile: np.ndarray,
    num_resamples: int,
    seed: int,
) -> _Column:
    table = metric_intervals(
        study.is_member,
        scores,
        pairs=DIFFERENCES,
        num_resamples=num_resamples,
        seed=seed,
        fprs=(EVIDENCE_FPR,),
    )
    parts = []
    for q in range(4):
        inside = quartile == q
        part = metric_intervals(
            study.is_member[inside],
            {"none": scores["none"][inside]},
            num_resamples=num_resamples,
            seed=seed,
            fprs=(),
        )
        parts.append(part.metrics["none"]["auc"])
    mean, deviation = random_band(
        study.is_member, scores["none"][None], study.num_samples // 4, seed=seed
    )
    return _Column(
        masks={kind: _kept(table.metrics[kind], METRICS) for kind in MASK_KINDS},
        differences={
            f"{a}_minus_{b}": _kept(table.differences[a, b], METRICS) for a, b in DIFFERENCES
        },
        quartiles=tuple(parts),
        band=(float(mean[0]), float(deviation[0])),
    )


def _joined(
    title: str, timesteps: Sequence[int | None], columns: Sequence[_Column]
) -> AttackFindings:
    """One table of columns over timesteps."""
    aucs = [column.masks["none"]["auc"].value for column in columns]

    def axes(part: str) -> dict[str, dict[str, Axis]]:
        names = getattr(columns[0], part)
        return {
            name: {
                metric: tuple(getattr(column, part)[name][metric] for column in columns)
                for metric in METRICS
            }
            for name in names
        }

    by_quartile = tuple(tuple(column.quartiles[q] for column in columns) for q in range(4))
    return AttackFindings(
        title=title,
        timesteps=tuple(timesteps),
        best=int(np.argmax(aucs)),
        masks=axes("masks"),
        differences=axes("differences"),
        quartiles=by_quartile,
        quartile_step=tuple(
            independent_difference(high, low)
            for high, low in zip(by_quartile[3], by_quartile[0], strict=True)
        ),
        band_mean=tuple(column.band[0] for column in columns),
        band_deviation=tuple(column.band[1] for column in columns),
    )


def _correlations(
    study: Study, num_resamples: int, seed: int
) -> tuple[dict[str, Measured], FrequencyFindings]:
    """Local distortion against every known complexity, and Table 3 at every cut-off."""
    names = [name for name in sorted(study.manifest.arrays) if name.startswith(_COMPLEXITY)]
    spectrum = radial_spectrum(study.images(slice(None)))
    cutoffs = tuple(cutoff for cutoff in CUTOFFS if cutoff < spectrum.radii[-1])
    bands = [spectrum.bands(cutoff) for cutoff in cutoffs]
    rows = [study.array(name) for name in names]
    rows += [band[side] for side in (0, 1) for band in bands]
    found = pearsons(
        np.reshape(rows, (len(rows), study.num_samples)),
        study.local_distortion(),
        is_member=study.is_member,
        num_resamples=num_resamples,
        seed=seed,
    )
    complexity, low_high = found[: len(names)], found[len(names) :]
    return (
        {
            name.removeprefix(_COMPLEXITY): number
            for name, number in zip(names, complexity, strict=True)
        },
        FrequencyFindings(
            cutoffs=cutoffs,
            low=tuple(low_high[: len(cutoffs)]),
            high=tuple(low_high[len(cutoffs) :]),
        ),
    )


def _further(study: Study, num_resamples: int, seed: int) -> FurtherFindings | None:
    """Metrics over the study's samples and the further held-out images together."""
    entry = study.manifest.further
    if entry is None:
        return None
    scores = from_ranks(study.array("further_ranks"))
    is_member = np.zeros(len(scores["none"]), dtype=bool)
    is_member[: study.num_samples] = study.is_member
    table = metric_intervals(
        is_member, scores, pairs=DIFFERENCES, num_resamples=num_resamples, seed=seed
    )
    return FurtherFindings(
        attack=entry.attack,
        timestep=entry.timestep,
        num_probes=entry.num_probes,
        masks={kind: _kept(table.metrics[kind], FURTHER_METRICS) for kind in MASK_KINDS},
        differences={
            f"{a}_minus_{b}": _kept(table.differences[a, b], FURTHER_METRICS)
            for a, b in DIFFERENCES
        },
    )


def _kept(numbers: dict[str, Measured], metrics: Sequence[str]) -> dict[str, Measured]:
    return {metric: numbers[metric] for metric in metrics}
