"""The studies at hand: watch, cancel, resume, open, rename, remove, restore."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from ldviz.errors import LdvizError
from ldviz.jobs.own_study import analysis_key, analysis_records, start_analysis
from ldviz.jobs.record import JobRecord, cancel_path, forget_record
from ldviz.jobs.start import cancel_job
from ldviz.jobs.uploads import drop_upload
from ldviz.study.manage import (
    MAX_TITLE,
    Removed,
    remove_study,
    removed_studies,
    rename_study,
    restore_study,
    unfinished_studies,
)
from ldviz.study.places import BUNDLED
from ldviz.study.recipe import Recipe
from ldviz.study.store import Study
from ldviz.ui.numbers_facts import duration_text
from ldviz.ui.resources import available_studies
from ldviz.ui.state import change_view, choose_study, current_view
from ldviz.ui.study_jobs import job_text, plain, running_names

_PROBLEM, _UNDO = "studies-problem", "studies-undo"
_POLL_SECONDS = 1.0
_STOPPED = {
    "failed": ("It has failed.", ":material/error:"),
    "cancelled": ("Cancelled. What was finished is kept.", ":material/pause_circle:"),
}


def show_jobs() -> None:
    """Analyses under way, and those that stopped before they were done."""
    records = {record.key: record for record in analysis_records()}
    shown = [record for record in records.values() if record.state != "done"]
    unfinished = {
        path: name
        for name, path in unfinished_studies().items()
        if analysis_key(path) not in {record.key for record in shown}
    }
    if not shown and not unfinished:
        return
    st.subheader("Under way", anchor=False)
    if any(not record.finished for record in shown):
        _show_active()
    for record in shown:
        if record.finished:
            _show_stopped(record)
    for path, name in unfinished.items():
        _show_unfinished(path, name)


def show_studies() -> None:
    """Every study that opens, with what can be done to it."""
    _show_news()
    studies, _ = available_studies()
    st.subheader("Studies", anchor=False)
    for study in studies.values():
        _show_study(study)


def show_removed() -> None:
    """What was put away."""
    removed = removed_studies()
    if not removed:
        return
    with st.expander(f"Removed ({len(removed)})", icon=":material/delete:"):
        for one in removed:
            with st.container(horizontal=True, vertical_alignment="center"):
                ago = duration_text(max(0.0, time.time() - one.when))
                st.markdown(f"**{plain(one.home.name)}**, {ago} ago", width="stretch")
                st.button(
                    "Restore",
                    key=f"restore/{one.path}",
                    icon=":material/undo:",
                    on_click=_attempt,
                    args=(lambda one=one: restore_study(one),),
                )
        st.caption(
            "Nothing is deleted: they lie in the folder .trash beside the studies. Delete that "
            "folder on the server to free its room."
        )


@st.fragment(run_every=_POLL_SECONDS)
def _show_active() -> None:
    """A bar and a cancel button each; reruns the page when one has ended."""
    records = analysis_records()
    active = [record for record in records if not record.finished]
    before = st.session_state.get("studies-active", ())
    st.session_state["studies-active"] = tuple(record.key for record in active)
    if set(before) - {record.key for record in active}:
        st.rerun()
    for record in active:
        with st.container(border=True):
            st.progress(
                record.share, text=f"**{plain(record.arguments['title'])}**: {job_text(record)}"
            )
            st.button(
                "Cancel",
                key=f"{record.key}/cancel",
                icon=":material/stop:",
                on_click=cancel_job,
                args=(record.key,),
                disabled=cancel_path(record.key).exists(),
                help="Stops at the next step. What is finished is kept, to be resumed.",
            )


def _show_stopped(record: JobRecord) -> None:
    """Why it stopped; resume or dismiss."""
    words, icon = _STOPPED[record.state]
    reason = record.message if record.state == "failed" else words
    folder = Path(record.arguments["folder"])
    title, recipe = record.arguments["title"], record.arguments["recipe"]
    begun = folder in {path.absolute() for path in unfinished_studies().values()}

    def resume() -> None:
        # What the folder holds goes first: it says the same, and its images may have moved.
        given = None if begun or recipe is None else Recipe.model_validate(recipe)
        start_analysis(folder, given, title=title)

    def dismiss() -> None:
        forget_record(record.key)
        if not begun:
            drop_upload((recipe or {}).get("data", {}).get("place"))

    with st.container(border=True):
        st.markdown(f"**{plain(title)}**")
        (st.error if record.state == "failed" else st.info)(reason, icon=icon)
        with st.container(horizontal=True):
            st.button(
                "Resume" if begun else "Try again",
                key=f"{record.key}/resume",
                icon=":material/play_arrow:",
                on_click=resume,
            )
            st.button("Dismiss", key=f"{record.key}/dismiss", on_click=dismiss)
            if begun:
                _remove_button(folder)


def _show_unfinished(path: Path, name: str) -> None:
    """A folder that a training, or an analysis of the command line, left without its end."""
    with st.container(border=True):
        st.markdown(f"**{plain(name)}** has not been analysed to its end.")
        with st.container(horizontal=True):
            st.button(
                "Analyse",
                key=f"unfinished/{path}",
                icon=":material/play_arrow:",
                on_click=start_analysis,
                args=(path,),
            )
            _remove_button(path)


def _show_study(study: Study) -> None:
    """One line: what it is, and its buttons."""
    is_own = study.path.parent.resolve() != BUNDLED.resolve()
    is_still = study.path.name not in running_names()
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        attacks = "geometry alone" if study.default_attack is None else "geometry and attacks"
        st.markdown(
            f"**{plain(study.title)}**  \n:small[{study.num_samples:,} images, {attacks}"
            f"{'' if is_own else '; comes with ldviz'}]",
            width="stretch",
        )
        if is_own and is_still:
            _rename_popover(study)
            _remove_button(study.path)
        if st.button("Open", key=f"open/{study.path}", icon=":material/open_in_new:"):
            choose_study(study.path.name)
            st.switch_page("pages/overview.py")


def _rename_popover(study: Study) -> None:
    with st.popover("Rename", icon=":material/edit:"):
        key = f"rename/{study.path}"
        st.text_input("Title", study.title, max_chars=MAX_TITLE, key=key)
        st.button(
            "Save",
            key=f"{key}/save",
            on_click=_attempt,
            args=(lambda: rename_study(study.path, st.session_state[key]),),
        )


def _remove_button(path: Path) -> None:
    def remove() -> None:
        removed = remove_study(path)
        forget_record(analysis_key(path))
        st.session_state[_UNDO] = removed
        if current_view().study == path.name:
            change_view(study=None, image=None, selection=(), attack=None, timestep=None)

    st.button(
        "Remove",
        key=f"remove/{path}",
        icon=":material/delete:",
        on_click=_attempt,
        args=(remove,),
        help="It is put away, and can be restored.",
    )


def _show_news() -> None:
    """What went wrong with the last action, or the way back from it."""
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(problem, icon=":material/error:")
    removed: Removed | None = st.session_state.get(_UNDO)
    if removed is None or not removed.path.exists():
        return

    def undo() -> None:
        st.session_state.pop(_UNDO)
        restore_study(removed)

    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"Removed **{plain(removed.home.name)}**.", width="stretch")
        st.button(
            "Undo",
            key="studies-undo-button",
            icon=":material/undo:",
            type="primary",
            on_click=_attempt,
            args=(undo,),
        )


def _attempt(action: Callable[[], object]) -> None:
    """Do it; what is wrong is shown by the run that follows."""
    try:
        action()
    except LdvizError as error:
        st.session_state[_PROBLEM] = str(error)
