"""At which timestep, and with how much dropped, do members show?"""

import streamlit as st

from ldviz.attacks import get_attack
from ldviz.ui.attack_controls import show_attack_card, show_attack_controls
from ldviz.ui.evidence import EVIDENCE_SEED, METRIC_TITLES, show_metric_choice
from ldviz.ui.evidence_choice import show_choice
from ldviz.ui.evidence_drop import show_drop
from ldviz.ui.evidence_shift import show_shift
from ldviz.ui.evidence_timesteps import show_timesteps
from ldviz.ui.exports import ExportTable, PageExport, show_exports
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.live import wait_for_vectors
from ldviz.ui.state import current_attack, current_study

ensure_frame()
st.title("Timesteps & masks")
with shown_failures():
    study = current_study()
    st.markdown(
        "Two choices decide what an attack shows: **how much noise** the denoiser is asked about "
        "(the timestep), and **which latent dimensions** count. Both are drawn here in full, so "
        "that no number stands for a lucky choice."
    )
    show_attack_controls(study)
    attack, timestep = current_attack(study)
    metric = show_metric_choice("timesteps-metric")

    st.subheader("Along the timesteps, by distortion", anchor=False)
    figures, tables = {}, []
    figure, rows = show_timesteps(study, attack, timestep, metric)
    if figure is not None:
        figures[f"{METRIC_TITLES[metric]} by timestep"] = figure
    if rows:
        tables.append(ExportTable("Numbers by timestep", rows))

    if get_attack(attack).has_timesteps:
        st.subheader("How much is the choice of the timestep?", anchor=False)
        rows = show_choice(study, attack, metric)
        if rows:
            tables.append(ExportTable("Choice of the timestep", rows))

    st.subheader("Along the share dropped", anchor=False)
    vectors = wait_for_vectors(study, attack, timestep)
    if vectors is not None:
        figure, rows = show_drop(study, attack, timestep, vectors, metric)
        figures[f"{METRIC_TITLES[metric]} by share dropped"] = figure
        tables.append(ExportTable("Numbers by share dropped", rows))

    st.subheader("Could something else explain it?", anchor=False)
    rows = show_shift(study)
    if rows:
        tables.append(ExportTable("Shift check", rows))

    show_attack_card(attack, timestep)
    show_exports(
        study,
        PageExport(
            page="timesteps",
            figures=figures,
            tables=tables,
            settings={"metric": metric, "seed": EVIDENCE_SEED},
        ),
    )
