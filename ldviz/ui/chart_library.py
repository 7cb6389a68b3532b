"""Have the browser load Plotly before the first chart needs it.

Streamlit fetches and compiles it, 5 MB of script, when a chart arrives: a good second on a
page's first chart.  Asked for while the server still works on the page, it is there by then.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

_FOLDER = Path(st.__file__).parent / "static" / "static" / "js"


@cache
def chart_library() -> str | None:
    """Name of the script in which Streamlit keeps Plotly; None where it is kept otherwise."""
    found = sorted(_FOLDER.glob("PlotlyChart.*.js"))
    return found[0].name if len(found) == 1 else None


def load_chart_library() -> None:
    """Load it once the browser has nothing else to do; where it cannot be found, do nothing.

    The address is as Streamlit's own page writes it, and a script is loaded only once, so
    Streamlit gets this one.
    """
    name = chart_library()
    if name is None:
        return
    st.html(
        "<script>(window.requestIdleCallback ?? setTimeout)(() => import("
        f'new URL("./static/js/{name}", document.baseURI).href).catch(() => {{}}))</script>',
        unsafe_allow_javascript=True,
    )
