"""How a number is shown, wherever it is shown: value, interval, counts, seed, and whose it is.

A number computed here stands upright with a solid edge; one quoted from the paper leans, with
a dashed edge and the word "paper" beside it, so the two are told apart without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from ldviz.metrics.measured import Measured

NOT_AVAILABLE = "not available"


@dataclass(frozen=True)
class Tile:
    """One number in a row of tiles.

    Attributes:
        label: what it is, in a few words.
        number: the number.
        signed: whether it is a difference, shown with its sign.
        colour: CSS colour of the mark beside the label; empty for none.
        detail: one line below; empty for none.
    """

    label: str
    number: Measured
    signed: bool = False
    colour: str = ""
    detail: str = ""


def value_text(value: float | None, *, signed: bool = False, digits: int = 3) -> str:
    """A share or a difference of shares: "0.853", "+0.023", "not available"."""
    if value is None or value != value:
        return NOT_AVAILABLE
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if signed and not float(text):
        text = text[1:]
    return text.replace("-", "−")


def interval_text(number: Measured, *, signed: bool = False, digits: int = 3) -> str:
    """The 95 % interval: "0.836 to 0.870"; empty where there is none."""
    if number.value is None or number.ci95 is None:
        return ""
    digits = number.decimals(digits)
    low, high = (value_text(end, signed=signed, digits=digits) for end in number.ci95)
    return f"{low} to {high}"


def measured_text(number: Measured, *, signed: bool = False, digits: int = 3) -> str:
    """Value and interval in running text: "0.853 (95 % interval 0.836 to 0.870)"."""
    value = value_text(number.value, signed=signed, digits=number.decimals(digits))
    interval = interval_text(number, signed=signed, digits=digits)
    inside = [f"95 % interval {interval}"] if interval else []
    if number.source == "paper":
        inside.insert(0, "from the paper")
    return f"{value} ({', '.join(inside)})" if inside else value


def bracketed_text(number: Measured, *, signed: bool = False, digits: int = 3) -> str:
    """Value and interval where the page says what brackets are: "0.853 [0.836, 0.870]"."""
    digits = number.decimals(digits)
    value = value_text(number.value, signed=signed, digits=digits)
    if number.value is None or number.ci95 is None:
        return value
    low, high = (value_text(end, signed=signed, digits=digits) for end in number.ci95)
    return f"{value} [{low}, {high}]"


def sample_text(number: Measured) -> str:
    """What a number rests on: "898 members, 899 held-out; 2,000 resamples, seed 0"."""
    parts = []
    if number.n_member is not None and number.n_held_out is not None:
        parts.append(f"{number.n_member:,} members, {number.n_held_out:,} held-out")
    if number.num_resamples:
        parts.append(f"{number.num_resamples:,} resamples, seed {number.seed}")
    return "; ".join(parts)


def tiles_html(tiles: Sequence[Tile], *, digits: int = 3) -> str:
    """A row of numbers that wraps on narrow screens; colours follow the page's theme."""
    return (
        f'<div class="ldviz-tiles">{_STYLE}{"".join(_tile(tile, digits) for tile in tiles)}</div>'
    )


def show_tiles(tiles: Sequence[Tile], *, digits: int = 3) -> None:
    """Draw a row of numbers."""
    st.html(tiles_html(tiles, digits=digits))


def _tile(tile: Tile, digits: int) -> str:
    number = tile.number
    digits = number.decimals(digits)
    value = value_text(number.value, signed=tile.signed, digits=digits)
    interval = interval_text(number, signed=tile.signed, digits=digits)
    from_paper = number.source == "paper"
    lines = [f"95 % {interval}"] if interval else []
    lines += [text for text in (tile.detail, number.note) if text]
    mark = f'<i style="background:{escape(tile.colour)}"></i>' if tile.colour else ""
    origin = '<em title="Quoted from the paper, not computed here">paper</em>' if from_paper else ""
    kind = "paper" if from_paper else "computed"
    missing = " missing" if value == NOT_AVAILABLE else ""
    return (
        f'<div class="ldviz-tile {kind}" title="{escape(sample_text(number))}">'
        f"<span>{mark}{escape(tile.label)}{origin}</span>"
        f'<b class="value{missing}">{value}</b>'
        f"{''.join(f'<small>{escape(line)}</small>' for line in lines)}</div>"
    )


_STYLE = """<style>
.ldviz-tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(158px, 1fr));
  gap: 12px; font-variant-numeric: tabular-nums; }
.ldviz-tile { display: flex; flex-direction: column; gap: 2px; padding: 12px 14px;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-radius: 8px; }
.ldviz-tile span { display: flex; align-items: center; gap: 7px; font-size: 14px;
  line-height: 1.3; color: color-mix(in srgb, currentColor 78%, transparent); }
.ldviz-tile i { flex: none; width: 10px; height: 10px; border-radius: 50%; }
.ldviz-tile em { margin-left: auto; padding: 0 6px; font-size: 12px;
  border: 1px dashed currentColor; border-radius: 4px; }
.ldviz-tile .value { font-size: 28px; font-weight: 600; line-height: 1.25; }
.ldviz-tile .value.missing { font-size: 18px; font-weight: 400; line-height: 1.95; }
.ldviz-tile small { font-size: 13px; line-height: 1.4;
  color: color-mix(in srgb, currentColor 72%, transparent); }
.ldviz-tile.paper { border-style: dashed; }
.ldviz-tile.paper .value { font-style: italic; font-weight: 400; }
</style>"""
