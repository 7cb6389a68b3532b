"""Samples of two studies: scores on one axis, and how far the attack's success differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks.masks import MaskSpec
from ldviz.figures.score_axis import shared_score_axes
from ldviz.figures.shared_axes import share_axes
from ldviz.figures.subset_roc import RocLine, roc_lines
from ldviz.figures.theme import STUDY_COLOURS, STUDY_DASHES
from ldviz.metrics.roc import checked_scores
from ldviz.study.evidence import Timestep
from ldviz.study.pair import Counterpart, Pair, counterpart, counterpart_mask
from ldviz.ui.compare import (
    LETTERS,
    Difference,
    independent,
    second_image,
    show_differences,
    side_by_side,
)
from ldviz.ui.distortion_pair import same_rank
from ldviz.ui.evidence import METRIC_TITLES, sample_scores
from ldviz.ui.evidence_jobs import show_not_at_hand
from ldviz.ui.exports import ExportTable, PageExport, file_stem, show_chart
from ldviz.ui.pair_scores import both_rows, difference_rows, score_difference
from ldviz.ui.samples import Samples, samples_of
from ldviz.ui.samples_chosen import (
    chosen_numbers,
    number_rows,
    roc_curve_of,
    show_chosen_controls,
    show_chosen_pictures,
)
from ldviz.ui.samples_histogram import (
    histogram_payload,
    histogram_rows,
    share_height,
    show_score_histogram,
)
from ldviz.ui.samples_scatter import (
    SCATTER_READING,
    draw_scatter,
    part_text,
    rows_drawn,
    scatter_figure,
)
from ldviz.ui.samples_table import (
    TABLE_READING,
    count_text,
    draw_table,
    filtered_rows,
    show_filters,
    table_rows,
)
from ldviz.ui.state import current_image

_FIRST = "histogram"
_HISTOGRAMS = ("samples-histogram", "samples-histogram/other")
_SCATTERS = ("samples-scatter", "samples-scatter/other")
_TABLES = ("samples-table", "samples-table/other")


def show_two_samples(
    pair: Pair,
    attack: str,
    timestep: Timestep,
    vectors: np.ndarray,
    mask: MaskSpec,
    mask_title: str,
) -> PageExport:
    """Both studies under one attack; what the page offers for export.

    Args:
        pair: the studies.
        attack, timestep, vectors: of the first; the second is taken where it is nearest.
        mask, mask_title: under which both are scored.
    """
    beside = counterpart(pair.second, attack, timestep)
    mask_beside, mask_note = counterpart_mask(pair, mask)
    given = [(attack, timestep, vectors, mask)]
    if beside.vectors is not None:
        given.append((attack, beside.timestep, beside.vectors, mask_beside))
    both = _samples(pair, given, mask_title)
    if notes := " ".join(text for text in (beside.note, mask_note) if text and len(both) == 2):
        st.caption(notes)

    st.subheader("How they differ", anchor=False)
    show_chosen_controls(both[0])
    parts = [chosen_numbers(one) for one in both]
    rows: list[Difference] = []
    if len(both) == 2:
        rows = _differences(pair, both, parts, (timestep, beside.timestep), (mask, mask_beside))
        show_differences(pair, rows, note=_selection_note(pair, both))
        if pair.first.latent_dim != pair.second.latent_dim:
            st.caption(
                f"A's scores sum over {pair.first.latent_dim} dimensions and B's over "
                f"{pair.second.latent_dim}: look at how far the classes stand apart, not at "
                "which study's scores are higher."
            )

    st.subheader("Where would you draw the line?", anchor=False)
    payloads = _payloads(both)
    for index, column in enumerate(_columns(pair, _FIRST, both, beside, attack)):
        with column:
            show_score_histogram(payloads[index], key=_HISTOGRAMS[index])
            st.caption(f"{both[index].title}.")
    st.caption(
        "Drag either line: everything to its right is called a member. The buttons put both to the "
        "same share of held-out images accused; look at **which study then shows more members**."
    )

    st.subheader("Score and distortion", anchor=False)
    scatters = _show_scatters(pair, both, beside, attack)
    roc = _show_roc(pair, both, parts)
    if any(len(one.chosen) for one in both):
        for index, column in enumerate(_columns(pair, "pictures", both, beside, attack)):
            with column:
                if len(both[index].chosen):
                    show_chosen_pictures(both[index], key=f"samples-gallery-{index}")
                else:
                    st.caption("None of these images is chosen: they are others than A's.")

    st.subheader("One by one", anchor=False)
    wanted, length = show_filters(both[0])
    listed = [filtered_rows(one, wanted) for one in both]
    for index, column in enumerate(_columns(pair, "table", both, beside, attack)):
        with column:
            draw_table(
                both[index],
                listed[index][:length],
                key=_TABLES[index],
                selectable=_chooses(pair, index),
            )
            st.caption(count_text(both[index], listed[index], length))
    st.caption(f"Read from the top: {TABLE_READING}")
    return _export(pair, both, mask, listed, scatters, roc, parts, rows)


def _samples(pair: Pair, given: Sequence[tuple], mask_title: str) -> list[Samples]:
    """Of each study, on one score axis; a selection counts where it means the same images."""
    scores = [
        checked_scores(study.is_member, sample_scores(study, *one))[1]
        for study, one in zip(pair.studies, given, strict=False)
    ]
    both = [
        samples_of(study, attack, timestep, own, mask_title, axis=axis)
        for study, (attack, timestep, *_), own, axis in zip(
            pair.studies, given, scores, shared_score_axes(scores), strict=False
        )
    ]
    if not pair.same_images:
        none = np.empty(0, dtype=np.int64)
        both[1:] = [replace(one, chosen=none) for one in both[1:]]
    return both


def _columns(pair: Pair, key: str, both: list[Samples], beside: Counterpart, attack: str) -> list:
    """The columns that have something to show; the other one says why it has not."""
    columns = [
        column for column, _ in side_by_side(pair, key=f"samples-{key}", brief=key != _FIRST)
    ]
    if len(both) < 2:
        with columns[1]:
            show_not_at_hand(pair.second, attack, beside, key=f"samples-compute-{key}")
    return columns[: len(both)]


def _differences(
    pair: Pair,
    both: list[Samples],
    parts: list[dict],
    timesteps: tuple[Timestep, Timestep],
    masks: tuple[MaskSpec, MaskSpec],
) -> list[Difference]:
    """Every metric over all images; among the chosen ones where both studies hold them."""
    rows = [
        score_difference(
            pair,
            title,
            tuple(part["all"][key] for part in parts),
            key,
            key=(both[0].attack, *timesteps, *(mask.to_text() for mask in masks)),
            positive=both[0].positive,
            scores=lambda: tuple(one.scores for one in both),
            detail="all images",
        )
        for key, title in METRIC_TITLES.items()
    ]
    if all("chosen" in part for part in parts):
        rows += [
            independent(title, *(part["chosen"][key] for part in parts), detail="the chosen")
            for key, title in METRIC_TITLES.items()
        ]
    return rows


def _selection_note(pair: Pair, both: list[Samples]) -> str:
    if pair.same_images or not len(both[0].chosen):
        return ""
    return "The chosen samples are of A; B holds other images, so all of its count."


def _chooses(pair: Pair, index: int) -> bool:
    """Whether samples may be chosen in a study: in the first, or where both hold the same."""
    return index == 0 or pair.same_images


def _payloads(both: list[Samples]) -> list[dict[str, Any]]:
    """Histograms on the same bins and of the same height."""
    among = np.concatenate([one.axis.places for one in both])
    payloads = [
        histogram_payload(
            one.axis,
            one.study.is_member,
            one.chosen,
            key=f"{one.study.digest}/{one.title}/{len(both)}",
            file_stem=file_stem(one.study, "samples", "histogram"),
            among=among,
        )
        for one in both
    ]
    share_height(payloads)
    return payloads


def _show_scatters(
    pair: Pair, both: list[Samples], beside: Counterpart, attack: str
) -> list[go.Figure]:
    """Both scatters, across on one axis where both distortions are of one rank."""
    current = (current_image(pair.first), second_image(pair))
    drawn = [rows_drawn(one, row) for one, row in zip(both, current, strict=False)]
    figures = [
        scatter_figure(one, row, rows) for one, row, rows in zip(both, current, drawn, strict=False)
    ]
    comparable = same_rank(pair)
    share_axes(figures, ("x", "y") if comparable else ("y",))
    for index, column in enumerate(_columns(pair, "scatter", both, beside, attack)):
        with column:
            draw_scatter(
                both[index],
                figures[index],
                drawn[index],
                key=_SCATTERS[index],
                selectable=_chooses(pair, index),
            )
    ranks = (
        ""
        if comparable
        else " The ranks of the distortions differ, so each has its own axis across."
    )
    where = "" if pair.same_images else " Samples are chosen in A; the ring in B is its own image."
    part = "".join(part_text(one, rows) for one, rows in zip(both, drawn, strict=True))
    st.caption(f"{SCATTER_READING}{where}{ranks}{part}")
    return figures


def _show_roc(pair: Pair, both: list[Samples], parts: list[dict]) -> go.Figure | None:
    """Both studies' ROC on one square; dotted, those of the chosen samples."""
    lines = []
    for index, (one, part) in enumerate(zip(both, parts, strict=True)):
        name = f"{LETTERS[index]}: {one.study.title}"
        for title, rows, dash in (
            (name, np.arange(one.study.num_samples), STUDY_DASHES[index]),
            (f"{name}, chosen", one.chosen, "dot"),
        ):
            key = "chosen" if title != name else "all"
            if key in part and part[key]["auc"].value is not None:
                curve = roc_curve_of(one, rows)
                lines.append(RocLine(title, STUDY_COLOURS[index], *curve, dash=dash))
    if not lines:
        return None
    figure = roc_lines(lines, positive=both[0].positive)
    left, _ = st.columns([3, 2], gap="large")
    with left:
        show_chart(
            pair.first,
            "samples",
            "roc",
            figure,
            key="samples-roc",
            alt="ROC of both studies on one square.",
        )
    st.caption("Look for the curve that lies **higher at the left**: members found at few errors.")
    return figure


