"""Your own model and images: look, start, watch; open, rename and remove studies."""

import streamlit as st

from ldviz.errors import LdvizError
from ldviz.ui.add_study_form import Asked, show_form
from ldviz.ui.add_study_list import show_jobs, show_removed, show_studies
from ldviz.ui.add_study_look import LOOK, show_look
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame

PROBLEM = "add-problem"


def look(asked: Asked) -> None:
    """Start to look; what is wrong is shown by the run that follows."""
    st.session_state.pop(LOOK, None)
    st.session_state.pop(PROBLEM, None)
    try:
        st.session_state[LOOK] = asked.look().key
    except LdvizError as error:
        st.session_state[PROBLEM] = str(error)


ensure_frame()
st.title("Add a study")
st.markdown(
    "Point at a **model** and at **images**, and see what they are and what a study of them will "
    "cost before anything is computed. It then runs in the background, whatever page you look at."
)
with shown_failures():
    show_jobs()
with shown_failures():
    asked = show_form()
    # Not a callback: it would be handed what the form held one run ago.
    if st.button(
        "Look at it",
        key="add-look-start",
        type="secondary" if LOOK in st.session_state else "primary",
        icon=":material/search:",
    ):
        look(asked)
        st.rerun()
    if PROBLEM in st.session_state:
        st.error(st.session_state[PROBLEM], icon=":material/error:")
    show_look()
with shown_failures():
    show_studies()
    show_removed()
