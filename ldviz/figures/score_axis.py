"""Where a membership score stands on an axis: logarithmic where a statistic allows it.

A score is minus a sum of powers, so a few samples lie orders of magnitude away from the rest.
Any rising map keeps the order, and with it every threshold, ROC and count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

_MAX_TICKS = 7


@dataclass(frozen=True)
class ScoreAxis:
    """Scores and where they are drawn.

    Attributes:
        scores: (n,) membership scores.
        places: (n,) rising with the scores.
        ticks: places of the ticks, ascending.
        tick_texts: the scores that the ticks stand for.
        title: of the axis.
        logarithmic: whether places are −log₁₀ of minus the score.
    """

    scores: np.ndarray
    places: np.ndarray
    ticks: tuple[float, ...]
    tick_texts: tuple[str, ...]
    title: str
    logarithmic: bool

    def texts(self, rows: np.ndarray) -> list[str]:
        """The scores of some rows with three digits."""
        return [f"{score:.3g}".replace("-", "−") for score in self.scores[rows]]

    def score_at(self, place: float) -> float:
        """The score that stands at a place."""
        return -(10.0**-place) if self.logarithmic else place


def score_axis(scores: np.ndarray) -> ScoreAxis:
    """Choose the axis: logarithmic where all scores are negative, else linear.

    Args:
        scores: (n,) finite.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.max() >= 0:
        ticks = _round_ticks(float(scores.min()), float(scores.max()))
        texts = tuple(f"{tick:.3g}".replace("-", "−") for tick in ticks)
        return ScoreAxis(scores, scores, ticks, texts, "Membership score", False)
    places = -np.log10(-scores)
    ticks = _log_ticks(float(places.min()), float(places.max()))
    texts = tuple(_power_text(tick) for tick in ticks)
    title = "Membership score (logarithmic)"
    return ScoreAxis(scores, places, ticks, texts, title, True)


def shared_score_axes(scores: Sequence[np.ndarray]) -> list[ScoreAxis]:
    """One axis for several sets of scores: the same places, ticks and title in each.

    Args:
        scores: of each set, (n,) finite.
    """
    whole = score_axis(np.concatenate(scores))
    ends = np.cumsum([len(own) for own in scores])[:-1]
    return [
        replace(whole, scores=own, places=places)
        for own, places in zip(
            np.split(whole.scores, ends), np.split(whole.places, ends), strict=True
        )
    ]


def _power_text(place: float) -> str:
    """The score at a place as plain digits where they are few: "−2,000", else "−2e+06"."""
    size = 10.0**-place
    return f"−{size:,.6g}" if 1e-4 <= size < 1e6 else f"−{size:.3g}"


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Scores 1, 2, 5 times a power of ten, or the powers alone where there are many."""
    for factors in ((1.0, 2.0, 5.0), (1.0,)):
        decades = np.arange(np.floor(low) - 1, np.ceil(high) + 2)
        ticks = np.sort([decade - np.log10(factor) for decade in decades for factor in factors])
        ticks = ticks[(ticks >= low) & (ticks <= high)]
        if len(ticks) <= _MAX_TICKS:
            break
    else:
        ticks = ticks[:: -(-len(ticks) // _MAX_TICKS)]
    if not len(ticks):
        ticks = np.array([low, high])
    return tuple(float(tick) for tick in ticks)


def _round_ticks(low: float, high: float) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten, at most seven."""
    if high <= low:
        return (low,)
    raw = (high - low) / (_MAX_TICKS - 1)
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = np.ceil(low / step)
    last = np.floor(high / step)
    return tuple(float(step * index) for index in np.arange(first, last + 1))
