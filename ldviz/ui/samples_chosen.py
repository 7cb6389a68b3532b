"""The chosen samples: how well the attack does among them, and what they look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.subset_roc import RocLine, roc_lines
from ldviz.figures.theme import MASK_COLOURS, NEUTRAL
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import detection_counts, display_curve
from ldviz.ui.evidence import METRIC_TITLES, subset_at
from ldviz.ui.exports import measured_row, show_chart
from ldviz.ui.gallery import GalleryGroup, show_gallery
from ldviz.ui.numbers import Tile, measured_text, sample_text, show_tiles
from ldviz.ui.samples import Samples, clear_samples
from ldviz.ui.state import current_image, history, redo, undo

_SHOWN = 24
_COLOUR = MASK_COLOURS["influence"]


def show_chosen_controls(samples: Samples) -> None:
    """How many are chosen, and the way back."""
    count = len(samples.chosen)
    inside = samples.study.is_member[samples.chosen]
    text = (
        "No samples chosen: all count."
        if not count
        else f"**{count:,} chosen**: {int(inside.sum()):,} members, "
        f"{int((~inside).sum()):,} held-out."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text)
        st.button(
            "Choose all again",
            key="samples-clear",
            on_click=clear_samples,
            disabled=not count,
            icon=":material/close:",
        )
        st.button(
            "Undo",
            key="samples-undo",
            on_click=undo,
            disabled=not history().can_undo,
            icon=":material/undo:",
        )
        st.button(
            "Redo",
            key="samples-redo",
            on_click=redo,
            disabled=not history().can_redo,
            icon=":material/redo:",
        )


def chosen_numbers(samples: Samples) -> dict[str, dict[str, Measured]]:
    """Metrics of "all" and, where there are any, of the "chosen"."""
    everyone = np.arange(samples.study.num_samples)
    whole = subset_at(samples.study, samples.scores, everyone, samples.positive)
    parts = {"all": whole}
    if len(samples.chosen):
        parts["chosen"] = subset_at(samples.study, samples.scores, samples.chosen, samples.positive)
    return parts


def show_chosen_numbers(parts: dict[str, dict[str, Measured]]) -> list[dict[str, Any]]:
    """Draw the chosen samples' numbers, or all samples' until some are chosen.

    Returns:
        The numbers as flat rows.
    """
    name = "chosen" if "chosen" in parts else "all"
    show_tiles([Tile(METRIC_TITLES[key], parts[name][key]) for key in METRIC_TITLES])
    st.caption(_reading(parts, name))
    return number_rows(parts)


def number_rows(parts: dict[str, dict[str, Measured]]) -> list[dict[str, Any]]:
    """The numbers as flat rows."""
    return [
        {"part": part, "metric": key} | measured_row(numbers[key])
        for part, numbers in parts.items()
        for key in METRIC_TITLES
    ]


def show_chosen_roc(samples: Samples, parts: dict[str, dict[str, Measured]]) -> go.Figure | None:
    """Draw the ROC of the chosen samples beside that of all; None where none is defined."""
    rows_of = {"all": np.arange(samples.study.num_samples), "chosen": samples.chosen}
    lines = [
        RocLine(title, colour, *roc_curve_of(samples, rows_of[title]))
        for title, colour in (("all", NEUTRAL), ("chosen", _COLOUR))
        if title in parts and parts[title]["auc"].value is not None
    ]
    if not lines:
        return None
    figure = roc_lines(lines, positive=samples.positive)
    show_chart(
        samples.study,
        "samples",
        "roc",
        figure,
        key="samples-roc",
        alt="ROC of the chosen samples beside that of all.",
    )
    st.caption(
        "Look for a curve of the chosen samples **above the grey one**: the attack finds "
        "members more easily among them than among all."
    )
    return figure


def show_chosen_pictures(samples: Samples, *, key: str = "samples-gallery") -> None:
    """The chosen samples' images, highest score first."""
    if not len(samples.chosen):
        return
    order = samples.chosen[np.argsort(-samples.scores[samples.chosen], kind="stable")]
    more = "" if len(order) <= _SHOWN else f", the first {_SHOWN} of {len(order):,}"
    show_gallery(
        samples.study,
        samples.facts,
        [GalleryGroup("Chosen samples", f"highest score first{more}", order[:_SHOWN])],
        current=int(samples.study.sample_ids[current_image(samples.study)]),
        key=key,
    )


def _reading(parts: dict[str, dict[str, Measured]], name: str) -> str:
    """What the numbers rest on, and what all samples give."""
    number = parts[name]["auc"]
    text = sample_text(number)
    if name == "all":
        return f"All samples: {text}."
    if number.value is None:
        return (
            f"Among the chosen: {text}. An AUC compares members with held-out images: with one "
            "class alone it is undefined."
        )
    return f"Among the chosen: {text}. All samples: AUC {measured_text(parts['all']['auc'])}."


def roc_curve_of(samples: Samples, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The exact ROC of some samples, thinned to what a screen shows."""
    is_member = samples.study.is_member[rows]
    counts = detection_counts(is_member, samples.scores[rows], positive=samples.positive)
    num_positive = int(is_member.sum()) if samples.positive == "member" else int((~is_member).sum())
    return display_curve(counts, num_positive)
