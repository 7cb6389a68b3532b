"""How the numbers move as more is dropped: lowest influence, at random, highest influence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.attacks.masks import NUM_RANDOM_DRAWS, MaskSpec, num_dropped, on_dimensions
from ldviz.attacks.statistic import masked_statistic, sweep_statistics
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import Positive, curve_metrics
from ldviz.study.evidence import EVIDENCE_FPR, EVIDENCE_KEYS, check_both_classes
from ldviz.study.report import measure_scores
from ldviz.study.scores import membership_scores, study_drop_order
from ldviz.study.store import Study

DROP_KINDS = ("influence", "random", "highest")
PAPER_FRACTION = 0.4
_STEP = 0.05
_LARGEST = 0.95


@dataclass(frozen=True)
class DropCurves:
    """Metrics against the share of latent dimensions dropped; ``nan`` = not available.

    Attributes:
        fractions: (K,) ascending.
        num_dropped: (K,) dimensions dropped at each, of ``num_on``.
        level: metric key to its value with every dimension kept.
        curve: mask kind, then metric key, to (K,) values; random is the mean of its draws.
        spread: metric key to (K,) standard deviation (n - 1) over the random draws.
    """

    fractions: np.ndarray
    num_dropped: np.ndarray
    num_on: int
    level: dict[str, float]
    curve: dict[str, dict[str, np.ndarray]]
    spread: dict[str, np.ndarray]

    def best(self, key: str) -> tuple[float, float]:
        """Fraction and value of the influence mask's maximum, the smallest of equal ones.

        It is chosen on the labels that it is scored on: optimistic, and to be called so.
        """
        values = self.curve["influence"][key]
        index = int(np.nanargmax(values)) if np.isfinite(values).any() else 0
        return float(self.fractions[index]), float(values[index])


def curve_fractions(drop_fraction: float) -> np.ndarray:
    """0 to 0.95 in steps of 0.05, with the paper's 0.4 and the present fraction among them."""
    steps = np.round(np.arange(0, _LARGEST + _STEP / 2, _STEP), 2)
    return np.unique(np.round([*steps, PAPER_FRACTION, drop_fraction], 6))


def drop_curves(
    study: Study, values: np.ndarray, spec: MaskSpec, *, positive: Positive = "member"
) -> DropCurves:
    """All three masks at every fraction.

    Args:
        study: whose influence ranks the dimensions.
        values: (n, d) from ``score_values``.
        spec: gives ranking, seed, what is switched off, and one more fraction.
        positive: the class that counts as detected.

    Raises:
        InputError: if the mask does not fit the study, a score is not finite, or all
            samples are of one class.

    Cost: 12 gathers of n·d entries and 12 sorts of n per fraction.
    """
    check_both_classes(study)
    on = on_dimensions(spec, study.latent_shape)
    num_on = int(on.sum())
    fractions = curve_fractions(spec.drop_fraction)
    counts = np.array([num_dropped(fraction, num_on) for fraction in fractions])
    draws = {"influence": (0,), "random": range(NUM_RANDOM_DRAWS), "highest": (0,)}
    curve: dict[str, dict[str, np.ndarray]] = {}
    spread: dict[str, np.ndarray] = {}
    for kind in DROP_KINDS:
        rows = []
        for draw in draws[kind]:
            order = (
                study_drop_order(study, kind, spec.ranking, spec.seed, draw)
                if kind == "random"
                else study_drop_order(study, kind, spec.ranking)
            )
            rows.append(_metrics(study, -sweep_statistics(values, order, on, counts).T, positive))
        stacked = {key: np.stack([row[key] for row in rows]) for key in EVIDENCE_KEYS}
        curve[kind] = {key: block.mean(axis=0) for key, block in stacked.items()}
        if kind == "random":
            spread = {key: block.std(axis=0, ddof=1) for key, block in stacked.items()}
    level = _metrics(study, -masked_statistic(values)[None], positive)
    return DropCurves(
        fractions=fractions,
        num_dropped=counts,
        num_on=num_on,
        level={key: float(row[0]) for key, row in level.items()},
        curve=curve,
        spread=spread,
    )


def fraction_intervals(
    study: Study,
    values: np.ndarray,
    spec: MaskSpec,
    *,
    positive: Positive = "member",
    num_resamples: int,
    seed: int = 0,
) -> dict[str, dict[str, Measured]]:
    """The numbers of one fraction with their intervals, and the paired differences.

    The same call as the report's and the Attack page's, so the same digits.

    Returns:
        "none", each of ``DROP_KINDS``, and "a_minus_b", by metric key.
    """
    scores = {"none": membership_scores(study, values, MaskSpec(kind="none"))}
    for kind in DROP_KINDS:
        masked = spec.model_copy(update={"kind": kind})
        scores[kind] = membership_scores(study, values, masked)
    table = measure_scores(study, scores, positive=positive, num_resamples=num_resamples, seed=seed)
    differences = {f"{a}_minus_{b}": value for (a, b), value in table.differences.items()}
    return {**table.metrics, **differences}


def _metrics(study: Study, scores: np.ndarray, positive: Positive) -> dict[str, np.ndarray]:
    """The three metrics of each row of (K, n) scores."""
    return curve_metrics(study.is_member, scores, positive=positive, fprs=(EVIDENCE_FPR,))
