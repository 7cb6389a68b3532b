"""Compute several attacks or timesteps in the background, one after another."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ldviz.attacks import get_attack
from ldviz.jobs.record import load_record
from ldviz.jobs.start import cancel_job, start_vectors
from ldviz.study.evidence import Timestep, has_vectors
from ldviz.study.pair import Counterpart
from ldviz.study.store import Study
from ldviz.ui.plugins import plugin_modules

_POLL_SECONDS = 0.5

Ask = tuple[str, Timestep]


def show_compute(study: Study, asks: Sequence[Ask], *, key: str, label: str, help: str) -> None:
    """A button that computes what is missing; while it works, progress and a cancel button.

    The page reruns after each one, so that figures grow while the rest is computed.

    Args:
        study: whose model runs.
        asks: (attack, timestep) of what is missing; nothing is drawn where it is empty.
        key: of the button.
        label, help: of the button.
    """
    queue_key, message_key = f"{key}/queue/{study.digest}", f"{key}/message"
    queue: list[Ask] = st.session_state.get(queue_key, [])
    left = [ask for ask in queue if not has_vectors(study, *ask)]
    if left:
        record = start_vectors(study, *left[0], plugins=plugin_modules())
        done = len(queue) - len(left)
        _show_progress(record.key, done, len(queue), ask_text(left[0]), queue_key, message_key)
        return
    st.session_state.pop(queue_key, None)
    if message_key in st.session_state:
        st.warning(st.session_state[message_key], icon=":material/pause_circle:")
    if not asks:
        return

    def begin() -> None:
        st.session_state.pop(message_key, None)
        st.session_state[queue_key] = list(asks)

    st.button(label, key=key, on_click=begin, icon=":material/play_arrow:", help=help)


def show_not_at_hand(study: Study, attack: str, beside: Counterpart, *, key: str) -> None:
    """Why the second study shows nothing, and a button where it could be computed."""
    st.info(beside.note, icon=":material/info:")
    if beside.computable:
        ask = (attack, beside.timestep)
        show_compute(
            study,
            [ask],
            key=key,
            label=f"Compute {ask_text(ask)}",
            help="Runs this study's real model in the background; the result is kept on disk.",
        )


def ask_text(ask: Ask) -> str:
    """ "SimA at timestep 50"."""
    name, timestep = ask
    title = get_attack(name).title
    return title if timestep is None else f"{title} at timestep {timestep}"


@st.fragment(run_every=_POLL_SECONDS)
def _show_progress(
    job: str, done: int, total: int, what: str, queue_key: str, message_key: str
) -> None:
    """Progress over the whole queue; reruns the page when this one is finished."""
    record = load_record(job)
    if record is None or record.finished:
        if record is not None and record.state != "done":
            st.session_state[message_key] = f"{what}: {record.message}"
            st.session_state.pop(queue_key, None)
        st.rerun()
    waiting = record.state == "waiting"
    doing = "waiting for the model" if waiting else f"{record.what}, {record.share:.0%}"
    st.progress(
        (done + record.share) / total,
        text=f"{done + 1} of {total}: {what} with the real model ({doing})",
    )
    st.button("Cancel", key=f"{job}/cancel", on_click=cancel_job, args=(job,))
