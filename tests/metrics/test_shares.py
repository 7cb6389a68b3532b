"""The share that scores higher: counts by hand, Wilson's interval by its formula."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.errors import InputError
from ldviz.metrics.shares import share_above


def wilson(count: int, number: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """The roots of (p - x/n)² = z² p (1 - p) / n."""
    share = count / number
    middle = share + z * z / (2 * number)
    half = z * np.sqrt(share * (1 - share) / number + z * z / (4 * number**2))
    return (middle - half) / (1 + z * z / number), (middle + half) / (1 + z * z / number)


@pytest.mark.parametrize(("score", "count"), [(-1.0, 5), (2.0, 2), (2.5, 2), (4.0, 0)])
def test_equal_scores_are_not_higher_and_the_interval_is_wilsons(score: float, count: int) -> None:
    share = share_above(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), score, is_member=True)
    assert share.value == count / 5
    assert share.ci95 == pytest.approx(wilson(count, 5), abs=1e-9)
    assert (share.n_member, share.n_held_out) == (5, None)


def test_no_image_above_leaves_room_for_one() -> None:
    assert share_above(np.zeros(20), 1.0, is_member=False).ci95[1] == pytest.approx(0.161, abs=1e-3)


def test_an_empty_class_has_no_share() -> None:
    share = share_above(np.empty(0), 1.0, is_member=False)
    assert share.value is None
    assert share.note


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(InputError, match="finite"):
        share_above(np.zeros(3), float("nan"), is_member=True)
