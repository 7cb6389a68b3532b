"""The frame of the dashboard: navigation, the study picker, nothing computed."""

from pathlib import Path

import streamlit as st

from ldviz.ui.frame import show_frame

ICON = Path(__file__).parent / "assets" / "icon.png"

# A picture of our own: named icons are fetched from the network when they become the tab's icon.
st.set_page_config(page_title="ldviz", page_icon=str(ICON), layout="wide")

page = st.navigation(
    {
        "": [st.Page("pages/overview.py", title="Overview", icon=":material/home:", default=True)],
        "Geometry": [
            st.Page("pages/distortion.py", title="Distortion", icon=":material/waves:"),
            st.Page("pages/embedding.py", title="Latent map", icon=":material/scatter_plot:"),
            st.Page("pages/latent_grid.py", title="Latent grid", icon=":material/grid_on:"),
        ],
        "Memory": [
            st.Page("pages/attack.py", title="Attack", icon=":material/troubleshoot:"),
            st.Page("pages/timesteps.py", title="Timesteps & masks", icon=":material/timeline:"),
            st.Page("pages/samples.py", title="Samples", icon=":material/grid_view:"),
            st.Page(
                "pages/inspect_image.py", title="Inspect an image", icon=":material/image_search:"
            ),
            st.Page(
                "pages/compare_attacks.py", title="Attacks compared", icon=":material/compare:"
            ),
            st.Page("pages/findings.py", title="Findings", icon=":material/fact_check:"),
        ],
        "Studies": [
            st.Page("pages/add_study.py", title="Add a study", icon=":material/add_circle:"),
        ],
    },
    expanded=True,
)
show_frame()
page.run()
