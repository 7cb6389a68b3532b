"""The desk of large studies' intervals: it answers at once, and drops what nobody awaits."""

from __future__ import annotations

from threading import Event

import pytest

from ldviz.errors import InputError
from ldviz.metrics.intervals import MetricTable
from ldviz.ui.interval_desk import IntervalDesk

TABLE = MetricTable(metrics={}, differences={})


def test_the_page_is_answered_before_the_table_is_there() -> None:
    desk, go = IntervalDesk(), Event()

    def compute(progress) -> MetricTable:
        assert go.wait(20)
        return TABLE

    assert desk.table("a", compute) is None
    assert desk.table("a", compute) is None
    go.set()
    assert desk.table("a", compute, patience_s=20) is TABLE
    assert desk.table("a", None) is TABLE, "kept: computed once"


def test_another_mask_stops_the_one_under_way() -> None:
    desk, stopped = IntervalDesk(), Event()

    def endless(progress) -> MetricTable:
        try:
            for step in range(10**9):
                progress(step, 10**9, "resampling")
        finally:
            stopped.set()
        raise AssertionError("was not stopped")

    assert desk.table("a", endless) is None
    assert desk.table("b", lambda progress: TABLE, patience_s=20) is TABLE
    assert stopped.wait(20)


def test_an_error_reaches_the_page_and_does_not_stay() -> None:
    desk = IntervalDesk()

    def broken(progress) -> MetricTable:
        raise InputError("scores are NaN")

    with pytest.raises(InputError, match="NaN"):
        desk.table("a", broken, patience_s=20)
    assert desk.table("a", lambda progress: TABLE, patience_s=20) is TABLE


def test_the_desk_forgets_the_oldest() -> None:
    desk, made = IntervalDesk(), []

    def compute(progress) -> MetricTable:
        made.append(1)
        return TABLE

    for key in range(17):
        desk.table(key, compute, patience_s=20)
    desk.table(16, compute, patience_s=20)
    assert len(made) == 17
    desk.table(0, compute, patience_s=20)
    assert len(made) == 18
