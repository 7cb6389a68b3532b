"""A report as text, CSV and LaTeX: the same numbers in other clothes."""

from __future__ import annotations

import csv
import io
from typing import Any

METRICS = {
    "auc": "AUC",
    "asr": "ASR",
    "tpr_at_1pct_fpr": "TPR@1%FPR",
}
MASK_TITLES = {
    "none": "no mask",
    "influence": "lowest influence dropped",
    "random": "random dropped",
    "highest": "highest influence dropped",
}
_LATEX_MASKS = ("random", "none", "influence", "highest")


def report_rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """One flat row per attack, timestep, column and metric."""
    rows = []
    for attack, table in report["attacks"].items():
        for column, metrics in table.items():
            if column == "timesteps":
                continue
            for key in METRICS:
                for index, timestep in enumerate(table["timesteps"]):
                    interval = metrics[f"{key}_ci95"][index] or (None, None)
                    rows.append(
                        {
                            "study": report["study"],
                            "attack": attack,
                            "timestep": timestep,
                            "quantity": column,
                            "metric": key,
                            "value": metrics[key][index],
                            "ci95_low": interval[0],
                            "ci95_high": interval[1],
                            "drop_fraction": report["drop_fraction"],
                            "n_member": report["n_member"],
                            "n_held_out": report["n_held_out"],
                            "positive": report["positive"],
                            "seed": report["seed"],
                            "num_resamples": report["num_resamples"],
                        }
                    )
    return rows


def report_csv(report: dict[str, Any]) -> str:
    """The report as comma-separated values, one number a line."""
    rows = report_rows(report)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def report_text(report: dict[str, Any]) -> str:
    """The report for a terminal."""
    lines = [
        f"{report['study']}: {report['n_member']} members, {report['n_held_out']} held-out; "
        f"d = {report['latent_dim']}, {report['num_dropped']} dimensions dropped "
        f"({report['drop_fraction']:.0%}); positive class: {report['positive']}; "
        f"95% bootstrap intervals, {report['num_resamples']} resamples, seed {report['seed']}.",
    ]
    for attack, table in report["attacks"].items():
        for index, timestep in enumerate(table["timesteps"]):
            lines.append("")
            lines.append(attack if timestep is None else f"{attack}, t = {timestep}")
            for column, metrics in table.items():
                if column == "timesteps":
                    continue
                title = MASK_TITLES.get(column, column.replace("_minus_", " − "))
                cells = [
                    f"{label} {_cell(metrics, key, index, signed='_minus_' in column)}"
                    for key, label in METRICS.items()
                ]
                lines.append(f"  {title:<26} " + "   ".join(cells))
    return "\n".join(lines)


def report_latex(report: dict[str, Any]) -> str:
    """The report as a LaTeX table in the form of the paper's Tables 1 and 2, in percent.

    A cell is bold only where its mask beats the two others of the paper's table, by
    paired intervals that exclude zero.
    """
    lines = [
        r"\begin{tabular}{llrccc}",
        r"\toprule",
        r"Attack & Mask & $t$ & AUC & ASR & TPR@1\%FPR \\",
        r"\midrule",
    ]
    for attack, table in report["attacks"].items():
        for index, timestep in enumerate(table["timesteps"]):
            masks = [mask for mask in _LATEX_MASKS if mask in table]
            rivals = [mask for mask in masks if mask != "highest"]
            winners = {key: _clear_winner(table, rivals, key, index) for key in METRICS}
            for mask in masks:
                cells = [
                    _latex_cell(table, mask, key, index, bold=winners[key] == mask)
                    for key in METRICS
                ]
                shown = "--" if timestep is None else timestep
                lines.append(f"{attack} & {mask} & {shown} & " + " & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    note = (
        f"% {report['study']}: {report['n_member']} members, {report['n_held_out']} held-out, "
        f"positive class {report['positive']}, drop fraction {report['drop_fraction']}, "
        f"95% intervals from {report['num_resamples']} resamples, seed {report['seed']}."
    )
    return "\n".join([note, *lines])


def _cell(metrics: dict[str, Any], key: str, index: int, *, signed: bool) -> str:
    """A value with its interval, "not available" where there is none."""
    value, interval = metrics[key][index], metrics[f"{key}_ci95"][index]
    if value is None:
        return "not available"
    form = "+.3f" if signed else ".3f"
    if interval is None:
        return f"{value:{form}}"
    return f"{value:{form}} [{interval[0]:{form}}, {interval[1]:{form}}]"


def _clear_winner(table: dict[str, Any], masks: list[str], key: str, index: int) -> str | None:
    """The mask that beats all others by intervals that exclude zero, if any."""

    def beats(a: str, b: str) -> bool:
        for name, sign in ((f"{a}_minus_{b}", 1), (f"{b}_minus_{a}", -1)):
            interval = table.get(name, {}).get(f"{key}_ci95", {index: None})[index]
            if interval is not None:
                return min(sign * interval[0], sign * interval[1]) > 0
        return False

    for mask in masks:
        others = [other for other in masks if other != mask]
        if others and all(beats(mask, other) for other in others):
            return mask
    return None


def _latex_cell(table: dict[str, Any], mask: str, key: str, index: int, *, bold: bool) -> str:
    value, interval = table[mask][key][index], table[mask][f"{key}_ci95"][index]
    if value is None:
        return "n/a"
    text = f"{100 * value:.2f}"
    if bold:
        text = rf"\textbf{{{text}}}"
    if interval is None:
        return text
    return f"{text} {{\\scriptsize [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]}}"
