"""Numbers on one axis: a dot, its interval and the figures beside it, row under row.

Drawn as plain HTML, so that the first page need not load a charting library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from ldviz.metrics.measured import Measured
from ldviz.ui.numbers import NOT_AVAILABLE, bracketed_text, sample_text

_PAD = 0.06


@dataclass(frozen=True)
class Row:
    """One dot with its interval.

    Attributes:
        title: what it is, in a few words.
        colour: CSS colour of the dot and its interval.
        number: the number; hollow where it is from the paper.
    """

    title: str
    colour: str
    number: Measured


def rows_html(
    groups: Sequence[tuple[str, Sequence[Row]]],
    *,
    axis: str,
    reference: float,
    reference_text: str,
    ends: tuple[float, float] | None = None,
) -> str:
    """Groups of rows on one common axis, which always holds ``reference``.

    Args:
        groups: a heading and its rows, first on top.
        axis: what the axis shows.
        reference, reference_text: where the dashed line stands, and its name.
        ends: what the axis holds as well, such as the ``row_ends`` of rows beside these.
    """
    low, high = row_ends(groups, reference)
    if ends is not None:
        low, high = min(low, ends[0]), max(high, ends[1])
    pad = _PAD * (high - low) or _PAD
    low, high = low - pad, high + pad

    def share(value: float) -> float:
        return 100.0 * (value - low) / (high - low)

    line = f"--at:{share(reference):.2f}%"
    parts = []
    for heading, rows in groups:
        parts.append(f"<h4>{escape(heading)}</h4>")
        parts += [_row(row, share) for row in rows]
    return (
        f'{_STYLE}<div class="ldviz-rows" role="group" aria-label="{escape(axis)}" '
        f'style="{line}">{"".join(parts)}'
        f'<div class="axis"><span></span><span class="track"><u>{escape(reference_text)}</u></span>'
        f"<span>{escape(axis)}</span></div></div>"
    )


def row_ends(groups: Sequence[tuple[str, Sequence[Row]]], reference: float) -> tuple[float, float]:
    """The least and the greatest value or interval end among rows and the reference."""
    ends = [reference]
    for _, rows in groups:
        for row in rows:
            if row.number.value is not None:
                ends += [row.number.value, *(row.number.ci95 or ())]
    return min(ends), max(ends)


def show_rows(
    groups: Sequence[tuple[str, Sequence[Row]]],
    *,
    axis: str,
    reference: float,
    reference_text: str,
    ends: tuple[float, float] | None = None,
) -> None:
    """Draw groups of rows on one axis."""
    st.html(
        rows_html(groups, axis=axis, reference=reference, reference_text=reference_text, ends=ends)
    )


def _row(row: Row, share: Callable[[float], float]) -> str:
    number = row.number
    if number.value is None:
        drawn, text = "", NOT_AVAILABLE
    else:
        start, end = (share(value) for value in number.ci95 or (number.value, number.value))
        hollow = " paper" if number.source == "paper" else ""
        drawn = (
            f'<i style="left:{start:.2f}%;width:{end - start:.2f}%"></i>'
            f'<b class="dot{hollow}" style="left:{share(number.value):.2f}%"></b>'
        )
        text = bracketed_text(number)
    return (
        f'<div class="row" style="--ink:{escape(row.colour)}" '
        f'title="{escape(sample_text(number) or number.note)}">'
        f'<span>{escape(row.title)}</span><span class="track">{drawn}</span>'
        f"<span>{text}</span></div>"
    )


_STYLE = """<style>
.ldviz-rows { display: grid; row-gap: 2px; font-size: 14px; line-height: 1.3;
  font-variant-numeric: tabular-nums; }
.ldviz-rows h4 { margin: 10px 0 2px; padding: 0; font-size: 14px; font-weight: 600; }
.ldviz-rows .row, .ldviz-rows .axis { display: grid; align-items: center; column-gap: 14px;
  grid-template-columns: minmax(104px, 26%) 1fr minmax(138px, auto); min-height: 30px; }
.ldviz-rows .axis { font-size: 13px; color: color-mix(in srgb, currentColor 72%, transparent); }
.ldviz-rows .track { position: relative; align-self: stretch; border-left: 1px dashed transparent;
  background: linear-gradient(color-mix(in srgb, currentColor 45%, transparent) 50%,
    transparent 50%) var(--at) 0 / 1px 6px repeat-y; }
.ldviz-rows .axis .track { background: none; }
.ldviz-rows .track u { position: absolute; left: var(--at); top: 4px; text-decoration: none;
  white-space: nowrap; }
.ldviz-rows .track i { position: absolute; top: calc(50% - 1.5px); height: 3px;
  background: var(--ink);
  box-shadow: 0 0 0 0.5px color-mix(in srgb, currentColor 45%, transparent); }
.ldviz-rows .dot { position: absolute; top: calc(50% - 6px); width: 12px; height: 12px;
  margin-left: -6px; border-radius: 50%; background: var(--ink);
  box-shadow: 0 0 0 1px color-mix(in srgb, currentColor 45%, transparent); }
.ldviz-rows .dot.paper { background: transparent; border: 2px solid var(--ink); }
@media (max-width: 640px) {
  .ldviz-rows .row, .ldviz-rows .axis { grid-template-columns: 88px 1fr; }
  .ldviz-rows .track { grid-column: 2; min-height: 26px; }
  .ldviz-rows .row span:last-child, .ldviz-rows .axis span:last-child { grid-column: 2;
    padding-bottom: 6px; }
}
</style>"""
