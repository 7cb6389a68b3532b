"""Violins of local distortion, the images at both ends beside their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from ldviz.figures.theme import NEUTRAL, apply_layout
from ldviz.figures.violin_density import DensitySummary, spread_out
from ldviz.figures.violin_outline import add_outline

HALF_HEIGHT = 0.42
_PICTURE_HEIGHT = 0.62
_PICTURE_GAP = 0.34
SLOTS = 11.0
_MARGIN = 0.03
_QUARTERS = ("Q1", "Q2", "Q3", "Q4")
_NARROW = 0.04
"""Share of the axis below which a quarter has no room for its name."""
_ROW_PIXELS = 190


@dataclass(frozen=True)
class EndImage:
    """One image that stands beside its place on a violin.

    Attributes:
        sample_id: carried as customdata, so that a click can be told.
        value: its local distortion.
        uri: the picture.
        hover: text when pointed at.
    """

    sample_id: int
    value: float
    uri: str
    hover: str


@dataclass(frozen=True)
class ViolinRow:
    """One class: its outline and the images at both ends.

    Attributes:
        title: such as "Members".
        colour: "#rrggbb".
        summary: the outline.
        images: from both ends, ascending by value.
        chosen: values of the chosen samples, marked beside the violin.
    """

    title: str
    colour: str
    summary: DensitySummary
    images: tuple[EndImage, ...] = ()
    chosen: tuple[float, ...] = ()


@dataclass(frozen=True)
class CurrentImage:
    """The image that is looked at: its place, and in which row (None: not shown here)."""

    sample_id: int
    value: float
    row: int | None


def distortion_violins(
    rows: Sequence[ViolinRow],
    *,
    rank: int,
    cuts: Sequence[float],
    current: CurrentImage | None = None,
    beside: Sequence[ViolinRow] = (),
    slots: float = SLOTS,
    choose_quarters: bool = True,
) -> go.Figure:
    """Horizontal violins on one axis and one density scale, members above held-out images.

    Args:
        rows: one or two; the first row's images stand above it, the last row's below.
        rank: how many singular values the distortion sums; named on the axis.
        cuts: the three cuts between quartiles, over all images.
        current: marked with a diamond.
        beside: rows of a figure next to this one, which then shares its axis and density scale.
        slots: pictures that the axis is wide enough for.
        choose_quarters: whether the quarters' names offer to choose their samples.

    Returns:
        For each row an outline, a bar from the lower to the upper quartile with the median,
        the leader lines, and markers on the outline and on the pictures, both with
        customdata [sample id]; the quarters' names, with customdata ["Q1"] to ["Q4"].
    """
    figure = go.Figure()
    every = (*rows, *beside)
    low = min(row.summary.ends[0] for row in every)
    high = max(row.summary.ends[1] for row in every)
    pad = _MARGIN * (high - low) or 1.0
    span = (low - pad, high + pad)
    peak = max(float(row.summary.density.max()) for row in every)
    levels = [float(len(rows) - 1 - index) for index in range(len(rows))]
    above = levels[0] + HALF_HEIGHT + _PICTURE_GAP
    below = levels[-1] - HALF_HEIGHT - _PICTURE_GAP
    bottom = below - _PICTURE_HEIGHT if len(rows) > 1 else levels[-1] - HALF_HEIGHT - 0.1
    top = above + _PICTURE_HEIGHT
    _add_cuts(figure, cuts, span, bottom, top, choose_quarters)
    for index, (row, level) in enumerate(zip(rows, levels, strict=True)):
        scale = HALF_HEIGHT / peak
        add_outline(figure, row, level, scale, hover="%{x:.2f} nats")
        upwards = index == 0
        edge = above if upwards else below
        _add_images(figure, row, level, scale, span, edge, upwards, slots)
        _add_chosen(figure, row, level - 0.47 if upwards else level + 0.47)
    if current is not None and current.row is not None:
        _add_current(figure, current, levels[current.row])
    figure.update_xaxes(
        title=f"Local distortion, rank {rank} (nats)",
        range=span,
        zeroline=False,
        showgrid=False,
        ticks="outside",
        fixedrange=True,
    )
    figure.update_yaxes(
        range=[bottom - 0.16, top + 0.04],
        tickvals=levels,
        ticktext=[f"<b>{row.title}</b><br>n = {row.summary.count:,}" for row in rows],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    apply_layout(figure, height=round(_ROW_PIXELS * (len(rows) + 0.75)), legend=False)
    figure.update_layout(margin={"l": 78, "r": 10, "t": 8, "b": 52}, dragmode=False)
    return figure


def _add_images(
    figure: go.Figure,
    row: ViolinRow,
    level: float,
    scale: float,
    span: tuple[float, float],
    edge: float,
    upwards: bool,
    slots: float,
) -> None:
    """Pictures beside their places, each with a leader line from its place on the outline."""
    if not row.images:
        return
    values = np.array([image.value for image in row.images])
    slot = (span[1] - span[0]) / max(slots, len(values) + 0.5)
    places = spread_out(values, slot, span[0] + slot / 2, span[1] - slot / 2)
    sign = 1.0 if upwards else -1.0
    feet = np.array([level + sign * scale * row.summary.density_at(v) for v in values])
    gap = np.full(len(values), np.nan)
    figure.add_trace(
        go.Scatter(
            x=np.stack([values, places, gap], axis=1).ravel(),
            y=np.stack([feet, np.full_like(feet, edge - sign * 0.03), gap], axis=1).ravel(),
            mode="lines",
            line={"color": NEUTRAL, "width": 1},
            name=f"{row.title}: leaders",
            hoverinfo="skip",
        )
    )
    ids = [[image.sample_id] for image in row.images]
    hover = [image.hover for image in row.images]
    keep = {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}
    figure.add_trace(
        go.Scatter(
            x=values,
            y=feet,
            mode="markers",
            marker={"size": 7, "color": row.colour, "line": {"color": "white", "width": 1}},
            name=f"{row.title}: places",
            customdata=ids,
            hovertext=hover,
            hoverinfo="text",
            **keep,
        )
    )
    invisible = {"marker": {"opacity": 0}}
    figure.add_trace(
        go.Scatter(
            x=places,
            y=np.full(len(values), edge + sign * _PICTURE_HEIGHT / 2),
            mode="markers",
            marker={"size": 46, "symbol": "square", "color": row.colour, "opacity": 0},
            name=f"{row.title}: pictures",
            customdata=ids,
            hovertext=hover,
            hoverinfo="text",
            selected=invisible,
            unselected=invisible,
        )
    )
    for image, place in zip(row.images, places, strict=True):
        figure.add_layout_image(
            source=image.uri,
            xref="x",
            yref="y",
            x=float(place),
            y=edge,
            sizex=slot * 0.92,
            sizey=_PICTURE_HEIGHT,
            xanchor="center",
            yanchor="bottom" if upwards else "top",
            sizing="contain",
            layer="above",
        )


def _add_cuts(
    figure: go.Figure,
    cuts: Sequence[float],
    span: tuple[float, float],
    bottom: float,
    top: float,
    choosable: bool,
) -> None:
    """Where quartiles are cut over both classes together, and their names between the cuts."""
    for cut in cuts:
        figure.add_shape(
            type="line",
            x0=cut,
            x1=cut,
            y0=bottom - 0.14,
            y1=top,
            line={"color": NEUTRAL, "width": 1, "dash": "dot"},
            layer="below",
        )
    edges = [span[0], *cuts, span[1]]
    narrow = _NARROW * (span[1] - span[0])
    invisible = {"marker": {"opacity": 0}, "textfont": {"color": NEUTRAL}}
    figure.add_trace(
        go.Scatter(
            x=[(left + right) / 2 for left, right in pairwise(edges)],
            y=[bottom - 0.09] * 4,
            mode="markers+text",
            text=[
                name if right - left > narrow else ""
                for name, (left, right) in zip(_QUARTERS, pairwise(edges), strict=True)
            ],
            textfont={"size": 12, "color": NEUTRAL},
            marker={"size": 30, "color": NEUTRAL, "opacity": 0},
            name="quarters",
            customdata=[[name] for name in _QUARTERS],
            hovertemplate="Choose the samples of %{customdata[0]}<extra></extra>"
            if choosable
            else None,
            hoverinfo=None if choosable else "skip",
            selected=invisible,
            unselected=invisible,
        )
    )


def _add_chosen(figure: go.Figure, row: ViolinRow, level: float) -> None:
    """A mark for every chosen sample of this row."""
    if not row.chosen:
        return
    figure.add_trace(
        go.Scatter(
            x=row.chosen,
            y=[level] * len(row.chosen),
            mode="markers",
            marker={
                "symbol": "line-ns-open",
                "size": 8,
                "color": row.colour,
                "line": {"width": 1},
                "opacity": 0.6,
            },
            name=f"{row.title}: chosen",
            hovertemplate="chosen: %{x:.2f} nats<extra></extra>",
        )
    )


def _add_current(figure: go.Figure, current: CurrentImage, level: float) -> None:
    """A diamond at the current image's place."""
    figure.add_trace(
        go.Scatter(
            x=[current.value],
            y=[level],
            mode="markers",
            marker={
                "symbol": "diamond",
                "size": 15,
                "color": "#F0E442",
                "line": {"color": "black", "width": 1.5},
            },
            name="current image",
            customdata=[[current.sample_id]],
            hovertemplate=f"Current image, {current.sample_id}: %{{x:.2f}} nats<extra></extra>",
        )
    )
