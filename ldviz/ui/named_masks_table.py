"""The numbers of masks side by side, and every paired difference between them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from ldviz.figures.theme import COMPARED_COLOURS, NEUTRAL
from ldviz.metrics.intervals import MetricTable
from ldviz.metrics.measured import Measured
from ldviz.study.evidence_named import UNMASKED
from ldviz.ui.evidence_table import TABLE_STYLE
from ldviz.ui.numbers import interval_text, value_text

METRICS = {
    "auc": "AUC",
    "asr": "ASR",
    "tpr_at_10pct_fpr": "TPR@10%FPR",
    "tpr_at_1pct_fpr": "TPR@1%FPR",
    "tpr_at_0_1pct_fpr": "TPR@0.1%FPR",
}


def masks_html(table: MetricTable, words: Mapping[str, str]) -> str:
    """One row per mask; ``words`` says what each drops.  Scrolls sideways on narrow screens."""
    colours = dict(zip(words, COMPARED_COLOURS, strict=False)) | {UNMASKED: NEUTRAL}
    heads = {
        name: f'<i style="background:{colours[name]}"></i>{escape(name)}'
        f"<small>{escape(words.get(name, 'all dimensions kept'))}</small>"
        for name in table.metrics
    }
    rows = [(heads[name], numbers) for name, numbers in table.metrics.items()]
    return _table("Mask", rows, signed=False)


def differences_html(table: MetricTable) -> str:
    """One row per pair; bold where the paired interval excludes zero."""
    rows = [(f"{escape(a)} − {escape(b)}", row) for (a, b), row in table.differences.items()]
    return _table("Paired difference", rows, signed=True)


def unavailable(table: MetricTable) -> list[str]:
    """Metrics that no mask has a value of, by key: their columns are left out."""
    return [
        key
        for key in METRICS
        if all(numbers[key].value is None for numbers in table.metrics.values())
    ]


def _table(first: str, rows: list[tuple[str, Mapping[str, Measured]]], *, signed: bool) -> str:
    keys = [key for key in METRICS if any(row[key].value is not None for _, row in rows)]
    titles = "".join(f'<th scope="col">{METRICS[key]}</th>' for key in keys)
    body = "".join(_row(head, numbers, keys, signed=signed) for head, numbers in rows)
    return (
        f'<div class="ldviz-table named">{TABLE_STYLE}{_STYLE}<table><thead><tr>'
        f'<th scope="col">{first}</th>{titles}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row(head: str, numbers: Mapping[str, Measured], keys: list[str], *, signed: bool) -> str:
    cells = "".join(_cell(numbers[key], signed=signed) for key in keys)
    return f'<tr><th scope="row">{head}</th>{cells}</tr>'


def _cell(number: Measured, *, signed: bool) -> str:
    digits = number.decimals()
    value = value_text(number.value, signed=signed, digits=digits)
    shown = f"<b>{value}</b>" if signed and number.excludes_zero else value
    interval = interval_text(number, signed=signed)
    small = f"<small>{interval}</small>" if interval else ""
    return f'<td title="{escape(number.note)}">{shown}{small}</td>'


_STYLE = """<style>
.ldviz-table.named th[scope="row"] { white-space: normal; min-width: 110px; max-width: 260px; }
.ldviz-table.named td { font-size: 14px; padding-right: 10px; }
</style>"""
