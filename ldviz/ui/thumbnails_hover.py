"""Pictures on hover over a Plotly chart, which itself can show only text.

A component without a face of its own: it listens to the chart inside a keyed container and
shows a card with the image that is pointed at.  The chart's points carry the sample id first
in their customdata.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import streamlit as st

from ldviz.study.store import Study
from ldviz.ui.gallery import CLASS_TITLES, ImageFacts, score_text
from ldviz.ui.thumbnails import SpriteSheet, sprite_sheet


def hover_payload(
    study: Study, facts: ImageFacts, sheet: SpriteSheet | None, container: str
) -> dict[str, Any]:
    """What the component needs: where to listen, the sheet, and a few words per image."""
    lines: list[dict[str, Any]] = [{"title": "Image", "values": study.sample_ids.tolist()}]
    lines.append(
        {
            "title": "",
            "values": study.is_member.astype(int).tolist(),
            "names": [CLASS_TITLES[False], CLASS_TITLES[True]],
        }
    )
    if study.labels is not None:
        lines.append({"title": "class", "values": study.labels.tolist()})
    if facts.distortion is not None:
        lines.append(
            {"title": "distortion", "values": [f"{value:.2f}" for value in facts.distortion]}
        )
    if facts.scores is not None:
        lines.append({"title": "score", "values": [score_text(value) for value in facts.scores]})
    return {
        "container": container,
        "ids": study.sample_ids.tolist(),
        "sprite": None
        if sheet is None
        else {"uri": sheet.uri, "columns": sheet.columns, "side": sheet.side},
        "lines": lines,
    }


def show_hover_cards(study: Study, facts: ImageFacts, *, container: str, key: str) -> None:
    """Show images on hover over the chart in ``st.container(key=container)``."""
    sheet = _sheet(study, study.digest)
    # In a list, as the gallery's: the values of a dict are searched for data frames.
    _component()(data=[hover_payload(study, facts, sheet, container)], key=key)


@st.cache_data(max_entries=4, show_spinner=False)
def _sheet(_study: Study, digest: str) -> SpriteSheet | None:
    return sprite_sheet(_study.images(np.arange(_study.num_samples)))


@cache
def _component() -> Callable[..., Any]:
    """The registered component, its files read once per process."""
    folder = resources.files("ldviz.ui") / "components" / "hover_cards"
    return st.components.v2.component(
        "ldviz.hover_cards",
        html=(folder / "hover_cards.html").read_text("utf-8"),
        css=(folder / "hover_cards.css").read_text("utf-8"),
        js=(folder / "hover_cards.js").read_text("utf-8"),
    )