def _export(
    pair: Pair,
    both: list[Samples],
    mask: MaskSpec,
    listed: list[np.ndarray],
    scatters: list[go.Figure],
    roc: go.Figure | None,
    parts: list[dict],
    rows: list[Difference],
) -> PageExport:
    figures = {f"{LETTERS[index]} scatter": figure for index, figure in enumerate(scatters)}
    if roc is not None:
        figures["ROC"] = roc
    among = np.concatenate([one.axis.places for one in both])
    tables = [
        ExportTable(
            "Histogram",
            lambda: _of_both(pair, [histogram_rows(one, among=among) for one in both]),
        ),
        ExportTable(
            "Samples",
            lambda: _of_both(
                pair, [table_rows(one, own) for one, own in zip(both, listed, strict=True)]
            ),
        ),
        ExportTable("Numbers", _of_both(pair, [number_rows(part) for part in parts])),
    ]
    if rows:
        tables.append(ExportTable("Differences", difference_rows(pair, rows)))
    return PageExport(
        page="samples",
        figures=figures,
        tables=tables,
        settings={"scores": [one.title for one in both], "mask": mask.model_dump()},
    )


def _of_both(pair: Pair, rows: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Flat rows of both; of the first alone where the second has none."""
    return both_rows(pair, [*rows, *[[]] * (2 - len(rows))])
