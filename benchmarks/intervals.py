"""How often the 95 % intervals contain the truth, on simulated scores of known AUC.

    python -m benchmarks.intervals            # 500 trials per row, some eight minutes
    python -m benchmarks.intervals --quick    # 100 trials, for a look

Every trial draws two correlated score vectors for the same samples, as two masks of
one attack would give (correlation 0.9), and asks for their metrics and their paired
difference.  Over
500 trials a true coverage of 95 % shows as 93 % to 97 % (two standard errors).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from ldviz.metrics.intervals import metric_intervals
from ldviz.randomness import keyed_generator

KEYS = {"auc": "AUC", "asr": "ASR", "tpr_at_10pct_fpr": "TPR@10%", "tpr_at_1pct_fpr": "TPR@1%"}
FPRS = (0.1, 0.01)


@dataclass(frozen=True)
class Scores:
    """A population of scores: held-out N(0, 1), of the members a share shifted.

    Attributes:
        shift: of the members that are remembered.
        share: remembered members; the others score as held-out images do.
        step: scores are rounded to multiples of it; 0 = not at all.
    """

    shift: float
    share: float = 1.0
    step: float = 0.0

    def rates(self, threshold: float) -> tuple[float, float]:
        """FPR and TPR of calling every score of at least ``threshold`` a member."""
        shifted = norm.sf(threshold - self.shift)
        fpr = float(norm.sf(threshold))
        return fpr, float(self.share * shifted + (1.0 - self.share) * fpr)

    def levels(self) -> np.ndarray:
        """Where rounding puts the boundaries between score values."""
        return (np.arange(np.floor(-8 / self.step), np.ceil(12 / self.step)) + 0.5) * self.step

    def truth(self) -> dict[str, float]:
        """The metrics of the population."""
        remembered = float(norm.cdf(self.shift / np.sqrt(2.0)))
        auc = self.share * remembered + (1.0 - self.share) * 0.5
        if self.step:
            fpr, tpr = np.array([self.rates(level) for level in self.levels()[::-1]]).T
            fpr, tpr = np.append(0.0, fpr), np.append(0.0, tpr)
            values = {"auc": float(np.trapezoid(tpr, fpr)), "asr": 0.5 + (tpr - fpr).max() / 2}
            for key, target in zip(("tpr_at_10pct_fpr", "tpr_at_1pct_fpr"), FPRS, strict=True):
                values[key] = float(tpr[fpr <= target].max())
            return values
        best = minimize_scalar(
            lambda t: self.rates(t)[0] - self.rates(t)[1], bounds=(-5, 8), method="bounded"
        )
        values = {"auc": auc, "asr": 0.5 + max(0.0, -best.fun) / 2}
        for key, target in zip(("tpr_at_10pct_fpr", "tpr_at_1pct_fpr"), FPRS, strict=True):
            values[key] = self.rates(float(norm.isf(target)))[1]
        return values


def binormal(auc: float, step: float = 0.0) -> Scores:
    """All members shifted so far that they outscore held-out images with chance ``auc``."""
    return Scores(shift=float(np.sqrt(2.0) * norm.ppf(auc)), step=step)


def skewed(auc: float, share: float = 0.3) -> Scores:
    """A few members remembered well, the others not at all."""
    outscores = (auc - (1.0 - share) / 2.0) / share
    return Scores(shift=float(np.sqrt(2.0) * norm.ppf(outscores)), share=share)


@dataclass(frozen=True)
class Case:
    """One row block of the table: two populations, seen on the same samples."""

    title: str
    a: Scores
    b: Scores
    n: int = 900
    correlation: float = 0.9
    num_draws: int = 1

    def draw(self, trial: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Labels, scores (n,) of a, scores (num_draws, n) of b."""
        generator = keyed_generator(f"coverage/{self.title}", trial)
        is_member = np.arange(2 * self.n) < self.n
        remembered = generator.random(2 * self.n)
        noise = generator.standard_normal(2 * self.n)
        other = generator.standard_normal((self.num_draws, 2 * self.n))
        mixed = self.correlation * noise + np.sqrt(1.0 - self.correlation**2) * other

        def placed(population: Scores, values: np.ndarray) -> np.ndarray:
            moved = is_member & (remembered < population.share)
            values = values + population.shift * moved
            return (
                np.rint(values / population.step) * population.step if population.step else values
            )

        return is_member, placed(self.a, noise), placed(self.b, mixed)


