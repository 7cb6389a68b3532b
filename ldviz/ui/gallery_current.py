"""The current image, large, with what is known of it."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from ldviz.study.store import Study
from ldviz.ui.gallery import CLASS_COLOURS, ImageFacts, class_text, image_lines, score_text
from ldviz.ui.thumbnails import thumbnail_uri

_LARGEST_SIDE = 256


def show_current_image(
    study: Study, facts: ImageFacts, row: int, *, heading: str = "Current image, on every page"
) -> None:
    """Draw the image at this row of the study."""
    is_member = bool(study.is_member[row])
    colour = CLASS_COLOURS[is_member]
    fill = colour if is_member else "transparent"
    lines = [
        f"<b>Image {study.sample_ids[row]}</b>",
        f'<i style="border-color:{colour};background:{fill}"></i>{class_text(study, row)}'
        + ("" if study.labels is None else f", class {study.labels[row]}"),
    ]
    if facts.distortion is not None:
        value = f"{facts.distortion[row]:.2f}".replace("-", "−")
        lines.append(f"distortion {value} nats{_standing(facts.distortion, row)}")
    if facts.scores is not None:
        lines.append(f"score {score_text(facts.scores[row])}{_standing(facts.scores, row)}")
    alt = escape(", ".join(image_lines(study, facts, row)))
    uri = thumbnail_uri(study.images(row), largest_side=_LARGEST_SIDE)
    st.html(
        f'<div class="ldviz-current">{_STYLE}<img src="{uri}" alt="{alt}"><div>'
        f"<small>{escape(heading)}</small>"
        f"{''.join(f'<p>{line}</p>' for line in lines)}</div></div>"
    )


def _standing(values: np.ndarray, row: int) -> str:
    """Where a value stands among all, in words."""
    below = int((values < values[row]).sum())
    above = int((values > values[row]).sum())
    if not above:
        words = f"the highest of {len(values):,}"
    elif not below:
        words = f"the lowest of {len(values):,}"
    else:
        words = f"above {100 * below // len(values)} % of all images"
    return f"<small>{words}</small>"


_STYLE = """<style>
.ldviz-current { display: flex; flex-wrap: wrap; gap: 8px 14px; font-size: 14px;
  line-height: 1.4; font-variant-numeric: tabular-nums; }
.ldviz-current img { flex: 0 1 200px; width: 100%; max-width: 200px; min-width: 110px;
  aspect-ratio: 1; object-fit: contain; image-rendering: pixelated; border-radius: 8px;
  outline: 1px solid color-mix(in srgb, currentColor 18%, transparent); outline-offset: -1px; }
.ldviz-current > div { flex: 1 1 140px; }
.ldviz-current p { margin: 2px 0; }
.ldviz-current b { font-size: 17px; }
.ldviz-current i { display: inline-block; width: 10px; height: 10px; margin-right: 6px;
  border: 2px solid; border-radius: 50%; }
.ldviz-current small { display: block; font-size: 12.5px;
  color: color-mix(in srgb, currentColor 70%, transparent); }
</style>"""
