"""What does the decoder do to a square of latent space?"""

import streamlit as st

from ldviz.ui.failures import shown_failures
from ldviz.ui.latent_grid import show_latent_grid
from ldviz.ui.state import current_study

st.title("Latent grid")
with shown_failures():
    st.markdown(
        "Take a **square** of latent space around one image and decode every point of it. "
        "Along dimensions of high influence the decoder stretches the square into a large, "
        "bent sheet of different pictures; along dimensions of low influence the same square "
        "all but vanishes."
    )
    show_latent_grid(current_study())
