"""How far to trust an attack success rate: a maximum over thresholds.

The largest (TPR + 1 - FPR) / 2 over thresholds is chosen on the samples it is scored
on, so it is too high on average, and percentiles of its bootstrap are higher still:
at AUC 0.5 they hardly ever contain the true 0.5.

**Centre.**  Scoring each sample with thresholds chosen on resamples without it gives
a value that is too low instead, since those thresholds are worse than the best.  Near
the optimum a score's gain is a random walk minus a parabola, whose scaling makes the
loss of a threshold chosen on other data a third of the gain of one chosen on the same
data; with resamples (worth half the data) the two errors stand as -0.53 to 1, and the
weights that cancel them are 0.65 and 0.35: Efron's .632 estimator, to two digits.  At
chance there is no optimum, nothing is lost, and the weights should be 1 and 0.  The .632+
estimator goes from the one to the other with the rate of no information.

**Width.**  Two variances.  Decisions at the chosen threshold count the noise of the
threshold twice over in a difference of two correlated scores; decisions averaged over
resamples leave it out.  One score vector takes the first, a difference the mean of both,
and more of the first as the .632+ weights become noisy themselves.

Coverage, simulated: ``docs/metrics.md`` and ``benchmarks/intervals.py``.

Source: Efron 1983 (.632), Efron and Tibshirani 1997 (.632+ and its no-information rate);
Kim and Pollard 1990 (the random walk and the parabola).  *Differs:* members and held-out
images are resampled apart, and variances get two pseudo-samples per class, after Agresti
and Caffo 2000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.metrics.resampling import RankedScores, cumulative, ranked_scores, resample_chunks

#: Resamples behind the centre.  They are averaged, not read for quantiles: 200 leave an
#: error of a twentieth of the standard error.
NUM_CENTRE_RESAMPLES = 200


@dataclass(frozen=True)
class SuccessRate:
    """Estimates of Youden's J = TPR - FPR at the best threshold; ASR = (1 + J) / 2.

    Attributes:
        largest: J on the samples that chose the threshold (too high).
        left_out: J with thresholds chosen on resamples without the sample (too low).
        called: (n,) share of score vectors whose best threshold calls the sample a member.
        called_left_out: (n,) the same for thresholds chosen without it, averaged.
    """

    largest: float
    left_out: float
    called: np.ndarray
    called_left_out: np.ndarray

    @property
    def no_information(self) -> float:
        """0 where the threshold holds on samples left out, 1 where it is pure chance."""
        holds = max(self.left_out, 0.0)
        return 0.0 if self.largest <= holds else 1.0 - holds / self.largest

    @property
    def centre(self) -> float:
        """The .632+ estimate, nearly unbiased."""
        weight = 0.632 / (1.0 - 0.368 * self.no_information)
        return (1.0 - weight) * self.largest + weight * self.left_out


def success_rate(
    is_member: np.ndarray, scores: np.ndarray, *, num_resamples: int, seed: int
) -> SuccessRate:
    """Estimate J for the mean over the rows of ``scores``.

    Args:
        is_member: (n,) bool, both classes present.
        scores: (G, n) finite float64.
        num_resamples: at most :data:`NUM_CENTRE_RESAMPLES` are used.
        seed: of the resamples.
    """
    member, held_out = np.flatnonzero(is_member), np.flatnonzero(~is_member)
    ranked = [ranked_scores(row[member], row[held_out]) for row in scores]
    called = np.zeros(is_member.size)
    largest = 0.0
    for one in ranked:
        gain = one.above / member.size - one.before / held_out.size
        best = int(gain.argmax())
        if gain[best] > 0.0:
            largest += gain[best]
            called[member[one.positive_order[: one.above[best]]]] += 1.0
            called[held_out[one.negative_order[: one.before[best]]]] += 1.0
    left_out = np.zeros(is_member.size)
    times_left_out = np.zeros(is_member.size)
    size = min(num_resamples, NUM_CENTRE_RESAMPLES)
    for member_counts, held_out_counts in resample_chunks(member.size, held_out.size, size, seed):
        times_left_out[member] += (member_counts == 0).sum(axis=1)
        times_left_out[held_out] += (held_out_counts == 0).sum(axis=1)
        for one in ranked:
            places = _best_places(one, member_counts, held_out_counts)
            for rows, counts, order, best in zip(
                (member, held_out),
                (member_counts, held_out_counts),
                (one.positive_order, one.negative_order),
                places,
                strict=True,
            ):
                is_called = np.arange(rows.size)[:, None] < best
                left_out[rows[order]] += ((counts[order] == 0) & is_called).sum(axis=1)
    left_out /= np.maximum(times_left_out, 1.0) * len(ranked)
    return SuccessRate(
        largest=largest / len(ranked),
        left_out=float(left_out[member].mean() - left_out[held_out].mean()),
        called=called / len(ranked),
        called_left_out=left_out,
    )


def success_rate_interval(rate: SuccessRate, is_member: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the ASR, widened to contain the largest value where needed."""
    reach = 1.959964 * np.sqrt(decision_variance(rate.called, is_member))
    low = max(0.0, rate.centre - reach)
    high = min(1.0, max(rate.largest, rate.centre + reach))
    return (1.0 + low) / 2.0, (1.0 + high) / 2.0


