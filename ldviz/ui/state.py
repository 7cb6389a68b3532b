"""The session's view: read from the link once, changed by pages, written back to the link."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ldviz.attacks import get_attack
from ldviz.errors import NotApplicableError, StudyError
from ldviz.study.store import Study
from ldviz.ui.resources import available_studies
from ldviz.view import History, View

_VIEW, _HISTORY, _PROBLEMS = "ldviz-view", "ldviz-history", "ldviz-link-problems"
FIRST_STUDY = "digits"


def current_view() -> View:
    """The session's view; on the session's first run, what the link asks for."""
    if _VIEW not in st.session_state:
        view, problems = View.from_query(st.query_params.to_dict())
        st.session_state[_VIEW] = view
        st.session_state[_PROBLEMS] = problems
    return st.session_state[_VIEW]


def link_problems() -> list[str]:
    """What could not be used of the link that opened the session."""
    return st.session_state.get(_PROBLEMS, [])


def dismiss_link_problems() -> None:
    """Forget the link's problems once they have been read."""
    st.session_state[_PROBLEMS] = []


def change_view(*, undoable: bool = True, **changes: Any) -> View:
    """Replace fields of the session's view; a change that changes nothing is not recorded."""
    before = current_view()
    after = before.changed(**changes)
    if after != before:
        if undoable:
            history().record(before)
        st.session_state[_VIEW] = after
    return after


def choose_study(name: str | None) -> None:
    """Look at another study, or at the first one; what is of the present one is let go."""
    mask = current_view().mask
    change_view(
        study=name,
        timestep=None,
        attack=None,
        image=None,
        selection=(),
        mask=mask.model_copy(update={"channels_off": (), "cells_off": (), "dims_off": ()}),
    )


def history() -> History:
    """The session's undo and redo."""
    if _HISTORY not in st.session_state:
        st.session_state[_HISTORY] = History()
    return st.session_state[_HISTORY]


def undo() -> None:
    """Step back to the view before the last undoable change."""
    st.session_state[_VIEW] = history().undo(current_view())


def redo() -> None:
    """Step forward again."""
    st.session_state[_VIEW] = history().redo(current_view())


def sync_link() -> None:
    """Make the browser's address restore the present view."""
    query = current_view().to_query()
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def current_study() -> Study:
    """The study that is looked at.

    Raises:
        StudyError: if the chosen one is damaged or unknown, or there is none at all.
    """
    studies, failures = available_studies()
    name = current_view().study
    if name is None:
        if not studies:
            raise StudyError(
                "There is no study to show. Train one (python -m ldviz train digits, then "
                "python -m ldviz analyze digits), or restore assets/studies."
            )
        return studies.get(FIRST_STUDY) or next(iter(studies.values()))
    if name in studies:
        return studies[name]
    if name in failures:
        raise StudyError(failures[name])
    raise StudyError(
        f'There is no study "{name}" here. Choose one in the sidebar: {", ".join(studies)}.'
    )


def current_image(study: Study) -> int:
    """Row of the current image; the sample of highest distortion until one is chosen."""
    image = current_view().image
    if image is not None:
        return study.position(image)
    return int(study.local_distortion().argmax())


def current_attack(study: Study) -> tuple[str, int | None]:
    """The attack and timestep that are looked at, defaults filled in.

    Raises:
        NotApplicableError: where there is nothing to attack.
        InputError: for an unknown attack or a timestep that it is not defined at.
    """
    view = current_view()
    name = view.attack or study.default_attack
    if study.manifest.model.num_train_timesteps == 0:
        raise NotApplicableError(
            f"**{study.title}** is an autoencoder without a denoiser, so there is nothing to "
            "attack. Its geometry is on the pages Distortion, Latent map and Latent grid; an "
            "attack needs the denoiser that was trained on its latents."
        )
    if name is None:
        raise NotApplicableError(
            f"**{study.title}** was stored without an attack. Its geometry is on the pages "
            "Distortion, Latent map and Latent grid."
        )
    attack = get_attack(name)
    if not attack.has_timesteps:
        return name, None
    timestep = study.default_timestep if view.timestep is None else view.timestep
    return name, attack.checked_timestep(timestep, study.manifest.model.num_train_timesteps)
