"""Figures that stand side by side get the same axes, so that they can be compared by eye."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

_PAD = 0.04

Ends = tuple[float, float]


def share_axes(figures: Sequence[go.Figure], axes: Sequence[str] = ("x", "y")) -> None:
    """Give every figure the same range on each of some axes, in place.

    The range holds what each figure shows: its own fixed range where it has one, else the
    extent of its traces with a margin, from zero where the axis starts there.

    Args:
        figures: of one kind; the same axis is linear in all or logarithmic in all.
        axes: as traces name them: "x", "y", "y2".  An axis without numbers is left alone.
    """
    for axis in axes:
        name = f"{axis[0]}axis{axis[1:]}"
        settings = [_settings(figure, name) for figure in figures]
        shown = [
            ends
            for figure, own in zip(figures, settings, strict=True)
            if (ends := _shown(figure, axis, own)) is not None
        ]
        if not shown:
            continue
        low, high = min(low for low, _ in shown), max(high for _, high in shown)
        if all(own.range is None for own in settings):
            margin = _PAD * (high - low) or _PAD
            starts_at_zero = low >= 0 and settings[0].rangemode == "tozero"
            low, high = 0.0 if starts_at_zero else low - margin, high + margin
        for figure in figures:
            figure.update_layout({name: {"range": [low, high]}})


def _settings(figure: go.Figure, name: str):
    """An axis of a figure; the defaults where the figure does not have it."""
    return figure.layout[name] if name in figure.layout else go.layout.YAxis()


def _shown(figure: go.Figure, axis: str, settings) -> Ends | None:
    """From where to where a figure's axis reaches, in log10 on logarithmic axes."""
    if settings.range is not None:
        low, high = sorted(float(end) for end in settings.range)
        return low, high
    parts = [
        _numbers(trace[axis[0]], settings.type == "log")
        for trace in figure.data
        if (trace[f"{axis[0]}axis"] or axis[0]) == axis
    ]
    values = np.concatenate([np.empty(0), *parts])
    return (float(values.min()), float(values.max())) if values.size else None


def _numbers(values, logarithmic: bool) -> np.ndarray:
    """The finite numbers among a trace's coordinates; none for categories."""
    try:
        numbers = np.asarray([] if values is None else values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return np.empty(0)
    if logarithmic:
        numbers = np.log10(numbers[numbers > 0])
    return numbers[np.isfinite(numbers)]
