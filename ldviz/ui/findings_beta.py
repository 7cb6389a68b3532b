"""How does it all change with beta, the strength of regularisation?"""

from __future__ import annotations

import streamlit as st

from ldviz.figures.findings_beta import beta_line
from ldviz.figures.theme import MASK_COLOURS, NEUTRAL, QUARTILE_COLOURS
from ldviz.metrics.measured import Measured
from ldviz.study.findings_set import BetaRow, Findings
from ldviz.study.findings_words import beta_sentence, number_text, timestep_text

CHART = {"displayModeBar": False}


def show_beta(findings: Findings, metric: str) -> None:
    """Small charts over beta for every family of models, and the table behind them."""
    if not findings.beta:
        st.info("No two studies at hand differ in β alone.", icon=":material/info:")
        return
    st.markdown(
        "The autoencoder is trained with an L1 error plus β times the mean KL divergence of its "
        "latents from a standard normal. The same images, split, seeds and epochs at other β give "
        "another geometry, and with it another leak. The epochs were chosen for the reference "
        "alone, so the others may leak much more or much less."
    )
    for rows in findings.beta:
        _show_family(findings, rows, metric)


def _show_family(findings: Findings, rows: tuple[BetaRow, ...], metric: str) -> None:
    reference = next((row for row in rows if row.is_reference), None)
    leading = reference or rows[0]
    titles = [findings.studies[row.study].title for row in rows]
    st.subheader(findings.studies[leading.study].title, anchor=False)
    st.markdown(beta_sentence(rows))
    betas = [row.kl_weight for row in rows]
    charts = (
        ("No mask", NEUTRAL, [row.masks["none"][metric] for row in rows], None),
        (
            "Highest − lowest quarter, AUC",
            QUARTILE_COLOURS[3],
            [r.quartile_step for r in rows],
            0.0,
        ),
        (
            "Lowest 40 % dropped − none",
            MASK_COLOURS["influence"],
            [row.differences["influence_minus_none"][metric] for row in rows],
            0.0,
        ),
        (
            "Lowest − random 40 % dropped",
            MASK_COLOURS["influence"],
            [row.differences["influence_minus_random"][metric] for row in rows],
            0.0,
        ),
        (
            "Median local distortion (nats)",
            NEUTRAL,
            [Measured(value=row.distortion_quantiles[2]) for row in rows],
            None,
        ),
        (
            "Spread of influence (nats)",
            NEUTRAL,
            [Measured(value=row.influence_spread) for row in rows],
            None,
        ),
    )
    columns = st.columns(3)
    for index, (title, colour, numbers, level) in enumerate(charts):
        with columns[index % 3]:
            st.plotly_chart(
                beta_line(
                    betas,
                    numbers,
                    title=title,
                    colour=colour,
                    reference=None if reference is None else reference.kl_weight,
                    level=level,
                ),
                config=CHART,
                key=f"findings-beta-{leading.study}-{index}",
                alt=f"{title} at β = {', '.join(f'{beta:g}' for beta in betas)}.",
            )
    st.dataframe(
        [_table_row(row, title, metric) for row, title in zip(rows, titles, strict=True)],
        hide_index=True,
        width="stretch",
    )
    st.caption(
        "Each row at its own best timestep. Spread of influence: standard deviation over the "
        "latent dimensions, median over images; it says how much there is to choose between "
        "dimensions."
    )


def _table_row(row: BetaRow, title: str, metric: str) -> dict[str, str]:
    return {
        "Study": title,
        "β": f"{row.kl_weight:g}",
        "at": timestep_text(row.timestep),
        "No mask": number_text(row.masks["none"][metric]),
        "Highest − lowest quarter": number_text(row.quartile_step, signed=True),
        "Lowest − none": number_text(row.differences["influence_minus_none"][metric], signed=True),
        "Random − none": number_text(row.differences["random_minus_none"][metric], signed=True),
        "Highest − none": number_text(row.differences["highest_minus_none"][metric], signed=True),
        "Lowest − random": number_text(
            row.differences["influence_minus_random"][metric], signed=True
        ),
    }
