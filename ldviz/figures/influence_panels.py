"""The influence of every latent dimension as one small map per channel."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ldviz.figures.influence_map import colour_scale
from ldviz.figures.theme import apply_layout

_MOST_COLUMNS = 4


def plot_influence_panels(influence: np.ndarray, *, panel_height: int = 190) -> go.Figure:
    """One map per latent channel on one scale, blue lowest to orange highest.

    Args:
        influence: (C, h, w) nats.
        panel_height: of each row of maps, in pixels.
    """
    channels = len(influence)
    columns = min(channels, _MOST_COLUMNS)
    rows = math.ceil(channels / columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[f"channel {channel}" for channel in range(channels)],
        horizontal_spacing=0.03,
        vertical_spacing=0.16 / rows,
    )
    for channel, values in enumerate(influence):
        figure.add_trace(
            go.Heatmap(
                z=np.asarray(values, dtype=np.float32),
                coloraxis="coloraxis",
                hovertemplate=f"channel {channel}, row %{{y}}, column %{{x}}: %{{z:.2f}} nats"
                "<extra></extra>",
            ),
            row=channel // columns + 1,
            col=channel % columns + 1,
        )
    figure.update_xaxes(visible=False, constrain="domain")
    for number in range(1, channels + 1):
        axis = "" if number == 1 else str(number)
        figure.update_layout(
            {
                f"yaxis{axis}": {
                    "visible": False,
                    "autorange": "reversed",
                    "scaleanchor": f"x{axis}",
                    "constrain": "domain",
                }
            }
        )
    figure.update_annotations(font_size=13)
    scale = colour_scale()
    stops = np.linspace(0.0, 1.0, len(scale))
    apply_layout(figure, height=94 + panel_height * rows, legend=False)
    return figure.update_layout(
        margin={"l": 8, "r": 8, "t": 52, "b": 8},
        coloraxis={
            "colorscale": [
                [float(stop), f"rgb({red},{green},{blue})"]
                for stop, (red, green, blue) in zip(stops, scale, strict=True)
            ],
            "colorbar": {
                "title": {"text": "influence, nats", "side": "top"},
                "orientation": "h",
                "thickness": 10,
                "x": 0.5,
                "y": -0.02,
                "yanchor": "top",
            },
        },
    )
