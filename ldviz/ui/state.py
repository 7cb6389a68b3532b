"""The session's view: read from the link once, changed by pages, written back to the link."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ldviz.attacks import get_attack
from ldviz.attacks.masks import MaskSpec
from ldviz.errors import NotApplicableError, StudyError
from ldviz.study.sampled import LARGE_STUDY
from ldviz.study.store import Study
from ldviz.ui.resources import available_studies, sampled
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
    """Look at another study, or at the first one; what is of the present one is let go.

    A study that stands beside it stays there; if it is the one that is chosen, the two swap.
    """
    view = current_view()
    change_view(
        study=name,
        other=_present_name() if view.other == name else view.other,
        timestep=None,
        attack=None,
        image=None,
        selection=(),
        mask=_without_places(view.mask),
    )


def compare_with(name: str | None) -> None:
    """Set another study beside the one that is looked at; None takes it away."""
    change_view(undoable=False, other=name)


def swap_studies(study: Study, other: Study) -> None:
    """Let the two that are compared change places; attack and timestep stay where stored."""
    view = current_view()
    attack = view.attack or study.default_attack
    timestep = study.default_timestep if view.timestep is None else view.timestep
    if attack is None or not get_attack(attack).has_timesteps:
        timestep = None
    stored = timestep in other.stored_timesteps(attack)
    fits = study.latent_shape == other.latent_shape
    change_view(
        study=other.name,
        other=study.name,
        attack=attack if stored and attack != other.default_attack else None,
        timestep=timestep if stored and timestep != other.default_timestep else None,
        image=None,
        selection=(),
        mask=view.mask if fits else _without_places(view.mask),
    )


def _present_name() -> str | None:
    """Name of the study that is looked at; None where it cannot be."""
    try:
        return current_study().name
    except StudyError:
        return None


def _without_places(mask: MaskSpec) -> MaskSpec:
    """A mask without what belongs to one latent shape: switched-off channels, cells, dimensions."""
    return mask.model_copy(update={"channels_off": (), "cells_off": (), "dims_off": ()})


def history() -> History:
    """The session's undo and redo."""
    if _HISTORY not in st.session_state:
        st.session_state[_HISTORY] = History()
    return st.session_state[_HISTORY]


def undo() -> None:
    """Step back to the view before the last undoable change."""
    now = current_view()
    st.session_state[_VIEW] = _beside(history().undo(now), now)


def redo() -> None:
    """Step forward again."""
    now = current_view()
    st.session_state[_VIEW] = _beside(history().redo(now), now)


def _beside(view: View, now: View) -> View:
    """A view of the past with the comparison of the present, while the study is the same.

    A step back must not open or close a second study: parts of a page redraw alone after it.
    """
    return view.changed(other=now.other) if view.study == now.study else view


def sync_link() -> None:
    """Make the browser's address restore the present view."""
    query = current_view().to_query()
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def shown_studies() -> dict[str, Study]:
    """The studies that open, large ones by a seeded sample unless all samples are asked for."""
    studies, _ = available_studies()
    if current_view().samples == "all":
        return studies
    return {name: _sampled_if_large(study) for name, study in studies.items()}


def _sampled_if_large(study: Study) -> Study:
    if study.num_samples <= LARGE_STUDY:
        return study
    try:
        return sampled(study, study.digest)
    except StudyError:
        return study  # the page that reads it says what is damaged


def current_study() -> Study:
    """The study that is looked at; of a large one a seeded sample, unless all is asked for.

    Raises:
        StudyError: if the chosen one is damaged or unknown, or there is none at all.
    """
    _, failures = available_studies()
    studies = shown_studies()
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
