"""Analyses in the background, as every page shows them: what runs, how far, what has ended."""

from __future__ import annotations

import re
import time

import streamlit as st

from ldviz.jobs.own_study import analysis_records
from ldviz.jobs.record import JobRecord, cancel_path
from ldviz.ui.numbers_facts import duration_text

_WATCHED, _NEWS = "study-jobs-watched", "study-jobs-news"
_POLL_SECONDS = 2.0
_ENDED = {"done": "is finished", "failed": "has failed", "cancelled": "is cancelled"}


def show_study_jobs() -> None:
    """Draw the sidebar's line for each analysis under way; nothing where there is none."""
    for text, icon in st.session_state.pop(_NEWS, ()):
        st.toast(text, icon=icon)
    watched = st.session_state.get(_WATCHED, ())
    if watched or any(not record.finished for record in analysis_records()):
        with st.sidebar:
            _show_running()


def running_names() -> frozenset[str]:
    """Folder names of the studies that are being made."""
    return frozenset(
        record.arguments["folder"].replace("\\", "/").rsplit("/", 1)[-1]
        for record in analysis_records()
        if not record.finished
    )


def plain(title: str) -> str:
    """A title as it was typed: none of it is markup."""
    return re.sub(r"([\\`*_{}\[\]()#+.!|<>~:$-])", r"\\\1", title)


def job_text(record: JobRecord) -> str:
    """What a job does now, and how long it will take."""
    if not record.finished and cancel_path(record.key).exists():
        return "stopping at the next step"
    if record.state == "waiting":
        return "starting, or waiting for another analysis"
    if record.share < 0.02:
        return record.what
    elapsed = time.time() - record.started
    left = elapsed * (1.0 - record.share) / record.share
    return f"{record.share:.0%}, about {duration_text(left)} left"


@st.fragment(run_every=_POLL_SECONDS)
def _show_running() -> None:
    """One bar for each; reruns the app when one has ended, so that its study appears."""
    records = analysis_records()
    active = [record for record in records if not record.finished]
    watched = st.session_state.get(_WATCHED, ())
    st.session_state[_WATCHED] = tuple(record.key for record in active)
    ended = [record for record in records if record.key in watched and record.finished]
    if ended:
        st.session_state[_NEWS] = [
            (
                f"**{plain(record.arguments['title'])}** {_ENDED[record.state]}.",
                ":material/check_circle:" if record.state == "done" else ":material/error:",
            )
            for record in ended
        ]
        st.rerun()
    for record in active:
        st.progress(
            record.share, text=f"**{plain(record.arguments['title'])}**  \n{job_text(record)}"
        )
    if active:
        st.page_link("pages/add_study.py", label="Watch or cancel", icon=":material/visibility:")
