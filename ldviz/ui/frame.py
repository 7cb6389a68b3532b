"""What stands around every page: the study picker, failures, the link."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from ldviz.errors import LdvizError
from ldviz.ui.plugins import ensure_plugins
from ldviz.ui.resources import available_studies
from ldviz.ui.state import (
    choose_study,
    current_study,
    current_view,
    dismiss_link_problems,
    link_problems,
    sync_link,
)
from ldviz.ui.study_jobs import running_names, show_study_jobs

_PICKER = "study-picker"


def ensure_frame() -> None:
    """Have app.py run around the page, and plugins known to it; every page calls this first.

    Until app.py has run once, Streamlit takes pages/ for pages of its older kind: a link
    to one, opened first on a new server, would run it without the frame.  There is no
    public switch; this is the one that st.navigation itself turns.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    ensure_plugins()


def show_frame() -> None:
    """Draw the sidebar's study picker and whatever is wrong with the link or the folders."""
    studies, failures = available_studies()
    making = running_names()
    failures = {name: reason for name, reason in failures.items() if name not in making}
    current_view()
    with st.sidebar:
        if studies:
            _show_picker(list(studies), {name: study.title for name, study in studies.items()})
        if failures:
            _show_broken(failures)
    show_study_jobs()
    for problem in link_problems():
        st.warning(problem, icon=":material/link_off:")
    if link_problems():
        st.button("Dismiss", key="dismiss-link-problems", on_click=dismiss_link_problems)
    sync_link()


def _show_picker(names: list[str], titles: dict[str, str]) -> None:
    try:
        chosen = current_study().name
    except LdvizError:
        chosen = None
    # The widget follows the view: a link or an undo may have changed the study.
    st.session_state[_PICKER] = chosen

    def pick() -> None:
        choose_study(st.session_state[_PICKER])

    st.selectbox(
        "Study",
        names,
        key=_PICKER,
        index=None,
        placeholder="Choose a study",
        format_func=lambda name: titles[name],
        on_change=pick,
        help="A model, the images it was trained on, and everything computed from them.",
    )


def _show_broken(failures: dict[str, str]) -> None:
    count = len(failures)
    with st.expander(
        f"{count} {'study' if count == 1 else 'studies'} cannot be opened",
        icon=":material/error:",
        expanded=True,
    ):
        for name, reason in failures.items():
            st.markdown(f"**{name}**")
            st.caption(reason)
