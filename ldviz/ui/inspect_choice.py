"""Which picture is inspected: one dropped in, or one of the study's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ldviz.study.pair import Pair
from ldviz.study.picture import FOREIGN_ID, prepare_picture
from ldviz.study.store import Study
from ldviz.ui.gallery import class_text
from ldviz.ui.state import change_view, current_image
from ldviz.ui.study_jobs import plain
from ldviz.ui.thumbnails import png_bytes

MAX_UPLOAD_MB = 64
SUFFIXES = ("png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "avif")

_SOURCES = {"own": "A picture of yours", "study": "One of the study's"}
_UPLOAD = "inspect-upload"
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


def picture_beside(pair: Pair, first: ChosenPicture) -> ChosenPicture:
    """The same picture, ready for the second study's model.

    An image of the first study is one of the second's where both hold the same images;
    otherwise it comes from elsewhere, as a picture that is dropped in.

    Raises:
        DataError: if the second study has no such pictures.
    """
    study = pair.second
    if first.row is not None and pair.same_images:
        return _chosen(
            study,
            study.images(first.row),
            first.title,
            (),
            first.row,
            first.sample_id,
            _own_told(study, first.row),
        )
    if first.row is None:
        file = st.session_state[_UPLOAD]
        name, content = file.name, file.getvalue()
    else:
        name, content = first.title, png_bytes(first.pixels)
    pixels, notes = prepare_picture(study, name, content)
    told = _ask_told(study, key="/other")
    return _chosen(study, pixels, first.title, notes, None, FOREIGN_ID, told)


def asked_for(chosen: Sequence[ChosenPicture]) -> str:
    """Names all that is asked for together, in any order."""
    return "/".join(sorted(one.identity for one in chosen))


def wants_result(*chosen: ChosenPicture) -> bool:
    """Whether to compute now; draws the button that asks for it where it is not clear."""
    asked = asked_for(chosen)
    at_once = all(one.row is None and one.told is None for one in chosen)
    stopped = st.session_state.get(_STOPPED) == asked
    if st.session_state.get(_WANTED) == asked or (at_once and not stopped):
        return True

    def want() -> None:
        st.session_state[_WANTED] = asked
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


def stop_result(asked: str) -> None:
    """Forget that pictures were asked for."""
    st.session_state.pop(_WANTED, None)
    st.session_state[_STOPPED] = asked


def _dropped(study: Study) -> ChosenPicture | None:
    file = st.file_uploader(
        "Drop a picture here",
        type=list(SUFFIXES),
        key=_UPLOAD,
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


def _ask_told(study: Study, *, key: str = "") -> str | int | None:
    """The caption or class that the denoiser is told of a picture from elsewhere."""
    model = study.manifest.model
    if model.conditioning is None or model.conditioning_used == "empty":
        return None
    if model.conditioning == "text":
        return st.text_input(
            f"Its caption, for {study.title}" if key else "Its caption",
            key=f"inspect-caption{key}",
            help="The denoiser was trained with captions, and the study's images are scored with "
            "theirs. Empty stands for no caption.",
        )
    names, labels = study.manifest.data.class_names, np.unique(study.labels).tolist()
    return st.selectbox(
        f"Its class, for {study.title}" if key else "Its class",
        labels,
        format_func=lambda label: str(label) if names is None else names[label],
        key=f"inspect-class{key}",
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
