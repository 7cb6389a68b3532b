"""Every sample by distortion and score: draw a box or a lasso to choose."""

from __future__ import annotations

from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.sample_scatter import drawn_rows, sample_scatter
from ldviz.ui.exports import show_chart
from ldviz.ui.samples import Samples, choose_samples
from ldviz.ui.state import current_image

SCATTER_READING = (
    "Look at the **right-hand side**: where distortion is high, members should stand apart "
    "above held-out images. Drag a box, or take the lasso from the corner, to choose "
    "samples; dotted lines cut the quarters."
)
_CHART = "samples-scatter"


def show_scatter(samples: Samples) -> go.Figure:
    """Draw the scatter; a box, a lasso or a click makes the selection."""
    rows = rows_drawn(samples, current_image(samples.study))
    figure = scatter_figure(samples, current_image(samples.study), rows)
    draw_scatter(samples, figure, rows)
    st.caption(f"{SCATTER_READING}{part_text(samples, rows)}")
    return figure


def rows_drawn(samples: Samples, row: int) -> np.ndarray:
    """The samples that are drawn, the current and the chosen ones among them."""
    return drawn_rows(samples.study.num_samples, np.union1d(samples.chosen, [row]))


def scatter_figure(samples: Samples, row: int, rows: np.ndarray) -> go.Figure:
    """The figure; ``row`` is of the current image, ``rows`` are drawn."""
    study = samples.study
    return sample_scatter(
        samples.distortion,
        samples.axis,
        study.is_member,
        study.sample_ids,
        rows=rows,
        rank=study.manifest.geometry.rank,
        cuts=np.quantile(samples.distortion, (0.25, 0.5, 0.75)),
        selected=samples.is_chosen,
        current=row,
    )


def draw_scatter(
    samples: Samples,
    figure: go.Figure,
    rows: np.ndarray,
    *,
    key: str = _CHART,
    selectable: bool = True,
) -> None:
    """Draw the figure; where it is ``selectable``, points in it become the selection."""
    show_chart(
        samples.study,
        "samples",
        "scatter",
        figure,
        select=selectable,
        key=key,
        on_select=partial(_choose, key) if selectable else "ignore",
        selection_mode=("points", "box", "lasso"),
        alt=f"Local distortion against membership score of {len(rows):,} samples.",
    )


def part_text(samples: Samples, rows: np.ndarray) -> str:
    """That not every sample is drawn, where that is so."""
    if len(rows) == samples.study.num_samples:
        return ""
    return f" {len(rows):,} samples drawn at random."


def _choose(key: str) -> None:
    """The points inside the box or lasso become the selection; none, all again."""
    points = st.session_state[key].selection.points
    choose_samples(point["customdata"][0] for point in points if point.get("customdata"))
