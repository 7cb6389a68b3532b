"""What stands around every page: the study picker, failures, the link."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from ldviz.errors import LdvizError
from ldviz.study.sampled import LARGE_STUDY, SAMPLE_SEED, SHOWN_SAMPLES
from ldviz.study.store import Study
from ldviz.ui.chart_library import load_chart_library
from ldviz.ui.compare import comparison_problem
from ldviz.ui.compare_picker import show_compare_picker
from ldviz.ui.plugins import ensure_plugins
from ldviz.ui.resources import available_studies
from ldviz.ui.state import (
    change_view,
    choose_study,
    current_study,
    current_view,
    dismiss_link_problems,
    link_problems,
    sync_link,
)
from ldviz.ui.study_jobs import running_names, show_study_jobs

_PICKER = "study-picker"
_ALL_SAMPLES = "all-samples"


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
            study = _show_picker(studies)
            if study is not None:
                show_compare_picker(study, studies)
                _show_samples_choice()
        if failures:
            _show_broken(failures)
        load_chart_library()
    show_study_jobs()
    for problem in link_problems():
        st.warning(problem, icon=":material/link_off:")
    if link_problems():
        st.button("Dismiss", key="dismiss-link-problems", on_click=dismiss_link_problems)
    if problem := comparison_problem():
        st.warning(problem, icon=":material/compare:")
    _say_what_is_shown()
    sync_link()


def _show_samples_choice() -> None:
    """A switch between a sample and all of a large study."""
    large = _large_studies()
    if not large:
        return
    st.session_state[_ALL_SAMPLES] = current_view().samples == "all"
    most = max(study.num_samples for study in large)
    st.toggle(
        f"All {most:,} samples",
        key=_ALL_SAMPLES,
        on_change=lambda: change_view(
            undoable=False, samples="all" if st.session_state[_ALL_SAMPLES] else None
        ),
        help=f"Pages show a seeded sample of {SHOWN_SAMPLES:,}, which keeps them quick. With all "
        "samples numbers and intervals rest on every one, and pages take up to minutes to open.",
    )


def _say_what_is_shown() -> None:
    """One line above the page where it shows a sample of a large study."""
    if current_view().samples == "all":
        return
    for study in _large_studies():
        st.caption(
            f":material/filter_alt: **{study.title}**: {SHOWN_SAMPLES:,} of its "
            f"{study.num_samples:,} samples are shown, drawn with seed {SAMPLE_SEED}, members and "
            "held-out in proportion. Every figure and number on this page rests on them; the "
            "sidebar has a switch for all."
        )


def _large_studies() -> list[Study]:
    """Those of the studies that are looked at that have more samples than pages show."""
    studies, _ = available_studies()
    try:
        names = [current_study().name, current_view().other]
    except LdvizError:
        return []
    found = [studies[name] for name in names if name in studies]
    return [study for study in found if study.num_samples > LARGE_STUDY]


def _show_picker(studies: Mapping[str, Study]) -> Study | None:
    """Draw the picker; the study that is looked at, or None where it cannot be opened."""
    try:
        study = current_study()
    except LdvizError:
        study = None
    # The widget follows the view: a link or an undo may have changed the study.
    st.session_state[_PICKER] = study and study.name

    def pick() -> None:
        choose_study(st.session_state[_PICKER])

    st.selectbox(
        "Study",
        list(studies),
        key=_PICKER,
        index=None,
        placeholder="Choose a study",
        format_func=lambda name: studies[name].title,
        on_change=pick,
        help="A model, the images it was trained on, and everything computed from them.",
    )
    return study


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
