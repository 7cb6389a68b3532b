"""The Findings page in the dashboard's frame, alone."""

from pathlib import Path

import streamlit as st

from ldviz.ui.frame import show_frame

PAGE = Path(__file__).resolve().parents[3] / "pages" / "findings.py"

page = st.navigation([st.Page(PAGE, title="Findings", default=True)])
show_frame()
page.run()
