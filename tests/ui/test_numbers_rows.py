"""Rows of numbers on one axis: where dots and intervals stand, and what is said beside them."""

from __future__ import annotations

import re

import pytest

from ldviz.metrics.measured import Measured
from ldviz.ui.numbers_rows import Row, rows_html


def row(value: float | None, **fields) -> Row:
    ci95 = None if value is None else (value - 0.03, value + 0.02)
    return Row("a <row>", "#009E73", Measured(value=value, ci95=ci95, **fields))


def drawn(*rows: Row) -> str:
    text = rows_html([("All", rows)], axis="AUC", reference=0.5, reference_text="guessing")
    return text.split("</style>")[1]


def places(text: str) -> tuple[float, float, float, float]:
    """Reference, dot, start and end of the interval, in percent of the axis."""
    line = float(re.search(r"--at:([\d.]+)%", text)[1])
    start, width = (
        float(x) for x in re.search(r"<i style=.left:([\d.]+)%;width:([\d.]+)%", text).groups()
    )
    dot = float(re.search(r"class=.dot[^>]*left:([\d.]+)%", text)[1])
    return line, dot, start, start + width


def test_dot_interval_and_reference_share_one_scale():
    line, dot, start, end = places(drawn(row(0.8)))
    scale = (dot - line) / 0.3
    assert start == pytest.approx(line + 0.27 * scale, abs=0.05)
    assert end == pytest.approx(line + 0.32 * scale, abs=0.05)
    assert 0.0 < line < start < dot < end < 100.0


def test_the_reference_stays_on_the_axis_from_below_too():
    line, dot, _, end = places(drawn(row(0.3)))
    assert 0.0 < dot < end < line < 100.0


def test_figures_and_counts_stand_beside_the_dot():
    text = drawn(row(0.8, n_member=3, n_held_out=4))
    assert "0.800 [0.770, 0.820]" in text
    assert "3 members, 4 held-out" in text
    assert "a &lt;row&gt;" in text


def test_a_number_that_is_not_available_says_so_and_draws_nothing():
    text = drawn(row(None))
    assert "not available" in text
    assert "dot" not in text


def test_the_papers_numbers_are_hollow():
    text = drawn(row(0.8), row(0.9, source="paper"))
    assert text.count('class="dot"') == 1
    assert text.count('class="dot paper"') == 1
