"""The findings of many studies: computed once, kept, and compared where only beta differs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from ldviz.errors import StudyError
from ldviz.metrics.measured import Measured
from ldviz.progress import Progress, no_progress
from ldviz.study.blocks import write_atomically
from ldviz.study.cache import cache_key
from ldviz.study.findings import FINDINGS_VERSION, METRICS, StudyFindings, study_findings
from ldviz.study.places import cache_folder
from ldviz.study.store import Study

SCHEMA_VERSION = 1
NUM_RESAMPLES = 2000
KEPT_FILE = "findings.json"


class BetaRow(BaseModel):
    """One of several models that differ in beta alone, at its own best timestep.

    Attributes:
        study: its name.
        kl_weight: beta.
        is_reference: whether the epochs of the whole family were chosen on this model: the one
            whose name begins the names of the others.
        timestep: with the largest unmasked AUC.
        masks: kind of mask, then metric.
        differences: "a_minus_b", then metric.
        quartile_step: AUC of the highest minus the lowest quartile.
        distortion_quantiles, influence_spread: as in StudyFindings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    kl_weight: float
    is_reference: bool
    timestep: int | None
    masks: dict[str, dict[str, Measured]]
    differences: dict[str, dict[str, Measured]]
    quartile_step: Measured
    distortion_quantiles: tuple[float, float, float, float, float]
    influence_spread: float


class Findings(BaseModel):
    """What ``findings --json`` prints and the page shows.

    Attributes:
        studies: by name.
        beta: families of models on the same images and split, by ascending beta.
        failures: studies that cannot be used, and why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    seed: int
    num_resamples: int
    positive: str = "member"
    studies: dict[str, StudyFindings]
    beta: tuple[tuple[BetaRow, ...], ...]
    failures: dict[str, str]


def build_findings(
    studies: Mapping[str, Study],
    failures: Mapping[str, str],
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    fresh: bool = False,
    compute: bool = False,
    device: str | None = None,
    progress: Progress = no_progress,
) -> Findings:
    """The findings of every study that has geometry and an attack.

    Args:
        studies: those that opened.
        failures: those that did not, and why; passed on.
        num_resamples, seed: of every interval.
        fresh: compute everything, whatever is kept.
        compute, device: as ``study_findings``; it implies ``fresh``.
        progress: told of every attack and timestep; may cancel.
    """
    failures = dict(failures)
    found: dict[str, StudyFindings] = {}
    for name, study in studies.items():
        if study.manifest.geometry is None or study.default_attack is None:
            failures[name] = "It has no geometry or no attack, so there is nothing to compare."
            continue
        try:
            found[name] = kept_findings(
                study,
                num_resamples=num_resamples,
                seed=seed,
                fresh=fresh,
                compute=compute,
                device=device,
                progress=progress,
            )
        except StudyError as error:
            failures[name] = str(error)
    return Findings(
        seed=seed,
        num_resamples=num_resamples,
        studies=found,
        beta=beta_families(studies, found),
        failures=failures,
    )


def kept_findings(
    study: Study,
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    fresh: bool = False,
    compute: bool = False,
    device: str | None = None,
    progress: Progress = no_progress,
) -> StudyFindings:
    """A study's findings: kept beside it or in the cache, else computed and cached."""
    key = findings_key(study, num_resamples, seed)
    places = (study.path / KEPT_FILE, cache_folder() / "findings" / f"{key}.json")
    if not (fresh or compute):
        for path in places:
            try:
                content = json.loads(path.read_text())
                if content["key"] == key:
                    return StudyFindings.model_validate(content["findings"])
            except (OSError, ValueError, KeyError, TypeError, ValidationError):
                continue
    found = study_findings(
        study,
        num_resamples=num_resamples,
        seed=seed,
        compute=compute,
        device=device,
        progress=progress,
    )
    write_atomically(places[1], _content(key, found))
    return found


def has_findings(study: Study, *, num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> bool:
    """Whether ``kept_findings`` would return at once."""
    key = findings_key(study, num_resamples, seed)
    if (cache_folder() / "findings" / f"{key}.json").is_file():
        return True
    try:
        return json.loads((study.path / KEPT_FILE).read_text())["key"] == key
    except (OSError, ValueError, KeyError, TypeError):
        return False


def save_findings(study: Study, found: StudyFindings, findings: Findings) -> None:
    """Keep a study's findings beside it, so that they travel with it."""
    key = findings_key(study, findings.num_resamples, findings.seed)
    write_atomically(study.path / KEPT_FILE, _content(key, found))


def findings_key(study: Study, num_resamples: int, seed: int) -> str:
    """Digest of what the findings depend on."""
    return cache_key(
        study=study.digest, version=FINDINGS_VERSION, num_resamples=num_resamples, seed=seed
    )


def _content(key: str, found: StudyFindings) -> bytes:
    body = {"key": key, "findings": found.model_dump(mode="json", exclude_defaults=True)}
    return json.dumps(body, separators=(",", ":")).encode()


def beta_families(
    studies: Mapping[str, Study], found: Mapping[str, StudyFindings]
) -> tuple[tuple[BetaRow, ...], ...]:
    """Studies on the same images and split whose autoencoders differ in beta alone."""
    families: dict[str, list[StudyFindings]] = {}
    for name, one in found.items():
        manifest = studies[name].manifest
        recipe = manifest.made_by.recipe
        if recipe is None or one.kl_weight is None:
            continue
        settings = {**recipe["autoencoder"], "kl_weight": None}
        key = cache_key(
            images=manifest.data.images_sha256,
            split=manifest.data.split_sha256,
            autoencoder=settings,
        )
        families.setdefault(key, []).append(one)
    rows = []
    for family in families.values():
        family.sort(key=lambda one: one.kl_weight)
        if len({one.kl_weight for one in family}) > 1:
            names = [one.name for one in family]
            rows.append(tuple(_beta_row(one, names) for one in family))
    return tuple(rows)


def _beta_row(one: StudyFindings, names: list[str]) -> BetaRow:
    attack = one.attacks[one.default_attack]
    at = attack.best
    return BetaRow(
        study=one.name,
        kl_weight=one.kl_weight,
        is_reference=all(name.startswith(one.name) for name in names),
        timestep=attack.timesteps[at],
        masks={
            kind: {metric: numbers[metric][at] for metric in METRICS}
            for kind, numbers in attack.masks.items()
        },
        differences={
            pair: {metric: numbers[metric][at] for metric in METRICS}
            for pair, numbers in attack.differences.items()
        },
        quartile_step=attack.quartile_step[at],
        distortion_quantiles=one.distortion_quantiles,
        influence_spread=one.influence_spread,
    )
