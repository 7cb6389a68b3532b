"""Findings for a terminal: the sentences, then every number behind them."""

from __future__ import annotations

from ldviz.metrics.measured import Measured
from ldviz.study.findings import AttackFindings, StudyFindings
from ldviz.study.findings_set import Findings
from ldviz.study.findings_words import (
    beta_sentence,
    complexity_sentence,
    mask_sentence,
    number_text,
    quartile_sentence,
    reasons,
    timestep_text,
)


def findings_text(findings: Findings) -> str:
    """All findings; AUC throughout, other metrics are in the JSON."""
    count = len(findings.studies)
    lines = [
        f"Findings of {count} {'study' if count == 1 else 'studies'}. AUC with 95 % intervals, "
        f"{findings.num_resamples:,} resamples, seed {findings.seed}; computed here, not the "
        "paper's.",
    ]
    for name, reason in findings.failures.items():
        lines += ["", f"{name} is left out: {reason}"]
    for one in findings.studies.values():
        lines += ["", *_study_lines(one)]
    for rows in findings.beta:
        names = ", ".join(f"{row.study} ({row.kl_weight:g})" for row in rows)
        lines += ["", f"How it changes with beta: {names}", f"  {beta_sentence(rows)}"]
        for row in rows:
            numbers = [
                number_text(row.masks["none"]["auc"]),
                number_text(row.quartile_step, signed=True),
                number_text(row.differences["influence_minus_none"]["auc"], signed=True),
                number_text(row.differences["influence_minus_random"]["auc"], signed=True),
            ]
            lines.append(
                f"  beta {row.kl_weight:<7g}{timestep_text(row.timestep):<9}"
                + _cells(["AUC", "Q4 − Q1", "influence − none", "influence − random"], numbers)
            )
    return "\n".join(lines)


def _study_lines(one: StudyFindings) -> list[str]:
    beta = "" if one.kl_weight is None else f"; beta {one.kl_weight:g}"
    lines = [
        f"{one.title} ({one.name}): {one.n_member:,} members, {one.n_held_out:,} held-out; "
        f"{one.num_dropped} of {one.latent_dim} dimensions dropped; distortion of rank "
        f"{one.rank}{beta}",
    ]
    leading = one.attacks.get(one.default_attack)
    if leading is not None:
        lines.append(f"  Do higher-distortion quarters leak more? {quartile_sentence(leading)}")
        lines.append(f"  What does dropping the lowest 40 % do? {mask_sentence(leading)}")
        lines += [f"  {reason}" for reason in reasons(one, leading)]
    lines += [f"  {complexity_sentence(name, number)}" for name, number in one.complexity.items()]
    if one.further is not None:
        lines.append(_further_line(one))
    for attack in one.attacks.values():
        lines += _attack_lines(attack)
    return lines


def _further_line(one: StudyFindings) -> str:
    further = one.further
    held_out = further.masks["none"]["auc"].n_held_out
    numbers = "; ".join(
        f"{kind} {number_text(further.masks[kind]['tpr_at_0_1pct_fpr'])}"
        for kind in ("none", "influence", "random")
    )
    return f"  TPR at 0.1 % FPR against {held_out:,} held-out images: {numbers}"


def _attack_lines(attack: AttackFindings) -> list[str]:
    lines = []
    for index, timestep in enumerate(attack.timesteps):
        quarters = [number_text(quarter[index]) for quarter in attack.quartiles]
        none = attack.masks["none"]["auc"][index]
        changes: dict[str, Measured] = {
            pair: numbers["auc"][index] for pair, numbers in attack.differences.items()
        }
        mark = "  (best)" if index == attack.best and len(attack.timesteps) > 1 else ""
        lines.append(f"  {attack.title}, {timestep_text(timestep)}{mark}")
        lines.append(
            "    "
            + _cells(
                ["no mask", "Q1", "Q2", "Q3", "Q4", "Q4 − Q1"],
                [
                    number_text(none),
                    *quarters,
                    number_text(attack.quartile_step[index], signed=True),
                ],
            )
        )
        lines.append(
            "    "
            + _cells(
                [pair.replace("_minus_", " − ") for pair in changes],
                [number_text(number, signed=True) for number in changes.values()],
            )
        )
    return lines


def _cells(titles: list[str], numbers: list[str]) -> str:
    return "   ".join(f"{title} {number}" for title, number in zip(titles, numbers, strict=True))
