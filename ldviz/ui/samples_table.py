"""Samples in a table: picture, score, distortion, quarter, class; sorted and filtered here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
import streamlit as st

from ldviz.ui.samples import Samples, choose_samples
from ldviz.ui.thumbnails import thumbnail_uri

SORTS = {
    "score-high": "highest score first",
    "score-low": "lowest score first",
    "distortion-high": "highest distortion first",
    "distortion-low": "lowest distortion first",
    "id": "by sample id",
}
_QUARTERS = ("Q1", "Q2", "Q3", "Q4")
_LENGTHS = (25, 50, 100, 200)
_THUMBNAIL = 40
_TABLE = "samples-table"
TABLE_READING = "**held-out images among the highest scores are the false accusations**."


@dataclass(frozen=True)
class TableFilter:
    """Which samples, in which order.

    Attributes:
        sort: key of ``SORTS``.
        kind: class, or both.
        quarters: of distortion, 0..3.
        only_chosen: the selection alone.
    """

    sort: str = "score-high"
    kind: Literal["both", "member", "held_out"] = "both"
    quarters: tuple[int, ...] = (0, 1, 2, 3)
    only_chosen: bool = False


def filtered_rows(samples: Samples, wanted: TableFilter) -> np.ndarray:
    """Rows of the samples that pass, in order; equal values by row."""
    passes = np.isin(samples.quartile, wanted.quarters)
    if wanted.kind != "both":
        passes &= samples.study.is_member == (wanted.kind == "member")
    if wanted.only_chosen:
        passes &= samples.is_chosen
    rows = np.flatnonzero(passes)
    keys = {
        "score-high": -samples.scores,
        "score-low": samples.scores,
        "distortion-high": -samples.distortion,
        "distortion-low": samples.distortion,
        "id": samples.study.sample_ids,
    }[wanted.sort]
    return rows[np.argsort(keys[rows], kind="stable")]


def table_rows(samples: Samples, rows: np.ndarray) -> list[dict[str, Any]]:
    """Flat rows for export: no pictures, every sample that passes."""
    study = samples.study
    place = standing(samples.scores)
    labels = study.labels
    return [
        {
            "sample_id": int(study.sample_ids[row]),
            "is_member": bool(study.is_member[row]),
            "membership_score": float(samples.scores[row]),
            "score_rank": int(place[row]),
            "local_distortion": float(samples.distortion[row]),
            "quartile": int(samples.quartile[row]) + 1,
        }
        | ({} if labels is None else {"label": int(labels[row])})
        for row in rows
    ]


def standing(scores: np.ndarray) -> np.ndarray:
    """(n,) place of each score, 1 = highest, equal scores sharing the better place."""
    ascending = np.sort(-scores)
    return np.searchsorted(ascending, -scores, side="left") + 1


def show_table(samples: Samples) -> np.ndarray:
    """Draw filters and table; rows chosen in it become the selection.

    Returns:
        All rows that pass the filters, in order.
    """
    wanted, length = show_filters(samples)
    rows = filtered_rows(samples, wanted)
    draw_table(samples, rows[:length])
    st.caption(
        f"{count_text(samples, rows, length)} Read from the top: {TABLE_READING} Tick rows to "
        "choose those samples; click a heading to sort what is shown."
    )
    return rows


def count_text(samples: Samples, rows: np.ndarray, length: int) -> str:
    """How many of the samples that pass are shown."""
    return (
        f"{min(length, len(rows)):,} of {len(rows):,} samples that pass, of "
        f"{samples.study.num_samples:,}."
    )


def draw_table(
    samples: Samples, shown: np.ndarray, *, key: str = _TABLE, selectable: bool = True
) -> None:
    """Draw the table of these rows; where it is ``selectable``, ticked ones are chosen."""
    ids = samples.study.sample_ids[shown].tolist()
    st.dataframe(
        _frame(samples, shown),
        key=key,
        on_select=partial(_choose, key, ids) if selectable else "ignore",
        selection_mode="multi-row",
        hide_index=True,
        row_height=_THUMBNAIL + 4,
        height=min(520, 40 + (_THUMBNAIL + 4) * max(1, len(shown))),
        column_config={
            "image": st.column_config.ImageColumn("", width=_THUMBNAIL + 16),
            "sample": st.column_config.NumberColumn("Sample", format="%d"),
            "kind": st.column_config.TextColumn("Class"),
            "score": st.column_config.NumberColumn("Score", format="%.4g"),
            "place": st.column_config.NumberColumn(
                "Place", format="%d", help="1 = highest score of all"
            ),
            "distortion": st.column_config.NumberColumn("Distortion (nats)", format="%.2f"),
            "quarter": st.column_config.TextColumn("Quarter"),
            "label": st.column_config.NumberColumn("Label", format="%d"),
        },
    )


def show_filters(samples: Samples) -> tuple[TableFilter, int]:
    """The filters' widgets and the number of rows, kept while the session lasts."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sort = st.selectbox(
            "Order",
            list(SORTS),
            format_func=SORTS.__getitem__,
            key="samples-sort",
            persist_state="session",
            width=220,
        )
        kind = st.selectbox(
            "Class",
            ["both", "member", "held_out"],
            format_func={"both": "both", "member": "members", "held_out": "held-out"}.__getitem__,
            key="samples-kind",
            persist_state="session",
            width=130,
        )
        quarters = st.pills(
            "Quarters of distortion",
            range(4),
            selection_mode="multi",
            default=list(range(4)),
            format_func=_QUARTERS.__getitem__,
            key="samples-quarters",
            persist_state="session",
        )
        length = st.selectbox(
            "Rows", _LENGTHS, index=1, key="samples-length", persist_state="session", width=90
        )
        only = st.toggle(
            "Chosen only",
            key="samples-only",
            persist_state="session",
            disabled=not len(samples.chosen),
        )
    wanted = TableFilter(sort, kind, tuple(quarters), only and bool(len(samples.chosen)))
    return wanted, length


def _frame(samples: Samples, rows: np.ndarray) -> pd.DataFrame:
    """The table's columns; pictures as data URIs, so only of what is shown."""
    study = samples.study
    columns = {
        "image": [thumbnail_uri(image, largest_side=_THUMBNAIL) for image in study.images(rows)],
        "sample": study.sample_ids[rows],
        "kind": ["member" if member else "held-out" for member in study.is_member[rows]],
        "score": samples.scores[rows],
        "place": standing(samples.scores)[rows],
        "distortion": samples.distortion[rows],
        "quarter": [_QUARTERS[q] for q in samples.quartile[rows]],
    }
    if study.labels is not None:
        columns["label"] = study.labels[rows]
    return pd.DataFrame(columns)


def _choose(key: str, ids: list[int]) -> None:
    """Ticked rows become the selection."""
    ticked = st.session_state[key].selection.rows
    chosen = [ids[index] for index in ticked if index < len(ids)]
    if chosen:
        choose_samples(chosen)
