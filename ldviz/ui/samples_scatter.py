"""Every sample by distortion and score: draw a box or a lasso to choose."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.sample_scatter import drawn_rows, sample_scatter
from ldviz.ui.exports import show_chart
from ldviz.ui.samples import Samples, choose_samples
from ldviz.ui.state import current_image

_CHART = "samples-scatter"


def show_scatter(samples: Samples) -> go.Figure:
    """Draw the scatter; a box, a lasso or a click makes the selection."""
    study = samples.study
    row = current_image(study)
    rows = drawn_rows(study.num_samples, np.union1d(samples.chosen, [row]))
    rank = study.manifest.geometry.rank
    figure = sample_scatter(
        samples.distortion,
        samples.axis,
        study.is_member,
        study.sample_ids,
        rows=rows,
        rank=rank,
        cuts=np.quantile(samples.distortion, (0.25, 0.5, 0.75)),
        selected=samples.is_chosen,
        current=row,
    )
    show_chart(
        study,
        "samples",
        "scatter",
        figure,
        select=True,
        key=_CHART,
        on_select=_choose,
        selection_mode=("points", "box", "lasso"),
        alt=f"Local distortion against membership score of {len(rows):,} samples.",
    )
    part = "" if len(rows) == study.num_samples else f" {len(rows):,} samples drawn at random."
    st.caption(
        "Look at the **right-hand side**: where distortion is high, members should stand apart "
        "above held-out images. Drag a box, or take the lasso from the corner, to choose "
        f"samples; dotted lines cut the quarters.{part}"
    )
    return figure


def _choose() -> None:
    """The points inside the box or lasso become the selection; none, all again."""
    points = st.session_state[_CHART].selection.points
    choose_samples(point["customdata"][0] for point in points if point.get("customdata"))
