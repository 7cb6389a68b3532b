"""A measured number: frozen, serialisable, and clear about zero."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ldviz.metrics.measured import Measured


def test_round_trip_and_frozen():
    number = Measured(value=0.8, ci95=(0.7, 0.9), n_member=5, n_held_out=6, seed=0)
    assert Measured.model_validate_json(number.model_dump_json()) == number
    with pytest.raises(ValidationError, match="frozen"):
        number.value = 0.9


@pytest.mark.parametrize(
    ("ci95", "excludes"),
    [
        ((0.1, 0.2), True),
        ((-0.2, -0.1), True),
        ((-0.1, 0.1), False),
        ((0.0, 1.0), False),
        (None, False),
    ],
)
def test_excludes_zero(ci95, excludes):
    assert Measured(value=0.0, ci95=ci95).excludes_zero is excludes
