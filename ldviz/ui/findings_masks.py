"""What does dropping the least-influential 40 % do, at each timestep, against what?"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.auc_timestep import TimestepLine, metric_by_timestep
from ldviz.figures.findings_effects import EffectRow, effect_dots
from ldviz.figures.theme import MASK_COLOURS
from ldviz.metrics.measured import Measured
from ldviz.metrics.paper import CONVENTION, MEAN_GAIN, SIMA_TABLE
from ldviz.study.findings import AttackFindings, StudyFindings
from ldviz.study.findings_set import Findings
from ldviz.study.findings_words import mask_sentence, reasons, timestep_text
from ldviz.ui.findings import EFFECTS, METRIC_TITLES, best_number, beta_text

CHART = {"displayModeBar": False}
_LINES = (
    ("influence_minus_none", "Lowest 40 % dropped", "lowest", "influence"),
    ("random_minus_none", "Random 40 % dropped", "random", "random"),
    ("highest_minus_none", "Highest 40 % dropped", "highest", "highest"),
)


def show_masks(findings: Findings, attack: str, metric: str) -> None:
    """Effects at the best timestep beside the paper's, then every timestep of every study."""
    st.markdown(
        "Each image drops the 40 % of its latent dimensions that move its decoded picture the "
        "least. The controls drop as many at random (mean of ten draws) and the 40 % of highest "
        "influence. Differences are paired: the same images, resampled together."
    )
    pair = st.selectbox(
        "Compare",
        list(EFFECTS),
        format_func=lambda name: EFFECTS[name][0],
        key="findings-effect",
        persist_state="session",
    )
    rows = effect_rows(findings, attack, pair, metric)
    st.plotly_chart(
        effect_dots(rows, colour=EFFECTS[pair][1], axis=f"Change of {METRIC_TITLES[metric]}"),
        config=CHART,
        key="findings-effects",
        alt=f"{EFFECTS[pair][0]}: change of {METRIC_TITLES[metric]} in every study, with "
        "intervals, and the paper's numbers.",
    )
    if attack == "sima":
        low, high = MEAN_GAIN[metric]
        st.caption(
            "Filled: computed here, at the attack's best timestep, with 95 % intervals. Hollow "
            f"diamonds: quoted from the paper. {CONVENTION} Over its four attacks the paper "
            f"gains {low:+.3f} to {high:+.3f} on average."
        )
    columns = st.columns(2, gap="large")
    shown = [one for one in findings.studies.values() if attack in one.attacks]
    for index, one in enumerate(shown):
        with columns[index % 2]:
            _show_panel(one, one.attacks[attack], metric)


def effect_rows(findings: Findings, attack: str, pair: str, metric: str) -> list[EffectRow]:
    """One row per study, then one per data set of the paper that has both numbers."""
    rows = [
        EffectRow(
            title=beta_text(one),
            number=best_number(one.attacks[attack], pair, metric),
            detail=f"{one.attacks[attack].title}, "
            f"{timestep_text(one.attacks[attack].timesteps[one.attacks[attack].best])}",
        )
        for one in findings.studies.values()
        if attack in one.attacks
    ]
    a, b = pair.split("_minus_")
    if attack != "sima" or "highest" in (a, b):
        return rows
    for data, masks in SIMA_TABLE.items():
        first, second = masks[a][metric], masks[b][metric]
        if first.value is not None and second.value is not None:
            difference = Measured(value=first.value - second.value, source="paper")
            rows.append(EffectRow(title=data, number=difference, detail="SimA"))
    return rows


def mask_panel(attack: AttackFindings, metric: str) -> go.Figure:
    """Change against no mask over timesteps, by what is dropped."""
    lines = []
    for pair, title, short, kind in _LINES:
        numbers = attack.differences[pair][metric]
        lines.append(
            TimestepLine(
                title=title,
                short=short,
                colour=MASK_COLOURS[kind],
                values=_part([number.value for number in numbers]),
                low=_part([number.ci95 and number.ci95[0] for number in numbers]),
                high=_part([number.ci95 and number.ci95[1] for number in numbers]),
            )
        )
    figure = metric_by_timestep(
        attack.timesteps, lines, metric=f"Change of {METRIC_TITLES[metric]}", chance=0.0
    )
    return figure.update_layout(height=320)


def _show_panel(one: StudyFindings, attack: AttackFindings, metric: str) -> None:
    st.subheader(beta_text(one), anchor=False)
    st.markdown(mask_sentence(attack))
    if attack.timesteps != (None,):
        st.plotly_chart(
            mask_panel(attack, metric),
            config=CHART,
            key=f"findings-masks-{one.name}",
            alt=f"{attack.title} on {one.title}: change of {METRIC_TITLES[metric]} against no "
            "mask, over timesteps.",
        )
    gain = best_number(attack, "influence_minus_none", "auc")
    if not (gain.excludes_zero and (gain.value or 0.0) > 0):
        st.caption(reasons(one, attack)[-1])


def _part(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
