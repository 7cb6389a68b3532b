"""Pictures with a line below each: the inspected one, and those that resemble it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from ldviz.study.nearest import Neighbours, nearest_rows, usual_distances
from ldviz.study.picture import MeasuredPicture
from ldviz.study.store import Study
from ldviz.ui.inspect_choice import ChosenPicture
from ldviz.ui.thumbnails import thumbnail_uri

NUM_NEAREST = 6
_LARGE, _SMALL = 256, 96


@dataclass(frozen=True)
class Captioned:
    """A picture, its heading and a quieter line."""

    pixels: np.ndarray
    title: str
    detail: str = ""


@dataclass(frozen=True)
class NearestMembers:
    """The nearest members in one space.

    Attributes:
        space: "pixels" or "latents".
        found: rows and distances.
        usual: (k,) distances of held-out images to their nearest member, ascending.
    """

    space: str
    found: Neighbours
    usual: np.ndarray

    @property
    def nearer_than(self) -> float | None:
        """Share of held-out images that are farther from their nearest member than this one."""
        if not len(self.usual) or not len(self.found.rows):
            return None
        return float((self.usual > self.found.distances[0]).mean())


def show_strip(pictures: Sequence[Captioned], *, size: int) -> None:
    """Draw pictures in a row that wraps."""
    parts = "".join(
        f'<figure><img src="{thumbnail_uri(one.pixels, largest_side=_LARGE)}" '
        f'alt="{escape(one.title)}"><figcaption><b>{escape(one.title)}</b>'
        + (f"<small>{escape(one.detail)}</small>" if one.detail else "")
        + "</figcaption></figure>"
        for one in pictures
    )
    st.html(f'<div class="ldviz-strip" style="--side:{size}px">{_STYLE}{parts}</div>')


def show_pictures(chosen: ChosenPicture, result: MeasuredPicture, *, size: int = 216) -> None:
    """The picture, what decoding its latent gives back, and where the two differ."""
    difference = np.abs(result.pixels.astype(np.int16) - result.decoded.astype(np.int16))
    largest = int(difference.max())
    brightened = (difference * (255.0 / max(1, largest))).astype(np.uint8)
    height, width, _ = result.pixels.shape
    show_strip(
        [
            Captioned(result.pixels, "As the model sees it", f"{width} × {height} pixels"),
            Captioned(
                result.decoded,
                "Encoded and decoded",
                f"differs by {100 * result.error:.1f} % of the range (root mean square)",
            ),
            Captioned(
                brightened,
                "Where they differ",
                f"brightened: white is {100 * largest / 255:.0f} % of the range",
            ),
        ],
        size=size,
    )
    if chosen.notes:
        st.caption(f"Prepared as the study's images: {', '.join(chosen.notes)}.")


def nearest_members(
    study: Study, chosen: ChosenPicture, result: MeasuredPicture
) -> list[NearestMembers]:
    """The nearest members by pixels and by latents, the picture itself left out."""
    members = np.flatnonzero(study.is_member)
    members = members[members != (-1 if chosen.row is None else chosen.row)]
    return [
        NearestMembers(
            space,
            nearest_rows(array, picture, members, NUM_NEAREST, unit=unit),
            _usual(study.digest, space, unit, _array=array, _is_member=study.is_member),
        )
        for space, array, picture, unit in (
            ("pixels", study.array("images"), result.pixels, 255.0),
            ("latents", study.array("latents"), result.latent, 1.0),
        )
    ]


def show_nearest(study: Study, nearest: Sequence[NearestMembers]) -> None:
    """Two rows of members, each with its distance, and how near is usual."""
    for one in nearest:
        by_pixels = one.space == "pixels"
        st.markdown(f"**By {one.space}**")
        texts = [
            f"{100 * distance:.1f} %" if by_pixels else f"{distance:.3f}"
            for distance in one.found.distances
        ]
        show_strip(
            [
                Captioned(study.images(int(row)), text, f"image {study.sample_ids[row]}")
                for row, text in zip(one.found.rows, texts, strict=True)
            ],
            size=_SMALL,
        )
        unit = (
            "root mean square difference of the pixels, as a share of their range"
            if by_pixels
            else "root mean square difference of the latents, per dimension"
        )
        st.caption(f"Distance: {unit}. {_usual_text(one)}")


def _usual_text(one: NearestMembers) -> str:
    share = one.nearer_than
    if share is None:
        return ""
    if one.found.distances[0] == 0.0:
        return "**0: a member is the very same.**"
    half = float(np.median(one.usual))
    usual = f"{100 * half:.1f} %" if one.space == "pixels" else f"{half:.3f}"
    count = len(one.usual)
    where = (
        f"Not one of {count} held-out images is as far from its nearest member: this picture is "
        "of another kind"
        if share == 0.0
        else f"{round(share * count)} of {count} held-out images are farther from their nearest "
        "member than this picture is from its own"
    )
    return f"{where}. Half of them are farther than {usual}."


@st.cache_data(max_entries=8, show_spinner=False)
def _usual(
    digest: str, space: str, unit: float, *, _array: np.ndarray, _is_member: np.ndarray
) -> np.ndarray:
    return usual_distances(_array, _is_member, unit=unit)


_STYLE = """<style>
.ldviz-strip { display: flex; flex-wrap: wrap; gap: 14px; font-size: 14px; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
.ldviz-strip figure { margin: 0; width: var(--side); max-width: calc(50% - 7px); }
.ldviz-strip img { width: 100%; aspect-ratio: 1; object-fit: contain; display: block;
  image-rendering: pixelated; border-radius: 6px;
  outline: 1px solid color-mix(in srgb, currentColor 18%, transparent); outline-offset: -1px; }
.ldviz-strip figcaption { padding-top: 5px; }
.ldviz-strip b { display: block; font-weight: 600; }
.ldviz-strip small { display: block; font-size: 13px;
  color: color-mix(in srgb, currentColor 72%, transparent); }
</style>"""
