"""A number that carries what is needed to trust it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

_MOST_DECIMALS = 6


class Measured(BaseModel):
    """A metric with its interval, what it was computed from, and by whom.

    Attributes:
        value: the number, as a share (not in percent); None = not available.
        ci95: its 95 % interval; None where there is none, ``note`` says why.
        n_member, n_held_out: sample counts; None where the source does not say.
        seed, num_resamples: of the bootstrap behind ``ci95``; None and 0 without one.
        source: computed here, or quoted from the paper.
        note: anything a reader must know, in a short sentence; often empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    ci95: tuple[float, float] | None = None
    n_member: int | None = None
    n_held_out: int | None = None
    seed: int | None = None
    num_resamples: int = 0
    source: Literal["computed", "paper"] = "computed"
    note: str = ""

    def decimals(self, at_least: int = 3) -> int:
        """Decimals that show the interval as one: more where it is narrow, at most six.

        An effect of 0.0002 [-0.0001, 0.0005] would otherwise read 0.000 [0.000, 0.000].
        """
        if self.value is None or self.ci95 is None or self.ci95[0] == self.ci95[1]:
            return at_least
        width = self.ci95[1] - self.ci95[0]
        digits = at_least
        while digits < _MOST_DECIMALS and width < 2.0 * 10.0**-digits:
            digits += 1
        return digits

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly on one side of zero (for differences)."""
        return self.ci95 is not None and (self.ci95[0] > 0.0 or self.ci95[1] < 0.0)
