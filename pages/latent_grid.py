"""What does the decoder do to a square of latent space?"""

import streamlit as st

from ldviz.ui.compare import compared
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.latent_grid import show_latent_grid
from ldviz.ui.latent_grid_pair import show_two_grids
from ldviz.ui.state import current_study

ensure_frame()
st.title("Latent grid", anchor=False)
with shown_failures():
    st.markdown(
        "Take a **square** of latent space around one image and decode every point of it. "
        "Along dimensions of high influence the decoder stretches the square into a large, "
        "bent sheet of different pictures; along dimensions of low influence the same square "
        "all but vanishes."
    )
    study = current_study()
    pair = compared(study)
    if pair is None:
        show_latent_grid(study)
    else:
        show_two_grids(pair)
