"""A Streamlit page that does nothing: what a toggle costs before ldviz computes anything.

:mod:`benchmarks.dashboard` runs it.  A component sends a number, a fragment answers it
with a text as long as the mask lab's payload, and the component shows that it has come.
"""

import streamlit as st

PAYLOAD = "x" * 20_000

echo = st.components.v2.component(
    "ldviz.echo",
    html='<button type="button">send</button><output></output>',
    js="""
export default function ({ data, parentElement, setStateValue }) {
  parentElement.querySelector("output").textContent = String(data.answered);
  const button = parentElement.querySelector("button");
  button.onclick = () => setStateValue("sent", data.answered + 1);
}
""",
)


@st.fragment
def answer() -> None:
    """Send back what came."""
    state = st.session_state.get("echo")
    sent = state.get("sent") if state else None
    echo(key="echo", data={"answered": sent or 0, "filler": PAYLOAD}, on_sent_change=lambda: None)


answer()
