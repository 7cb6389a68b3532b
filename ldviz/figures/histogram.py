"""Members and held-out images counted by score, on bins that both share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_BINS = 60
MIN_BINS = 12


@dataclass(frozen=True)
class ScoreBins:
    """Counts per bin.

    Attributes:
        edges: (B + 1,) ascending places on the score's axis.
        member, held_out: (B,) counts; every sample is in exactly one bin.
    """

    edges: np.ndarray
    member: np.ndarray
    held_out: np.ndarray


def score_bins(
    places: np.ndarray, is_member: np.ndarray, *, among: np.ndarray | None = None
) -> ScoreBins:
    """Equal bins over the whole range, as wide as Freedman and Diaconis advise.

    Args:
        places: (n,) finite, where scores are drawn.
        is_member: (n,) bool.
        among: (m,) places, these among them, that share the bins; None for these alone.

    Source: Freedman and Diaconis 1981, at least 12 and at most 60 bins.
    """
    among = places if among is None else among
    low, high = float(among.min()), float(among.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    lower, upper = np.quantile(among, (0.25, 0.75))
    width = 2.0 * (upper - lower) * len(among) ** (-1 / 3)
    wanted = (high - low) / width if width > 0 else MIN_BINS
    edges = np.linspace(low, high, int(np.clip(np.ceil(wanted), MIN_BINS, MAX_BINS)) + 1)
    return ScoreBins(
        edges=edges,
        member=np.histogram(places[is_member], edges)[0],
        held_out=np.histogram(places[~is_member], edges)[0],
    )
