"""At which timestep, and with how much dropped, do members show?"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.study.evidence import Timestep
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.attack_controls import show_attack_card, show_attack_controls
from ldviz.ui.compare import compared
from ldviz.ui.evidence import EVIDENCE_SEED, METRIC_TITLES, show_metric_choice
from ldviz.ui.evidence_choice import show_choice
from ldviz.ui.evidence_drop import show_drop
from ldviz.ui.evidence_shift import show_shift, show_two_shifts
from ldviz.ui.evidence_timesteps import show_timesteps
from ldviz.ui.exports import ExportTable, PageExport, show_exports
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.live import wait_for_vectors
from ldviz.ui.state import current_attack, current_study
from ldviz.ui.timesteps_pair import (
    PairParts,
    show_two_choices,
    show_two_drops,
    show_two_timesteps,
)


def show_one(study: Study, attack: str, timestep: Timestep, metric: str) -> PageExport:
    """The page of one study; what it offers for export."""
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
    return exported(figures, tables, metric)


def show_two(pair: Pair, attack: str, timestep: Timestep, metric: str) -> PageExport:
    """The page of two studies; what it offers for export."""
    parts = PairParts()
    st.subheader("Along the timesteps, by distortion", anchor=False)
    show_two_timesteps(pair, attack, timestep, metric, parts)
    if get_attack(attack).has_timesteps:
        st.subheader("How much is the choice of the timestep?", anchor=False)
        show_two_choices(pair, attack, metric, parts)
    st.subheader("Along the share dropped", anchor=False)
    show_two_drops(pair, attack, timestep, metric, parts)
    st.subheader("Could something else explain it?", anchor=False)
    parts.add("Shift check", show_two_shifts(pair))
    return exported(parts.figures, parts.tables, metric)


def exported(
    figures: Mapping[str, go.Figure], tables: Sequence[ExportTable], metric: str
) -> PageExport:
    """What the page offers."""
    return PageExport(
        page="timesteps",
        figures=figures,
        tables=tables,
        settings={"metric": metric, "seed": EVIDENCE_SEED},
    )


ensure_frame()
st.title("Timesteps & masks", anchor=False)
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
    pair = compared(study)
    export = (
        show_one(study, attack, timestep, metric)
        if pair is None
        else show_two(pair, attack, timestep, metric)
    )
    show_attack_card(attack, timestep)
    show_exports(study, export)
