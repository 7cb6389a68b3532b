"""The frame's part of a comparison: which study stands beside, swap, stop."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from ldviz.study.store import Study
from ldviz.ui.compare import comparison_problem
from ldviz.ui.state import compare_with, current_view, swap_studies

_PICKER, _SWAP, _STOP = "compare-picker", "compare-swap", "compare-stop"


def show_compare_picker(study: Study, studies: Mapping[str, Study]) -> None:
    """Draw the second study picker and, while two are compared, the buttons below it.

    Args:
        study: that is looked at.
        studies: all that open, by name.
    """
    others = [name for name in studies if name != study.name]
    chosen = current_view().other
    if not others and chosen is None:
        return
    # The widget follows the view: a link, a swap or the study picker may have changed it.
    st.session_state[_PICKER] = chosen if chosen in others else None
    st.selectbox(
        "Compare with",
        others,
        key=_PICKER,
        index=None,
        placeholder="No other study",
        format_func=lambda name: studies[name].title,
        on_change=lambda: compare_with(st.session_state[_PICKER]),
        help="A second study: every page then shows both, on the same axes, and says how far "
        "they differ.",
    )
    if chosen is None:
        return
    with st.container(horizontal=True):
        if not comparison_problem():
            st.button(
                "Swap",
                key=_SWAP,
                icon=":material/swap_horiz:",
                on_click=swap_studies,
                args=(study, studies[chosen]),
                help="Let the two studies change places.",
            )
        st.button(
            "Stop comparing",
            key=_STOP,
            on_click=compare_with,
            args=(None,),
        )
