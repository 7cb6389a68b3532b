"""How much of a number is the choice of its timestep: honest and optimistic, side by side."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ldviz.study.evidence import Timestep, timesteps_at_hand
from ldviz.study.evidence_choice import ChosenTimestep
from ldviz.study.store import Study
from ldviz.ui.evidence import METRIC_TITLES, choice_at
from ldviz.ui.exports import measured_row
from ldviz.ui.numbers import Tile, show_tiles, value_text
from ldviz.ui.state import current_view


def show_choice(study: Study, attack: str, metric: str) -> list[dict[str, Any]]:
    """Draw both numbers, each named for how its timestep was chosen.

    Returns:
        The numbers as flat rows; none where there is nothing to choose from.
    """
    steps = timesteps_at_hand(study, attack)
    if len(steps) < 2:
        st.caption("With fewer than two timesteps at hand there is nothing to choose.")
        return []
    choice = choice_at(study, attack, steps, current_view().positive)
    show_tiles(
        [
            Tile(
                f"Honest {METRIC_TITLES[metric]}",
                choice.honest[metric],
                detail=f"t chosen on one half, scored on the other: {chosen_text(choice)}",
            ),
            Tile(
                f"Optimistic {METRIC_TITLES[metric]}",
                choice.optimistic[metric],
                detail=f"t = {choice.best}, the best of {choice.num_timesteps}, on the same labels",
            ),
        ]
    )
    st.caption(_reading(choice, metric))
    return choice_rows(attack, choice)


def choice_rows(attack: str, choice: ChosenTimestep) -> list[dict[str, Any]]:
    """Both numbers of every metric as flat rows."""
    rows = []
    for name, numbers, chosen in (
        ("honest", choice.honest, chosen_text(choice)),
        ("optimistic", choice.optimistic, f"t = {choice.best}"),
    ):
        rows += [
            {
                "attack": attack,
                "choice": name,
                "timesteps": chosen,
                "num_timesteps": choice.num_timesteps,
                "metric": key,
            }
            | measured_row(numbers[key])
            for key in METRIC_TITLES
        ]
    return rows


def chosen_text(choice: ChosenTimestep) -> str:
    """The timesteps of the two halves in words."""
    a, b = choice.chosen
    return f"t = {a} both times" if a == b else f"t = {_text(a)} and {_text(b)}"


def _text(timestep: Timestep) -> str:
    return "none" if timestep is None else str(timestep)


def _reading(choice: ChosenTimestep, metric: str) -> str:
    """What the difference between the two says."""
    honest, optimistic = choice.honest[metric].value, choice.optimistic[metric].value
    if honest is None or optimistic is None:
        return "Not available: the halves have too few images for this metric."
    return (
        f"The timestep is always chosen by the unmasked AUC. Quote the honest number; the "
        f"optimistic one is {value_text(optimistic - honest, signed=True)} away, which is what "
        "looking at the labels first was worth here. The honest interval holds the two chosen "
        "timesteps fixed."
    )
