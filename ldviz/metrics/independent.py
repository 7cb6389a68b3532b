"""The difference of two numbers that were measured on different samples."""

from __future__ import annotations

import math

from ldviz.metrics.measured import Measured


def independent_difference(a: Measured, b: Measured) -> Measured:
    """a minus b, with a 95 % interval from the intervals of the two.

    The method recovers each number's variance from its own interval (MOVER), so the result
    stays asymmetric where theirs are.

    Args:
        a, b: measured on disjoint samples, such as two quartiles.

    Returns:
        Without a value where one of the two has none, or no interval; the note says so.

    Source: Zou and Donner, Construction of confidence limits about effect measures,
    Statistics in Medicine 27 (2008), equation 1.
    """
    if a.value is None or b.value is None or a.ci95 is None or b.ci95 is None:
        return Measured(value=None, note="One of the two numbers is not available.")
    step = a.value - b.value
    below = math.hypot(a.value - a.ci95[0], b.ci95[1] - b.value)
    above = math.hypot(a.ci95[1] - a.value, b.value - b.ci95[0])
    return Measured(
        value=step,
        ci95=(step - below, step + above),
        n_member=_sum(a.n_member, b.n_member),
        n_held_out=_sum(a.n_held_out, b.n_held_out),
        seed=a.seed,
        num_resamples=a.num_resamples,
    )


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b
