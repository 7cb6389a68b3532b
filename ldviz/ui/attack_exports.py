"""What leaves the Attack page: the lab's numbers at the moment of saving, and the named masks'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import plotly.graph_objects as go

from ldviz.attacks.masks import MaskSpec
from ldviz.figures.theme import MASK_TITLES
from ldviz.metrics.intervals import MetricTable
from ldviz.study.store import Study
from ldviz.ui.attack_lab import LabNow, LabSource, lab_numbers
from ldviz.ui.evidence_table import latex_cell
from ldviz.ui.exports import ExportTable, PageExport, measured_row, show_exports
from ldviz.ui.named_masks import NamedShown
from ldviz.ui.named_masks_table import METRICS
from ldviz.view import View


def show_attack_exports(source: LabSource, now: LabNow, named: NamedShown | None) -> None:
    """Draw the page's export button.

    Args:
        source: what the lab's curves are computed from.
        now: the lab's present view.
        named: the masks side by side, if any.
    """
    lab = ExportTable(
        "Lab",
        lambda: lab_rows(source, now.view),
        lambda: masks_latex(lab_numbers(source, now.view), MASK_TITLES, note_of(source, now.view)),
    )
    tables, figures = [lab], dict[str, go.Figure]()
    if named is not None:
        figures["Masks side by side"] = named.figure
        tables.append(ExportTable("Named masks", named.rows, _named_latex(source, now, named)))
    export = PageExport(page="attack", figures=figures, tables=tables)
    show_exports(source.study, export, view_at=lambda: now.view)


def lab_rows(source: LabSource, view: View) -> list[dict[str, Any]]:
    """Every number of the lab and every paired difference as flat rows."""
    table = lab_numbers(source, view)
    quantities = [(kind, "", numbers) for kind, numbers in table.metrics.items()]
    quantities += [(a, b, numbers) for (a, b), numbers in table.differences.items()]
    return [
        {
            "attack": source.attack,
            "timestep": source.timestep,
            "mask": a,
            "minus": b,
            "mask_text": _mask_of(view, a).to_text(),
            "positive": view.positive,
            "metric": key,
        }
        | measured_row(numbers[key])
        for a, b, numbers in quantities
        for key in METRICS
    ]


def masks_latex(table: MetricTable, titles: Mapping[str, str], note: str) -> str:
    """Masks, then their paired differences, in percent; needs booktabs.

    Args:
        table: the numbers.
        titles: name to what is printed.
        note: a comment above the table.
    """
    heads = " & ".join(_escaped(title) for title in METRICS.values())
    lines = [
        f"% {note}",
        r"% Bold: the paired 95\% interval of the difference excludes zero.",
        rf"\begin{{tabular}}{{l{'c' * len(METRICS)}}}",
        r"\toprule",
        rf"Mask & {heads} \\",
        r"\midrule",
    ]
    for name, numbers in table.metrics.items():
        cells = [latex_cell(numbers[key], bold=False) for key in METRICS]
        lines.append(" & ".join([_escaped(titles[name]), *cells]) + r" \\")
    lines.append(r"\midrule")
    for (a, b), numbers in table.differences.items():
        cells = [latex_cell(numbers[key], bold=numbers[key].excludes_zero) for key in METRICS]
        lines.append(" & ".join([_escaped(f"{titles[a]} − {titles[b]}"), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def note_of(source: LabSource, view: View) -> str:
    """Data, counts and settings in one line."""
    study: Study = source.study
    return (
        f"{study.name}, {source.title}: {study.manifest.n_member} members, "
        f"{study.manifest.n_held_out} held-out; mask {view.mask.to_text()}; positive class "
        f"{view.positive}; percent, 95 percent intervals"
    )


def _named_latex(source: LabSource, now: LabNow, named: NamedShown) -> Callable[[], str]:
    titles = {name: name for name in named.table.metrics}
    return lambda: masks_latex(named.table, titles, note_of(source, now.view))


def _mask_of(view: View, kind: str) -> MaskSpec:
    """The mask behind one of the lab's curves."""
    return MaskSpec(kind="none") if kind == "none" else view.mask.model_copy(update={"kind": kind})


def _escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    for character in "%_&#$":
        text = text.replace(character, "\\" + character)
    return text.replace("−", "$-$")
