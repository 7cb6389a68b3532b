"""Which model and which images: the questions that ``analyze`` asks, on a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import streamlit as st

from ldviz.errors import InputError
from ldviz.jobs.own_study import start_look
from ldviz.jobs.record import JobRecord
from ldviz.jobs.uploads import MAX_UPLOAD_MB, keep_upload
from ldviz.study.manage import own_studies_folder
from ldviz.study.recipe import recipe_names

_KINDS = {
    "place": "On the server or the hub",
    "upload": "Send a zip",
    "recipe": "A recipe's",
}
_PRECISIONS = ("float32", "float16", "bfloat16")
_CONDITIONINGS = {"own": "each image's own", "empty": "the empty one for all"}
_SUFFIXES = ("zip", "tar", "gz", "tgz", "bz2")


@dataclass(frozen=True)
class Asked:
    """What the form holds.

    Attributes:
        model: fields of ModelSettings.
        images: a place or a recipe's name; empty where none is given yet.
        upload: name and bytes of an archive, or None.
        options: further arguments of ``own_recipe``.
    """

    model: dict[str, Any]
    images: str
    upload: tuple[str, bytes] | None
    options: dict[str, Any]

    def look(self) -> JobRecord:
        """Start to look at it.

        Raises:
            InputError, DataError, StudyError: if something is missing, too large, or there is
                nowhere to put a study.
        """
        if not self.model.get("source"):
            raise InputError("Name a model: a folder or file on the server, or a hub id.")
        images, options = self.images, dict(self.options)
        studies = own_studies_folder()
        if self.upload is not None:
            images = str(keep_upload(studies.absolute(), *self.upload))
        if not images:
            raise InputError("Name the images: a place on the server, a hub id, or send a zip.")
        return start_look(self.model, images, studies, **options)


def show_form() -> Asked:
    """Draw the questions."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("The model", anchor=False)
        model = _ask_model()
    with right:
        st.subheader("The images", anchor=False)
        images, upload = _ask_images()
        options = _ask_options()
    return Asked(model, images, upload, options)


def _ask_model() -> dict[str, Any]:
    source = st.text_input(
        "Folder, file or hub id",
        placeholder="path/to/pipeline or owner/name",
        key="add-model",
        persist_state="session",
        help="A Stable Diffusion, LDM or DiT pipeline; an autoencoder alone; vae_last.pt. "
        "Paths are the server's. No code that comes with a model is run.",
    )
    with st.expander("Parts from elsewhere, precision, conditioning"):
        denoiser = _text("Denoiser", "add-denoiser", "If it does not come with the model.")
        scheduler = _text("Noise schedule", "add-scheduler", "If it does not lie beside it.")
        revision = _text("Revision", "add-revision", "Branch, tag or commit of hub ids.")
        variant = _text("Variant", "add-variant", 'Of the weights, such as "fp16".')
        precision = st.selectbox(
            "Compute in", _PRECISIONS, key="add-precision", persist_state="session"
        )
        conditioning = st.selectbox(
            "Captions or classes",
            list(_CONDITIONINGS),
            format_func=_CONDITIONINGS.__getitem__,
            key="add-conditioning",
            persist_state="session",
            help="What a conditioned denoiser is told of each image.",
        )
    return {
        "source": source.strip(),
        "denoiser": denoiser,
        "scheduler": scheduler,
        "revision": revision,
        "variant": variant,
        "precision": precision,
        "conditioning": conditioning,
    }


def _ask_images() -> tuple[str, tuple[str, bytes] | None]:
    kind = st.segmented_control(
        "Where they are",
        list(_KINDS),
        default="place",
        required=True,
        format_func=_KINDS.__getitem__,
        key="add-images-kind",
        persist_state="session",
    )
    if kind == "recipe":
        return (
            st.selectbox(
                "Recipe",
                recipe_names(),
                key="add-recipe",
                persist_state="session",
                help="Its images, split and timesteps are taken.",
            ),
            None,
        )
    if kind == "upload":
        file = st.file_uploader(
            f"A zip or tar of images, at most {MAX_UPLOAD_MB} MB",
            type=list(_SUFFIXES),
            key="add-upload",
            max_upload_size=MAX_UPLOAD_MB,
            help="With the folders member and held_out, or one folder that is split at random. "
            "It is read without being unpacked, and deleted once the study is finished.",
        )
        return "", None if file is None else (PurePosixPath(file.name).name, file.getvalue())
    place = st.text_input(
        "Folder, archive or hub id",
        placeholder="path/to/images or owner/name",
        key="add-images",
        persist_state="session",
        help="With the folders member and held_out, or one folder that is split at random; a "
        "zip or tar; a data set saved by Hugging Face's datasets, or its hub id.",
    )
    return place.strip(), None


def _ask_options() -> dict[str, Any]:
    with st.expander("How many, at what size, what to call it"):
        name = _text("Name of the study", "add-name", "Empty: made from model and images.")
        count = st.number_input(
            "At most so many images",
            min_value=2,
            value=None,
            placeholder="all",
            key="add-num-images",
            persist_state="session",
        )
        size = st.number_input(
            "Side in pixels",
            min_value=1,
            value=None,
            placeholder="the model's",
            key="add-image-size",
            persist_state="session",
        )
        split = _text("Split file", "add-split", "npz with mia_train_idxs and mia_eval_idxs.")
    return {"name": name, "num_images": count, "image_size": size, "split_file": split}


def _text(label: str, key: str, help: str) -> str | None:
    return st.text_input(label, key=key, help=help, persist_state="session").strip() or None
