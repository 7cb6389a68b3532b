"""Influence over channels and cells, and where in the picture each of them acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import streamlit as st

from ldviz.figures.decoded_grid import png_uri
from ldviz.figures.influence_map import (
    action_sheet,
    colour_scale,
    influence_colours,
)
from ldviz.study.store import Study
from ldviz.ui.latent_grid_directions import image_maps
from ldviz.ui.latent_grid_planes import DimensionNames


def show_cells(study: Study, row: int, *, key: str = "grid-cells") -> None:
    """The component for an image."""
    data = _data(study.digest, row, _study=study, _maps=image_maps(study, row))
    _component()(key=key, data=data)
    st.caption(
        "Small maps: influence of every latent dimension, one map per channel, over the picture "
        "that is decoded from them. Point at a cell, or tap it: in the large picture the bright "
        "pixels are those that it moves, |∂D/∂z_i|. A cell reaches its own patch and a little "
        "around it; what differs by channel and place is how strongly."
    )


def cells_data(study: Study, row: int, maps: np.ndarray) -> dict[str, Any]:
    """What the component draws of one image.

    Args:
        study, row: the image.
        maps: (d, H, W) where each dimension acts.
    """
    names = DimensionNames.of(study, row)
    sheet, columns = action_sheet(maps)
    image = study.images([row])[0]
    return {
        "key": f"{study.digest[:12]}/{row}",
        "shape": list(study.latent_shape),
        "influence": [round(float(value), 4) for value in names.influence],
        "rank": names.rank.tolist(),
        "colours": influence_colours(names.influence).tolist(),
        "scale": colour_scale().tolist(),
        "image": png_uri(image),
        "tiles": png_uri(sheet),
        "tile_columns": columns,
        "width": sheet.shape[1] // columns,
        "height": sheet.shape[0] // -(-len(maps) // columns),
        "peaks": [round(float(peak), 6) for peak in maps.max(axis=(1, 2))],
    }


@st.cache_data(max_entries=8, show_spinner=False)
def _data(digest: str, row: int, *, _study, _maps) -> dict[str, Any]:
    return cells_data(_study, row, _maps)


@cache
def _component() -> Callable[..., Any]:
    """The registered component, its files read once per process."""
    folder = resources.files("ldviz.ui") / "components" / "latent_cells"
    return st.components.v2.component(
        "ldviz.latent_cells",
        html=(folder / "latent_cells.html").read_text("utf-8"),
        css=(folder / "latent_cells.css").read_text("utf-8"),
        js=(folder / "latent_cells.js").read_text("utf-8"),
    )
