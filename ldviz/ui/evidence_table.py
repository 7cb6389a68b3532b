"""The paper's Tables 1 and 2 of this study: attack, mask, three metrics, every interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from ldviz.attacks import get_attack
from ldviz.figures.theme import MASK_COLOURS, MASK_TITLES
from ldviz.metrics.intervals import MetricTable
from ldviz.metrics.measured import Measured
from ldviz.study.evidence import Timestep
from ldviz.study.evidence_attacks import TABLE_KINDS, clear_winner
from ldviz.ui.evidence import METRIC_TITLES
from ldviz.ui.exports import measured_row
from ldviz.ui.numbers import interval_text, sample_text, value_text


@dataclass(frozen=True)
class AttackBlock:
    """One attack's rows.

    Attributes:
        name: of the attack.
        timestep: where it is scored.
        table: the masks' metrics and their paired differences.
    """

    name: str
    timestep: Timestep
    table: MetricTable

    @property
    def title(self) -> str:
        return get_attack(self.name).title


def show_table(blocks: list[AttackBlock]) -> None:
    """Draw the table; it scrolls sideways where the screen is narrow."""
    st.html(table_html(blocks))


def table_html(blocks: list[AttackBlock]) -> str:
    """The table; the clear winner of each attack and metric is bold."""
    heads = "".join(f'<th scope="col">{title}</th>' for title in METRIC_TITLES.values())
    bodies = []
    for block in blocks:
        winners = {key: clear_winner(block.table, key) for key in METRIC_TITLES}
        at = "" if block.timestep is None else f"<small>t = {block.timestep}</small>"
        name = f'<th scope="rowgroup" rowspan="{len(TABLE_KINDS)}">{escape(block.title)}{at}</th>'
        rows = []
        for index, kind in enumerate(TABLE_KINDS):
            cells = "".join(
                _cell(block.table.metrics[kind][key], bold=winners[key] == kind)
                for key in METRIC_TITLES
            )
            mark = f'<i style="background:{MASK_COLOURS[kind]}"></i>'
            mask = f'<th scope="row">{mark}{escape(MASK_TITLES[kind])}</th>'
            rows.append(f"<tr>{name if not index else ''}{mask}{cells}</tr>")
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    return (
        f'<div class="ldviz-table">{TABLE_STYLE}<table><thead><tr><th scope="col">Attack</th>'
        f'<th scope="col">Mask</th>{heads}</tr></thead>{"".join(bodies)}</table></div>'
    )


def table_rows(blocks: list[AttackBlock], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Flat rows: every number and every paired difference, with the settings beside it."""
    rows = []
    for block in blocks:
        named = {kind: block.table.metrics[kind] for kind in TABLE_KINDS}
        named |= {f"{a}_minus_{b}": value for (a, b), value in block.table.differences.items()}
        for quantity, metrics in named.items():
            rows += [
                {
                    "attack": block.name,
                    "timestep": block.timestep,
                    "quantity": quantity,
                    "metric": key,
                }
                | measured_row(metrics[key])
                | dict(settings)
                for key in METRIC_TITLES
            ]
    return rows


def table_latex(blocks: list[AttackBlock], note: str) -> str:
    """The table in LaTeX, in percent as the paper prints it; needs booktabs.

    Args:
        blocks: the rows.
        note: a comment above the table: data, counts, settings.
    """
    lines = [
        f"% {note.replace(' %', '%')}",
        r"% Bold: better than both other masks, paired 95\% intervals excluding zero.",
        r"\begin{tabular}{llrccc}",
        r"\toprule",
        r"Attack & Mask & $t$ & AUC & ASR & TPR@1\%FPR \\",
    ]
    for block in blocks:
        lines.append(r"\midrule")
        winners = {key: clear_winner(block.table, key) for key in METRIC_TITLES}
        shown = "--" if block.timestep is None else str(block.timestep)
        for kind in TABLE_KINDS:
            cells = [
                latex_cell(block.table.metrics[kind][key], bold=winners[key] == kind)
                for key in METRIC_TITLES
            ]
            lines.append(" & ".join([block.title, kind, shown, *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _cell(number: Measured, *, bold: bool) -> str:
    value = value_text(number.value)
    shown = f"<b>{value}</b>" if bold else value
    interval = interval_text(number)
    small = f"<small>{interval}</small>" if interval else ""
    hover = ". ".join(text for text in (sample_text(number), number.note) if text)
    return f'<td title="{escape(hover)}">{shown}{small}</td>'


def latex_cell(number: Measured, *, bold: bool) -> str:
    """A number in percent with its interval beside it."""
    if number.value is None:
        return "n/a"
    value = f"{100 * number.value:.2f}"
    text = rf"\textbf{{{value}}}" if bold else value
    if number.ci95 is None:
        return text
    low, high = (100 * end for end in number.ci95)
    return rf"{text} {{\scriptsize [{low:.1f}, {high:.1f}]}}"


TABLE_STYLE = """<style>
.ldviz-table { overflow-x: auto; container-type: inline-size; font-size: 14px; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
.ldviz-table table { width: 100%; border-collapse: collapse; }
.ldviz-table th, .ldviz-table td { padding: 6px 14px 6px 0; text-align: left;
  vertical-align: top; font-weight: 400; border: 0; white-space: nowrap; }
.ldviz-table thead th { font-size: 13px; font-weight: 600;
  border-bottom: 2px solid color-mix(in srgb, currentColor 40%, transparent); }
.ldviz-table tbody tr:first-child > * { padding-top: 10px; }
.ldviz-table tbody + tbody tr:first-child > * {
  border-top: 1px solid color-mix(in srgb, currentColor 22%, transparent); }
.ldviz-table tbody th[scope="rowgroup"] { font-weight: 600; }
.ldviz-table small { display: block; font-size: 12px; font-weight: 400;
  color: color-mix(in srgb, currentColor 70%, transparent); }
.ldviz-table td { font-size: 15px; }
.ldviz-table td b { font-weight: 700; }
.ldviz-table i { display: inline-block; width: 10px; height: 10px; margin-right: 7px;
  border-radius: 50%; }
@container (max-width: 560px) {
  .ldviz-table th, .ldviz-table td { padding-right: 8px; }
  .ldviz-table tbody th[scope="row"] { white-space: normal; padding-left: 17px; }
  .ldviz-table tbody th[scope="row"] i { margin-left: -17px; }
}
@container (max-width: 410px) {
  .ldviz-table { font-size: 13px; }
  .ldviz-table td small { white-space: normal; min-width: 52px; }
}
</style>"""
