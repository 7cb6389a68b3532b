"""The answers at a glance: studies in rows, questions in columns, the paper's rows below."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from ldviz.metrics.measured import Measured
from ldviz.metrics.paper import SIMA_TABLE
from ldviz.study.findings import StudyFindings
from ldviz.study.findings_set import Findings
from ldviz.study.findings_words import digits_text, timestep_text
from ldviz.ui.findings import METRIC_TITLES, best_number

_COLUMNS = (
    ("No mask", "of the attack, at its best timestep"),
    ("Highest − lowest quarter", "of local distortion; AUC"),
    ("Lowest 40 % − none", "influence mask against no mask"),
    ("Lowest − random 40 %", "influence mask against a random one"),
    ("Random 40 % − none", "random mask against no mask"),
    ("Highest 40 % − none", "reversed mask against no mask"),
)
_PAIRS = (
    "influence_minus_none",
    "influence_minus_random",
    "random_minus_none",
    "highest_minus_none",
)


def show_answers(findings: Findings, attack: str, metric: str) -> None:
    """Draw the table for one attack and metric."""
    rows = [_row(one, attack, metric) for one in findings.studies.values() if attack in one.attacks]
    paper = [_paper_row(data, metric) for data in SIMA_TABLE] if attack == "sima" else []
    head = "".join(
        f"<th scope='col'>{escape(title)}<small>{escape(detail)}</small></th>"
        for title, detail in _COLUMNS
    )
    st.html(
        f"<div class='ldviz-answers' tabindex='0' role='region' aria-label='Answers'>{_STYLE}"
        f"<table><thead><tr><th scope='col'>{escape(METRIC_TITLES[metric])}</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody>"
        f"{_paper_body(paper)}</table></div>"
    )


def _row(one: StudyFindings, attack: str, metric: str) -> str:
    found = one.attacks[attack]
    at = found.best
    cells = [
        _cell(found.masks["none"][metric][at], detail=timestep_text(found.timesteps[at])),
        _cell(found.quartile_step[at], signed=True),
        *(_cell(best_number(found, pair, metric), signed=True) for pair in _PAIRS),
    ]
    beta = "" if one.kl_weight is None else f"β = {one.kl_weight:g}; "
    return (
        f"<tr><th scope='row'>{escape(one.title)}<small>{beta}{one.n_member:,} members, "
        f"{one.n_held_out:,} held-out</small></th>{''.join(cells)}</tr>"
    )


def _cell(number: Measured, *, signed: bool = False, detail: str = "") -> str:
    """Value and interval; differences that exclude zero are marked in words and colour."""
    if number.value is None:
        return f"<td class='none'>not available<small>{escape(number.note)}</small></td>"
    digits = number.decimals()
    ends = [digits_text(end, signed=signed, digits=digits) for end in number.ci95 or ()]
    interval = " to ".join(ends)
    verdict = ""
    kind = ""
    if signed:
        kind = "up" if number.value > 0 else "down"
        verdict = {"up": "more", "down": "less"}[kind]
        if not number.excludes_zero:
            kind, verdict = "unclear", "not shown"
        verdict = f"<em>{verdict}</em>"
    lines = "".join(f"<small>{escape(text)}</small>" for text in (interval, detail) if text)
    value = digits_text(number.value, signed=signed, digits=digits)
    return f"<td class='{kind}'><b>{value}</b>{lines}{verdict}</td>"


def _paper_row(data: str, metric: str) -> str:
    masks = {mask: numbers[metric] for mask, numbers in SIMA_TABLE[data].items()}
    none = masks["none"].value

    def gap(a: float | None, b: float | None) -> str:
        if a is None or b is None:
            return "<td class='none'>not given</td>"
        return f"<td><b>{digits_text(a - b, signed=True)}</b></td>"

    quarters = "in order (Fig. 3)" if data != "CelebA 64²" else "nearly equal (Fig. 3)"
    if data.split()[0] not in ("CIFAR-10", "CelebA", "ImageNet"):
        quarters = "not given"
    return (
        f"<tr><th scope='row'>{escape(data)}</th><td><b>{digits_text(none)}</b></td>"
        f"<td class='none'>{quarters}</td>{gap(masks['influence'].value, none)}"
        f"{gap(masks['influence'].value, masks['random'].value)}"
        f"{gap(masks['random'].value, none)}<td class='none'>not given</td></tr>"
    )


def _paper_body(rows: Sequence[str]) -> str:
    if not rows:
        return ""
    columns = len(_COLUMNS) + 1
    return (
        f"<tbody class='paper'><tr><td colspan='{columns}'><em>paper</em> The paper's own numbers "
        "for SimA, quoted: other data, models of up to 2,048 epochs, no intervals given.</td></tr>"
        f"{''.join(rows)}</tbody>"
    )


_STYLE = """<style>
.ldviz-answers { overflow-x: auto; font-size: 14px; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
.ldviz-answers table { border-collapse: collapse; width: 100%; min-width: 860px; }
.ldviz-answers th, .ldviz-answers td { text-align: left; vertical-align: top;
  padding: 8px 12px 8px 10px;
  font-weight: 400; border: 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.ldviz-answers thead th, .ldviz-answers th[scope=row] { font-weight: 600; }
.ldviz-answers th[scope=row] { min-width: 150px; position: sticky; left: 0; z-index: 1;
  background: var(--st-background-color); }
.ldviz-answers thead th:first-child { position: sticky; left: 0; z-index: 1;
  background: var(--st-background-color); }
.ldviz-answers small { display: block; font-size: 12.5px; font-weight: 400;
  color: color-mix(in srgb, currentColor 70%, transparent); }
.ldviz-answers td b { font-size: 16px; font-weight: 600; }
.ldviz-answers td em { font-style: normal; font-size: 12px; padding: 0 6px; margin-top: 3px;
  white-space: nowrap; display: inline-block;
  border-radius: 4px; border: 1px solid color-mix(in srgb, currentColor 30%, transparent); }
.ldviz-answers td.up em { background: #009E73; border-color: #009E73; color: #fff; }
.ldviz-answers td.down em { background: #B34E00; border-color: #B34E00; color: #fff; }
.ldviz-answers td.none { color: color-mix(in srgb, currentColor 62%, transparent); }
.ldviz-answers .paper td, .ldviz-answers .paper th { font-style: italic; font-weight: 400;
  border-bottom-style: dashed; }
.ldviz-answers .paper td b { font-weight: 400; }
.ldviz-answers .paper em { font-style: normal; margin: 0 6px 0 0; border: 1px dashed currentColor; }
</style>"""