def success_rate_difference_interval(
    a: SuccessRate, b: SuccessRate, is_member: np.ndarray
) -> tuple[float, float]:
    """The 95 % interval of ASR(a) - ASR(b) on the same samples.

    Widened to contain the difference of the two largest values where needed.
    """
    at_chosen = decision_variance(a.called - b.called, is_member)
    left_out = decision_variance(a.called_left_out - b.called_left_out, is_member)
    chance = max(a.no_information, b.no_information)
    variance = (1.0 + chance) / 2.0 * at_chosen + (1.0 - chance) / 2.0 * left_out
    reach = 1.959964 * np.sqrt(variance)
    centre, value = a.centre - b.centre, a.largest - b.largest
    low = max(-1.0, min(value, centre - reach))
    high = min(1.0, max(value, centre + reach))
    return low / 2.0, high / 2.0


def decision_variance(decisions: np.ndarray, is_member: np.ndarray) -> float:
    """Variance of mean(decisions of members) - mean(decisions of held-out images).

    Two pseudo-samples per class, worth one disagreement, keep it from vanishing when all
    samples of a class agree.
    """
    variance = 0.0
    for group in (decisions[is_member], decisions[~is_member]):
        size = group.size + 2
        mean = group.sum() / size
        variance += ((group**2).sum() + 1.0) / size**2 - mean**2 / size
    return variance


def _best_places(
    one: RankedScores, member_counts: np.ndarray, held_out_counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many members and held-out images the best threshold of each resample calls.

    The threshold is the score of the last drawn member above it: a sample that was left
    out must not say where in the gap between two drawn ones it lies.
    """
    found = cumulative(member_counts, one.positive_order)
    accused = cumulative(held_out_counts, one.negative_order)[one.before]
    gain = found[one.above] / member_counts.shape[0] - accused / held_out_counts.shape[0]
    best = gain.argmax(axis=0)
    column = np.arange(best.size)
    helps = gain[best, column] > 0.0
    last_drawn = (found < found[one.above[best], column]).sum(axis=0) - 1
    members = one.positive_group_end[last_drawn]
    held_out = np.searchsorted(one.above, last_drawn, side="right")
    return np.where(helps, members, 0), np.where(helps, held_out, 0)


def split_success_rate(is_member: np.ndarray, scores: np.ndarray, first: np.ndarray) -> float:
    """ASR with the threshold chosen on one half and scored on the other, and swapped.

    Args:
        is_member: (n,) bool.
        scores: (G, n); the result is the mean over rows.
        first: (n,) bool, the first half; both classes in both halves.

    Returns:
        The mean of both directions, in [0, 1]; at AUC 0.5 it is 0.5 on average.
    """
    total = 0.0
    for chosen_on in (first, ~first):
        member, held_out = chosen_on & is_member, chosen_on & ~is_member
        for row in scores:
            one = ranked_scores(row[member], row[held_out])
            gain = one.above / member.sum() - one.before / held_out.sum()
            best = int(gain.argmax())
            threshold = np.inf
            if gain[best] > 0.0:
                threshold = row[member][one.positive_order[one.above[best] - 1]]
            called = row >= threshold
            scored_members = called[~chosen_on & is_member].mean()
            scored_held_out = called[~chosen_on & ~is_member].mean()
            total += (1.0 + scored_members - scored_held_out) / 2.0
    return float(total / (2 * len(scores)))
