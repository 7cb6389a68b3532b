"""What was recognised of a model and images, what a study will cost, and its start."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ldviz.errors import InputError
from ldviz.jobs.own_study import start_analysis
from ldviz.jobs.record import JobRecord, load_record
from ldviz.jobs.start import cancel_job
from ldviz.study.manage import own_studies_folder
from ldviz.study.recipe import Recipe
from ldviz.ui.numbers_facts import Fact, show_facts
from ldviz.ui.study_jobs import plain

LOOK = "add-look"
_POLL_SECONDS = 0.5
_NO_PIPELINE = "recognised: parts"
"""Says no more than the parts themselves."""


def show_look() -> None:
    """Progress, then the card and the button that starts; nothing before a look was asked for."""
    key = st.session_state.get(LOOK)
    if key is None:
        return
    record = load_record(key)
    if record is None:
        st.session_state.pop(LOOK)
        return
    if not record.finished:
        _show_progress(key)
        return
    if record.state == "cancelled":
        st.session_state.pop(LOOK)
        return
    if record.result is not None:
        _show_found(record)
    if record.state == "failed":
        raise InputError(record.message)
    _show_start(record)


@st.fragment(run_every=_POLL_SECONDS)
def _show_progress(key: str) -> None:
    record = load_record(key)
    if record is None or record.finished:
        st.rerun()
    st.progress(record.share, text=f"Looking: {record.what}")
    if record.result is not None:
        _show_found(record)
    st.button("Cancel", key="add-look-cancel", on_click=cancel_job, args=(key,))


def _show_found(record: JobRecord) -> None:
    """The card of what was recognised so far."""
    found = record.result
    recipe = Recipe.model_validate(found["recipe"])
    st.subheader(f"Recognised: {plain(recipe.title)}", anchor=False)
    show_facts(
        [
            ("Model", [_fact(line) for line in found["model"] if line != _NO_PIPELINE]),
            ("Images", _image_facts(recipe, found)),
            *([("Cost", [_cost(line) for line in found["cost"]])] if found["cost"] else []),
        ]
    )


def _image_facts(recipe: Recipe, found: dict[str, Any]) -> list[Fact]:
    size = recipe.data.image_size
    told = [word for word in ("captions", "classes") if found[word]]
    facts = [
        ("Place", found["place"]),
        ("Members", f"{found['members']:,}"),
        ("Held-out", f"{found['held_out']:,}"),
        ("Brought to", f"{size} × {size} pixels"),
        ("With", " and ".join(told) or "neither captions nor classes"),
    ]
    return facts + [(f"Left alone, {why}", f"{count:,}") for why, count in found["ignored"].items()]


def _fact(line: str) -> Fact:
    """ "autoencoder: AutoencoderKL" as a name and a value."""
    name, _, value = line.partition(": ")
    return name[:1].upper() + name[1:], value or "yes"


def _cost(line: str) -> Fact:
    """ "time      about 3 min on cpu" as a name and a value."""
    name, _, value = line.partition(" ")
    return name[:1].upper() + name[1:], value.strip()


def _show_start(record: JobRecord) -> None:
    recipe = Recipe.model_validate(record.result["recipe"])
    folder = own_studies_folder() / recipe.name
    if folder.exists():
        st.warning(
            f'There is a study "{recipe.name}" already. If it is this very one, it is continued; '
            "if not, nothing is touched and you are told. To make another, give it a name.",
            icon=":material/folder:",
        )

    def start() -> None:
        start_analysis(folder, recipe)
        st.session_state.pop(LOOK)

    st.button(
        "Start the analysis",
        key="add-start",
        type="primary",
        icon=":material/play_arrow:",
        on_click=start,
        help="It runs in the background, whatever page you look at, and when you close it.",
    )
