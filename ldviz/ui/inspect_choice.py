"""Which picture is inspected: one dropped in, or one of the study's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ldviz.study.picture import FOREIGN_ID, prepare_picture
from ldviz.study.store import Study
from ldviz.ui.gallery import class_text
from ldviz.ui.state import change_view, current_image
from ldviz.ui.study_jobs import plain

MAX_UPLOAD_MB = 64
SUFFIXES = ("png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "avif")

_SOURCES = {"own": "A picture of yours", "study": "One of the study's"}
_WANTED, _STOPPED = "inspect-wanted", "inspect-stopped"


@dataclass(frozen=True)
class ChosenPicture:
    """A picture, ready for the study's model.

    Attributes:
        pixels: (H, W, c) uint8.
        title: what it is called on the page.
        notes: what was done to it, in words.
        row: of the study, or None for a picture from elsewhere.
        sample_id: of the study, or the id of foreign pictures.
        told: caption or class for the denoiser; None for none.
        identity: digest of all that the result depends on.
    """

    pixels: np.ndarray
    title: str
    notes: tuple[str, ...]
    row: int | None
    sample_id: int
    told: str | int | None
    identity: str


def choose_picture(study: Study) -> ChosenPicture | None:
    """The controls; None until there is a picture.

    Raises:
        DataError: if what was dropped in is no picture that can be used.
        StudyError: if the study has no such image.
    """
    source = st.segmented_control(
        "Inspect",
        list(_SOURCES),
        default="own",
        required=True,
        format_func=_SOURCES.__getitem__,
        key="inspect-source",
        persist_state="session",
    )
    return _of_study(study) if source == "study" else _dropped(study)


def wants_result(chosen: ChosenPicture) -> bool:
    """Whether to compute now; draws the button that asks for it where it is not clear."""
    at_once = chosen.row is None and chosen.told is None
    stopped = st.session_state.get(_STOPPED) == chosen.identity
    if st.session_state.get(_WANTED) == chosen.identity or (at_once and not stopped):
        return True

    def want() -> None:
        st.session_state[_WANTED] = chosen.identity
        st.session_state.pop(_STOPPED, None)

    st.button(
        "Inspect this picture",
        key="inspect-start",
        type="primary",
        icon=":material/play_arrow:",
        on_click=want,
        help="Runs the study's real model on it; a moment for small models.",
    )
    return False


def stop_result(identity: str) -> None:
    """Forget that a picture was asked for."""
    st.session_state.pop(_WANTED, None)
    st.session_state[_STOPPED] = identity


def _dropped(study: Study) -> ChosenPicture | None:
    file = st.file_uploader(
        "Drop a picture here",
        type=list(SUFFIXES),
        key="inspect-upload",
        max_upload_size=MAX_UPLOAD_MB,
        help="It is brought to the size and the colours of the study's images. It stays in the "
        "server's memory while you look at it, and is stored nowhere.",
    )
    if file is None:
        return None
    pixels, notes = prepare_picture(study, file.name, file.getvalue())
    told = _ask_told(study)
    return _chosen(study, pixels, f'"{plain(file.name)}"', notes, None, FOREIGN_ID, told)


def _of_study(study: Study) -> ChosenPicture:
    ids = study.sample_ids
    st.session_state["inspect-id"] = int(ids[current_image(study)])

    def choose() -> None:
        change_view(image=int(st.session_state["inspect-id"]))

    st.number_input(
        "Image number",
        min_value=int(ids.min()),
        max_value=int(ids.max()),
        step=1,
        key="inspect-id",
        on_change=choose,
        width=220,
        help="The current image of every page; other pages offer galleries to choose it from.",
    )
    row = current_image(study)
    return _chosen(
        study,
        study.images(row),
        f"image {ids[row]}, {class_text(study, row)}",
        (),
        row,
        int(ids[row]),
        _own_told(study, row),
    )


def _ask_told(study: Study) -> str | int | None:
    """The caption or class that the denoiser is told of a picture from elsewhere."""
    model = study.manifest.model
    if model.conditioning is None or model.conditioning_used == "empty":
        return None
    if model.conditioning == "text":
        return st.text_input(
            "Its caption",
            key="inspect-caption",
            help="The denoiser was trained with captions, and the study's images are scored with "
            "theirs. Empty stands for no caption.",
        )
    names, labels = study.manifest.data.class_names, np.unique(study.labels).tolist()
    return st.selectbox(
        "Its class",
        labels,
        format_func=lambda label: str(label) if names is None else names[label],
        key="inspect-class",
        help="The denoiser was trained with classes, and the study's images are scored with "
        "theirs.",
    )


def _own_told(study: Study, row: int) -> str | int | None:
    model = study.manifest.model
    if model.conditioning is None or model.conditioning_used == "empty":
        return None
    return study.captions[row] if model.conditioning == "text" else int(study.labels[row])


def _chosen(
    study: Study,
    pixels: np.ndarray,
    title: str,
    notes: tuple[str, ...],
    row: int | None,
    sample_id: int,
    told: str | int | None,
) -> ChosenPicture:
    parts = f"{study.digest}/{sample_id}/{told!r}/".encode() + pixels.tobytes()
    identity = hashlib.sha256(parts).hexdigest()
    return ChosenPicture(pixels, title, notes, row, sample_id, told, identity)
