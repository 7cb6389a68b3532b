"""Do higher-distortion quarters leak more?  The paper's Fig. 3, one panel per study."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.auc_timestep import TimestepLine, metric_by_timestep
from ldviz.figures.theme import QUARTILE_COLOURS
from ldviz.metrics.measured import Measured
from ldviz.study.findings import AttackFindings, StudyFindings
from ldviz.study.findings_set import Findings
from ldviz.study.findings_words import number_text, quartile_sentence, reasons
from ldviz.ui.findings import beta_text

_TITLES = ("Lowest quarter", "Second quarter", "Third quarter", "Highest quarter")
CHART = {"displayModeBar": False}


def show_quarters(findings: Findings, attack: str) -> None:
    """One panel per study, with its answer in words."""
    st.markdown(
        "Images are cut into quarters by the local distortion of the decoder at their latents, "
        "members and held-out together. Each line is one quarter's AUC, shaded by its 95 % "
        "interval; the grey band is what ten random groups of a quarter's size reach (mean ± one "
        "standard deviation). The paper shows the same as its Fig. 3."
    )
    shown = [one for one in findings.studies.values() if attack in one.attacks]
    columns = st.columns(2, gap="large")
    for index, one in enumerate(shown):
        with columns[index % 2]:
            _show_panel(one, one.attacks[attack])
    st.caption(
        "“Yes” and “no” follow from the interval of the highest minus the lowest quarter at the "
        "attack's best timestep, which was chosen on the labels that it is scored on: the AUCs "
        "there are optimistic, the difference between quarters less so."
    )


def quarter_panel(attack: AttackFindings) -> go.Figure:
    """AUC over timesteps by quarter, with the random band."""
    lines = [
        TimestepLine(
            title=title,
            short=f"Q{q + 1}",
            colour=colour,
            values=_values(attack.quartiles[q]),
            low=_ends(attack.quartiles[q], 0) if q in (0, 3) else None,
            high=_ends(attack.quartiles[q], 1) if q in (0, 3) else None,
        )
        for q, (title, colour) in enumerate(zip(_TITLES, QUARTILE_COLOURS, strict=True))
    ]
    figure = metric_by_timestep(
        attack.timesteps,
        lines,
        metric="AUC",
        band=(np.array(attack.band_mean), np.array(attack.band_deviation)),
        chance=0.5,
    )
    return figure.update_layout(height=320)


def _show_panel(one: StudyFindings, attack: AttackFindings) -> None:
    st.subheader(beta_text(one), anchor=False)
    st.markdown(quartile_sentence(attack))
    if attack.timesteps == (None,):
        quarters = " · ".join(
            f"Q{q + 1} {number_text(quarter[0])}" for q, quarter in enumerate(attack.quartiles)
        )
        st.markdown(f"No timestep axis. {quarters}")
    else:
        st.plotly_chart(
            quarter_panel(attack),
            config=CHART,
            key=f"findings-quarters-{one.name}",
            alt=f"{attack.title} on {one.title}: AUC against the timestep, by quarter.",
        )
    step = attack.quartile_step[attack.best]
    if not (step.excludes_zero and (step.value or 0.0) > 0):
        st.caption(reasons(one, attack)[0])


def _values(numbers: tuple[Measured, ...]) -> np.ndarray:
    return np.array([np.nan if number.value is None else number.value for number in numbers])


def _ends(numbers: tuple[Measured, ...], side: int) -> np.ndarray:
    return np.array([np.nan if number.ci95 is None else number.ci95[side] for number in numbers])