def cases() -> list[Case]:
    """What masks do to attacks: little or nothing, on correlated scores."""
    rows = []
    for auc in (0.5, 0.6, 0.8):
        rows.append(Case(f"AUC {auc}, +0.02", binormal(auc), binormal(auc + 0.02)))
        rows.append(Case(f"AUC {auc}, the same", binormal(auc), binormal(auc)))
    for auc in (0.5, 0.6, 0.8):
        rows.append(
            Case(f"AUC {auc}, +0.02, 2500 each", binormal(auc), binormal(auc + 0.02), n=2500)
        )
    rows += [
        Case("AUC 0.5, the same, r = 0.97", binormal(0.5), binormal(0.5), correlation=0.97),
        Case("AUC 0.8, the same, r = 0.97", binormal(0.8), binormal(0.8), correlation=0.97),
        Case("AUC 0.8, against 5 draws", binormal(0.8), binormal(0.78), num_draws=5),
        Case("AUC 0.6, a third of the members", skewed(0.6), skewed(0.61)),
        Case("AUC 0.8, rounded to 0.1", binormal(0.8, 0.1), binormal(0.82, 0.1)),
        Case("AUC 0.8, 200 each", binormal(0.8), binormal(0.82), n=200),
    ]
    return rows


def coverage(
    case: Case,
    num_trials: int,
    num_resamples: int,
    report: Callable[[int], None] = lambda trial: None,
) -> dict[str, tuple[float, float]]:
    """Share of intervals that contain the truth, and their mean width, per metric.

    Keys are metric keys for the first vector, with a leading ``-`` for the difference.
    """
    truth_a, truth_b = case.a.truth(), case.b.truth()
    inside: dict[str, list[bool]] = {}
    widths: dict[str, list[float]] = {}
    for trial in range(num_trials):
        is_member, a, b = case.draw(trial)
        table = metric_intervals(
            is_member,
            {"a": a, "b": b},
            pairs=[("b", "a")],
            num_resamples=num_resamples,
            fprs=FPRS,
        )
        for key in KEYS:
            for name, measured, truth in (
                (key, table.metrics["a"][key], truth_a[key]),
                (f"-{key}", table.differences["b", "a"][key], truth_b[key] - truth_a[key]),
            ):
                if measured.ci95 is None:
                    continue
                low, high = measured.ci95
                # A hair's breadth for truths that lie on the lattice of rounded values.
                inside.setdefault(name, []).append(low - 1e-12 <= truth <= high + 1e-12)
                widths.setdefault(name, []).append(high - low)
        report(trial)
    return {
        name: (float(np.mean(values)), float(np.mean(widths[name])))
        for name, values in inside.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="100 trials of 400 resamples")
    parser.add_argument("--only", default="", help="cases whose title contains this")
    options = parser.parse_args()
    trials, resamples = (100, 400) if options.quick else (options.trials, options.resamples)
    print(f"Coverage of 95 % intervals in per cent, {trials} trials, {resamples} resamples.")
    print("Left: one score vector. Right: paired differences. Outside 92-98: marked *.\n")
    header = "".join(f"{title:>9}" for title in KEYS.values())
    print(f"{'case':<34}{header}  |{header}   seconds")
    for case in cases():
        if options.only not in case.title:
            continue
        start = time.process_time()
        table = coverage(case, trials, resamples)
        cells = []
        for prefix in ("", "-"):
            for key in KEYS:
                if prefix + key not in table:
                    cells.append(f"{'-':>8} ")
                    continue
                share = 100.0 * table[prefix + key][0]
                cells.append(f"{share:>8.1f}{' ' if 92 <= share <= 98 else '*'}")
        print(
            f"{case.title:<34}{''.join(cells[:4])}  |{''.join(cells[4:])}"
            f"{time.process_time() - start:>10.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
