"""Do attacks find the same members?  Rank correlation and overlap, pair by pair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ldviz.metrics.agreement import Agreement, attack_agreement
from ldviz.metrics.frequency import pearson
from ldviz.metrics.measured import Measured
from ldviz.study.evidence import EVIDENCE_FPR
from ldviz.study.store import Study

_Z = 1.959964


@dataclass(frozen=True)
class PairAgreement:
    """Two attacks on the same samples.

    Attributes:
        a, b: names of the attacks.
        correlation: Spearman's over all samples; bootstrap over resampled pairs of ranks.
        overlap: members found by both among those found by at least one, at 1 % FPR; its
            interval holds the two thresholds fixed.
        plain: the same without intervals, and within each class.
    """

    a: str
    b: str
    correlation: Measured
    overlap: Measured
    plain: Agreement


def pair_agreements(
    study: Study, scores: Mapping[str, np.ndarray], *, num_resamples: int, seed: int = 0
) -> list[PairAgreement]:
    """Every pair of attacks.

    Args:
        study: whose members are meant.
        scores: attack name to (n,) unmasked scores, up to order.
        num_resamples, seed: of the correlation's bootstrap.

    Raises:
        InputError: if a score is not finite.
    """
    names = list(scores)
    return [
        _pair(study, a, b, scores[a], scores[b], num_resamples, seed)
        for index, a in enumerate(names)
        for b in names[index + 1 :]
    ]


def share_interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share.

    Source: Wilson 1927.
    """
    share, weight = count / total, _Z**2 / total
    centre = (share + weight / 2.0) / (1.0 + weight)
    reach = _Z * math.sqrt(share * (1.0 - share) / total + weight / (4.0 * total)) / (1.0 + weight)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _pair(
    study: Study,
    a: str,
    b: str,
    first: np.ndarray,
    second: np.ndarray,
    num_resamples: int,
    seed: int,
) -> PairAgreement:
    from scipy.stats import rankdata

    plain = attack_agreement(study.is_member, first, second, fpr=EVIDENCE_FPR)
    counts = {
        "n_member": int(study.is_member.sum()),
        "n_held_out": int((~study.is_member).sum()),
    }
    correlation = pearson(
        rankdata(first),
        rankdata(second),
        is_member=study.is_member,
        num_resamples=num_resamples,
        seed=seed,
    )
    return PairAgreement(a, b, correlation, _overlap(plain, counts), plain)


def _overlap(plain: Agreement, counts: dict[str, int]) -> Measured:
    """The overlap with an interval; None where nobody is found, or too few are held out."""
    if plain.overlap is None or plain.found_a is None:
        return Measured(value=None, note="Too few held-out images for 1 % FPR.", **counts)
    either = plain.found_a + plain.found_b - plain.found_both
    if not either:
        return Measured(value=None, note="Neither attack finds a member at 1 % FPR.", **counts)
    interval = share_interval(plain.found_both, either)
    return Measured(value=plain.overlap, ci95=interval, **counts)
