"""Progress that adds up, time left that is right, and cancelling."""

from __future__ import annotations

import math

import pytest

from ldviz.errors import CancelledError
from ldviz.geometry import TimeLeft
from ldviz.geometry.control import Control


def test_a_stage_that_stops_early_lowers_the_total():
    seen = []
    control = Control(100, lambda *state: seen.append(state))
    control.begin(50)
    control.advance(10)
    assert seen[-1] == (10, 100)
    control.expect(10)
    control.advance(10)
    assert seen[-1] == (20, 70)
    control.end()
    control.begin(50)
    # the first stage needed 20 of 50, so the second is taken at its word only once begun
    control.advance(50)
    control.end()
    assert seen[-1] == (70, 70)


def test_stages_ahead_are_expected_to_stop_as_early():
    seen = []
    control = Control(300, lambda *state: seen.append(state))
    for _ in range(2):
        control.begin(100)
        control.advance(25)
        control.end()
    assert seen[-1] == (50, 75)


def test_cancelling_raises_between_chunks():
    answers = iter([False, True])
    control = Control(10, None, lambda: next(answers))
    control.begin(10)
    control.advance(5)
    with pytest.raises(CancelledError, match="cancelled"):
        control.advance(5)


def test_time_left_follows_the_pace_since_the_first_report():
    clock = iter([100.0, 102.0, 110.0])
    seen = []
    left = TimeLeft(lambda *state: seen.append(state), clock=lambda: next(clock))
    left(10, 50)
    left(20, 50)
    left(30, 40)
    assert math.isnan(seen[0][2])
    assert seen[1] == (20, 50, pytest.approx(6.0))
    assert seen[2] == (30, 40, pytest.approx(5.0))
