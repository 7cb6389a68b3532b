"""The paper's Fig. 2: local distortion of every study on one axis, images at both ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import NEUTRAL, apply_layout
from ldviz.figures.violin_density import DensitySummary, spread_out
from ldviz.figures.violin_outline import add_outline

_HALF = 0.24
_PICTURE = 0.36
_GAP = 0.1
_SLOTS = 19.0
_ROW_PIXELS = 178


@dataclass(frozen=True)
class StudyImage:
    """An image beside its place.

    Attributes:
        value: its place on the axis.
        uri: the picture.
        hover: text when pointed at.
    """

    value: float
    uri: str
    hover: str


@dataclass(frozen=True)
class StudyViolin:
    """One study.

    Attributes:
        title: on the axis.
        colour: "#rrggbb".
        summary: outline, in the axis's unit.
        images: from both ends, ascending by value.
    """

    title: str
    colour: str
    summary: DensitySummary
    images: tuple[StudyImage, ...]


def study_violins(
    rows: Sequence[StudyViolin], *, axis: str, span: tuple[float, float]
) -> go.Figure:
    """One violin per study, first on top, its images below it, tied to their places.

    Every violin has the same greatest width: it shows a shape, not a count.

    Args:
        rows: the studies.
        axis: title of the axis, with its unit.
        span: of the axis.

    Returns:
        For each study an outline, a quartile bar with the median, leaders, and markers on
        the pictures with hover texts; the pictures are layout images.
    """
    figure = go.Figure()
    width = span[1] - span[0]
    slot = width / _SLOTS
    levels = [float(len(rows) - 1 - index) for index in range(len(rows))]
    for row, level in zip(rows, levels, strict=True):
        scale = _HALF / float(row.summary.density.max())
        add_outline(figure, row, level, scale, hover="%{x:.3f}")
        _add_images(figure, row, level, scale, slot, span)
    figure.update_xaxes(
        title=axis,
        range=[span[0] - 0.02 * width, span[1] + 0.02 * width],
        zeroline=False,
        showgrid=False,
        ticks="outside",
        fixedrange=True,
    )
    bottom = -_HALF - _GAP - _PICTURE - 0.06
    figure.update_yaxes(
        range=[bottom, levels[0] + _HALF + 0.06],
        tickvals=levels,
        ticktext=[f"<b>{row.title}</b><br>n = {row.summary.count:,}" for row in rows],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        automargin=True,
    )
    apply_layout(figure, height=round(70 + _ROW_PIXELS * len(rows)), legend=False)
    figure.update_layout(margin={"l": 10, "r": 10, "t": 8, "b": 52}, dragmode=False)
    return figure


def _add_images(
    figure: go.Figure,
    row: StudyViolin,
    level: float,
    scale: float,
    slot: float,
    span: tuple[float, float],
) -> None:
    """Pictures below the violin, each with a line from its place on the outline."""
    if not row.images:
        return
    values = np.array([image.value for image in row.images])
    places = spread_out(values, slot, span[0] + slot / 2, span[1] - slot / 2)
    feet = np.array([level - scale * row.summary.density_at(value) for value in values])
    top = level - _HALF - _GAP
    gap = np.full(len(values), np.nan)
    figure.add_trace(
        go.Scatter(
            x=np.stack([values, places, gap], axis=1).ravel(),
            y=np.stack([feet, np.full_like(feet, top), gap], axis=1).ravel(),
            mode="lines",
            line={"color": NEUTRAL, "width": 1},
            name=f"{row.title}: leaders",
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=places,
            y=np.full(len(values), top - _PICTURE / 2),
            mode="markers",
            marker={"size": 44, "symbol": "square", "color": row.colour, "opacity": 0},
            name=f"{row.title}: pictures",
            hovertext=[image.hover for image in row.images],
            hoverinfo="text",
        )
    )
    for image, place in zip(row.images, places, strict=True):
        figure.add_layout_image(
            source=image.uri,
            xref="x",
            yref="y",
            x=float(place),
            y=top,
            sizex=slot * 0.94,
            sizey=_PICTURE,
            xanchor="center",
            yanchor="top",
            sizing="contain",
            layer="above",
        )
