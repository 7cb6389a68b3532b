"""A gallery of images to choose from: one component, small pictures, keyboard and alt text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.figures.theme import HELD_OUT, MEMBER
from ldviz.study.store import Study
from ldviz.ui.numbers_study import image_scores
from ldviz.ui.state import change_view
from ldviz.ui.thumbnails import thumbnail_uri

CLASS_TITLES = {True: "member", False: "held-out"}
CLASS_COLOURS = {True: MEMBER, False: HELD_OUT}


@dataclass(frozen=True)
class ImageFacts:
    """What is known of the images of a study, by row.

    Attributes:
        distortion: (n,) local distortion in nats; None without geometry.
        scores: (n,) membership scores; None where there are none.
    """

    distortion: np.ndarray | None
    scores: np.ndarray | None


@dataclass(frozen=True)
class GalleryGroup:
    """A titled row of images.

    Attributes:
        title, detail: heading, and a quieter remark beside it.
        rows: positions in the study, in the order shown.
        empty: what to say where there are none.
    """

    title: str
    detail: str
    rows: Sequence[int]
    empty: str = "No images."


def image_facts(study: Study) -> ImageFacts:
    """Local distortion and default score of every image, where the study has them."""
    has_geometry = study.manifest.geometry is not None
    return ImageFacts(
        distortion=study.local_distortion() if has_geometry else None, scores=image_scores(study)
    )


def choose_image(sample_id: int) -> None:
    """Make an image the current one, on every page."""
    change_view(image=sample_id)


def score_note(study: Study) -> str:
    """What "score" means below an image."""
    if study.default_attack is None:
        return "Scores are not available: the study has no attack."
    at = "" if study.default_timestep is None else f" at timestep {study.default_timestep}"
    title = get_attack(study.default_attack).title
    return f"Score: {title}{at}, without a mask; higher speaks for a member."


def score_text(score: float) -> str:
    """A membership score with three digits that count: scores have no natural scale."""
    text = f"{score:,.0f}" if 1000 <= abs(score) < 1e6 else f"{score:#.3g}".rstrip(".")
    return text.replace("-", "−")


def class_text(study: Study, row: int) -> str:
    """ "member", "held-out"."""
    return CLASS_TITLES[bool(study.is_member[row])]


def image_lines(study: Study, facts: ImageFacts, row: int) -> list[str]:
    """What is said of an image wherever it is pointed at: one fact a line."""
    lines = [f"Image {study.sample_ids[row]}, {class_text(study, row)}"]
    if study.labels is not None:
        lines.append(f"class {study.labels[row]}")
    if facts.distortion is not None:
        lines.append(f"local distortion {facts.distortion[row]:.2f} nats".replace("-", "−"))
    if facts.scores is not None:
        lines.append(f"score {score_text(facts.scores[row])}")
    return lines


def gallery_payload(
    study: Study, facts: ImageFacts, groups: Sequence[GalleryGroup], current: int | None
) -> dict[str, Any]:
    """What the component draws; ``current`` is the chosen image's sample id."""
    return {
        "current": current,
        "groups": [
            {
                "title": group.title,
                "detail": group.detail,
                "empty": group.empty,
                "items": [_item(study, facts, int(row)) for row in group.rows],
            }
            for group in groups
        ],
    }


def show_gallery(
    study: Study,
    facts: ImageFacts,
    groups: Sequence[GalleryGroup],
    *,
    current: int | None,
    key: str,
    on_choose: Callable[[int], None] = choose_image,
) -> None:
    """Draw a gallery.

    Args:
        study, facts: the images and what is written below them.
        groups: titled rows; at most a few dozen images in all.
        current: sample id of the image marked as chosen.
        key: of the component.
        on_choose: called with a sample id before the run that draws the choice.
    """

    def chosen() -> None:
        value = st.session_state[key].get("chosen")
        if isinstance(value, int | float) and int(value) in study.sample_ids:
            on_choose(int(value))

    # In a list: the values of a dict are searched for data frames, which imports pandas.
    _component()(
        data=[gallery_payload(study, facts, groups, current)], key=key, on_chosen_change=chosen
    )


def _item(study: Study, facts: ImageFacts, row: int) -> dict[str, Any]:
    """One image: picture, words, and the mark of its class."""
    is_member = bool(study.is_member[row])
    lines = image_lines(study, facts, row)
    below = [] if facts.scores is None else [f"score {score_text(facts.scores[row])}"]
    value = (
        str(study.sample_ids[row])
        if facts.distortion is None
        else f"{facts.distortion[row]:.2f} nats".replace("-", "−")
    )
    return {
        "id": int(study.sample_ids[row]),
        "src": thumbnail_uri(study.images(row)),
        "alt": ", ".join(lines),
        "title": lines[0],
        "value": value,
        "kind": CLASS_TITLES[is_member],
        "filled": is_member,
        "colour": CLASS_COLOURS[is_member],
        "lines": below,
    }


@cache
def _component() -> Callable[..., Any]:
    """The registered component, its files read once per process."""
    folder = resources.files("ldviz.ui") / "components" / "gallery"
    return st.components.v2.component(
        "ldviz.gallery",
        html=(folder / "gallery.html").read_text("utf-8"),
        css=(folder / "gallery.css").read_text("utf-8"),
        js=(folder / "gallery.js").read_text("utf-8"),
    )
