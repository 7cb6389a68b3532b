"""Attack vectors for a page: at hand, or computed in the background while the page waits."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st
from pydantic import BaseModel

from ldviz.attacks import get_attack
from ldviz.jobs.record import JobRecord, load_record
from ldviz.jobs.start import cancel_job, start_vectors
from ldviz.study.store import Study
from ldviz.study.vectors import attack_vectors
from ldviz.ui.plugins import plugin_modules

_POLL_SECONDS = 0.4
_STOPPED = "ldviz-stopped-jobs"


def wait_for_vectors(
    study: Study,
    attack_name: str,
    timestep: int | None,
    *,
    parameters: BaseModel | None = None,
    seed: int = 0,
) -> np.ndarray | None:
    """The vectors if they are stored or cached; else show their computation.

    Returns:
        (n, d) float16, or None while a progress bar (or the reason that there is none)
        stands in the page; the page reruns by itself once they are there.
    """
    vectors = attack_vectors(
        study, attack_name, timestep, parameters=parameters, seed=seed, compute=False
    )
    if vectors is not None:
        return vectors
    title = get_attack(attack_name).title
    at = "" if timestep is None else f" at timestep {timestep}"
    ask = (study.digest, attack_name, timestep, repr(parameters), seed)
    stopped: dict = st.session_state.setdefault(_STOPPED, {})
    if ask in stopped:
        st.warning(f"{title}{at} is not computed: {stopped[ask]}", icon=":material/pause_circle:")
        if st.button("Compute it", key="compute-vectors", type="primary"):
            del stopped[ask]
            st.rerun()
        return None
    record = start_vectors(
        study, attack_name, timestep, parameters=parameters, seed=seed, plugins=plugin_modules()
    )
    _show_job(record.key, f"{title}{at}", ask)
    return None


@st.fragment(run_every=_POLL_SECONDS)
def _show_job(key: str, title: str, ask: tuple) -> None:
    """A progress bar with the time left and a cancel button; reruns the page at the end."""
    record = load_record(key)
    if record is None or record.finished:
        if record is not None and record.state != "done":
            st.session_state[_STOPPED][ask] = record.message
        st.rerun()
    st.progress(record.share, text=f"Computing {title} with the real model: {_describe(record)}")
    st.button("Cancel", key="cancel-vectors", on_click=cancel_job, args=(key,))


def _describe(record: JobRecord) -> str:
    """What a job does now, and how long it will take."""
    if record.state == "waiting":
        return "starting, or waiting for another computation on this model"
    if record.share < 0.02:
        return record.what
    elapsed = time.time() - record.started
    left = elapsed * (1.0 - record.share) / record.share
    return f"{record.share:.0%}, about {left:.0f} s left"
