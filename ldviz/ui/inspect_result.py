"""A picture's numbers: computed with progress, kept for the session's latest picture alone."""

from __future__ import annotations

import time

import streamlit as st

from ldviz.study.picture import MeasuredPicture, measure_picture
from ldviz.study.store import Study
from ldviz.ui.decoder import live_model
from ldviz.ui.inspect_choice import ChosenPicture, asked_for, stop_result

_LATEST = "inspect-latest"
_SHOW_SECONDS = 0.15


def picture_result(
    study: Study, chosen: ChosenPicture, *, beside: ChosenPicture | None = None
) -> MeasuredPicture:
    """What the model makes of a picture; a bar and a cancel button while it works.

    Args:
        study, chosen: the model and the picture.
        beside: the picture that is asked for together with it; its result is kept too.

    Raises:
        StudyError: if the study's model cannot be loaded.
        ModelError: if its output cannot be used.
    """
    together = [chosen] if beside is None else [chosen, beside]
    identities = {one.identity for one in together}
    kept: dict[str, MeasuredPicture] = st.session_state.get(_LATEST, {})
    if chosen.identity in kept:
        return kept[chosen.identity]
    with st.container(key="inspect-working"):
        bar = st.progress(0.0, text="Starting")
        st.button("Cancel", key="inspect-cancel", on_click=stop_result, args=(asked_for(together),))
        live = live_model(study)
        shown = 0.0

        def progress(done: int, total: int, what: str) -> None:
            # Drawing is also where Streamlit stops a run whose page was left or cancelled.
            nonlocal shown
            if time.monotonic() - shown > _SHOW_SECONDS:
                bar.progress(done / total, text=f"The real model at work: {what}")
                shown = time.monotonic()

        result = live.use(
            lambda model: measure_picture(
                study,
                model,
                chosen.pixels,
                sample_id=chosen.sample_id,
                told=chosen.told,
                progress=progress,
            )
        )
    others = {name: one for name, one in kept.items() if name in identities}
    st.session_state[_LATEST] = others | {chosen.identity: result}
    st.rerun()
