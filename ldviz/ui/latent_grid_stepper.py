"""The current image in one line, and the way to its neighbours by distortion."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ldviz.figures.decoded_grid import png_uri
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.compare import choose_second_image, second_image
from ldviz.ui.state import change_view, current_image

_RANK = "grid-distortion-rank"
_THUMBNAIL_PIXELS = 88
# With the thumbnail, still one line on a phone.
_WORDS_PIXELS = 236


def show_stepper(study: Study, *, second: Pair | None = None) -> int:
    """Show which image is looked at, and step by rank of distortion; returns its row.

    Args:
        study: whose image.
        second: the pair, where the study is its second one and has an image of its own.
    """
    row = current_image(study) if second is None else second_image(second)
    suffix = "" if second is None else "/other"
    distortion = study.local_distortion()
    by_rank = np.argsort(-distortion, kind="stable")
    rank = int(np.flatnonzero(by_rank == row)[0]) + 1
    # The widget follows the view: a link or another page may have changed the image.
    st.session_state[_RANK + suffix] = rank

    def go(to: int) -> None:
        sample_id = int(study.sample_ids[by_rank[to - 1]])
        if second is None:
            change_view(undoable=False, image=sample_id)
        else:
            choose_second_image(second, sample_id)

    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.image(
            enlarged_uri(study.images([row])[0], _THUMBNAIL_PIXELS),
            width=_THUMBNAIL_PIXELS,
            alt=f"Image {study.sample_ids[row]}",
        )
        with st.container(width=_WORDS_PIXELS, gap="xsmall"):
            st.markdown(describe_image(study, row))
            st.caption(
                f"local distortion **{distortion[row]:+.2f} nats** "
                f"(rank\u00a0k\u00a0=\u00a0{study.manifest.geometry.rank}), "
                f"{place_by_distortion(rank)} of {study.num_samples:,}"
            )
        st.space("stretch")
        with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
            st.button(
                "Higher",
                icon=":material/chevron_left:",
                key=f"grid-previous{suffix}",
                disabled=rank == 1,
                on_click=go,
                args=(rank - 1,),
            )
            st.number_input(
                "By distortion",
                1,
                study.num_samples,
                key=_RANK + suffix,
                on_change=lambda: go(st.session_state[_RANK + suffix]),
                width=130,
                help="Place of the image in descending order of local distortion: 1 is highest.",
            )
            st.button(
                "Lower",
                icon=":material/chevron_right:",
                icon_position="right",
                key=f"grid-next{suffix}",
                disabled=rank == study.num_samples,
                on_click=go,
                args=(rank + 1,),
            )
    return row


def enlarged_uri(pixels: np.ndarray, width: int) -> str:
    """(H, W, c) uint8 as a PNG of about ``width`` pixels or more, every pixel kept sharp."""
    scale = max(1, -(-2 * width // pixels.shape[1]))
    return png_uri(pixels.repeat(scale, axis=0).repeat(scale, axis=1))


def describe_image(study: Study, row: int) -> str:
    """Id, class and membership."""
    parts = [f"**Image {study.sample_ids[row]}**"]
    if study.labels is not None:
        parts.append(f"class {study.labels[row]}")
    parts.append("member" if study.is_member[row] else "held-out")
    return " · ".join(parts)


def place_by_distortion(place: int) -> str:
    """1 -> "highest", 2 -> "2nd highest": a place in descending order."""
    if place == 1:
        return "highest"
    teens = place % 100 in (11, 12, 13)
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{ending} highest"
