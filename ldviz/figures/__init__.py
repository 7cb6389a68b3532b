"""Finished numbers to Plotly figures: no torch, no Streamlit, no files."""
