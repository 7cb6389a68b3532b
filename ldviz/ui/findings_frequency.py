"""Does distortion follow fine detail?  The paper's Table 3, with a cut-off to drag."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.findings_frequency import frequency_scatter
from ldviz.metrics.frequency import DEFAULT_CUTOFF, radial_spectrum
from ldviz.metrics.paper import FREQUENCY_TABLE
from ldviz.study.findings import StudyFindings
from ldviz.study.findings_set import Findings
from ldviz.study.findings_words import number_text
from ldviz.study.store import Study
from ldviz.ui.findings import beta_text
from ldviz.ui.state import shown_studies

CHART = {"displayModeBar": False}


def show_frequency(findings: Findings) -> None:
    """The table of all studies and the paper, and the scatter of one."""
    st.markdown(
        "Each image is made grey and Fourier transformed; its mean log magnitude is taken at or "
        "below a cut-off frequency (coarse) and above it (fine). r is Pearson's correlation with "
        f"local distortion. The table uses a quarter of the sampling frequency, {DEFAULT_CUTOFF} "
        "cycles per pixel; below it the cut-off can be dragged."
    )
    st.html(frequency_table(findings))
    names = list(findings.studies)
    name = st.selectbox(
        "Study in the scatter",
        names,
        format_func=lambda key: beta_text(findings.studies[key]),
        key="findings-frequency-study",
        persist_state="session",
    )
    studies = shown_studies()
    one = findings.studies[name]
    st.plotly_chart(
        _scatter(studies[name], one, one.digest),
        config=CHART,
        key=f"findings-frequency-{name}",
        alt=f"Local distortion of {one.title} against the magnitude of low and high frequencies.",
    )
    st.caption(
        f"At most 400 points are drawn; r is over all {one.n_member + one.n_held_out:,} images, "
        "with its 95 % bootstrap interval."
    )


def frequency_table(findings: Findings) -> str:
    """Ours at the default cut-off, then the paper's."""
    rows = []
    for one in findings.studies.values():
        at = one.frequency.cutoffs.index(DEFAULT_CUTOFF)
        cells = "".join(
            f"<td>{number_text(side[at], signed=True)}</td>"
            for side in (one.frequency.low, one.frequency.high)
        )
        rows.append(f"<tr><th scope='row'>{beta_text(one)}</th>{cells}</tr>")
    data = dict.fromkeys(name for name, _ in FREQUENCY_TABLE)
    paper = []
    for name in data:
        cells = "".join(
            f"<td>{number_text(FREQUENCY_TABLE[name, side], signed=True)}</td>"
            if (name, side) in FREQUENCY_TABLE
            else "<td class='none'>not given</td>"
            for side in ("low", "high")
        )
        paper.append(f"<tr><th scope='row'>{name}</th>{cells}</tr>")
    return (
        f"<div class='ldviz-frequency'>{_STYLE}<table><thead><tr><th scope='col'>Study</th>"
        "<th scope='col'>r, low frequencies</th><th scope='col'>r, high frequencies</th></tr>"
        f"</thead><tbody>{''.join(rows)}</tbody><tbody class='paper'>"
        "<tr><td colspan='3'><em>paper</em> Its Table 3, quoted.</td></tr>"
        f"{''.join(paper)}</tbody></table></div>"
    )


@st.cache_resource(max_entries=6, show_spinner="Transforming the images …")
def _scatter(_study: Study, _one: StudyFindings, digest: str) -> go.Figure:
    spectrum = radial_spectrum(_study.images(slice(None)))
    found = _one.frequency
    bands = [spectrum.bands(cutoff) for cutoff in found.cutoffs]
    return frequency_scatter(
        found.cutoffs,
        np.stack([low for low, _ in bands]),
        np.stack([high for _, high in bands]),
        _study.local_distortion(),
        _study.is_member,
        low_text=[number_text(number, signed=True) for number in found.low],
        high_text=[number_text(number, signed=True) for number in found.high],
        start=DEFAULT_CUTOFF,
        rank=_one.rank,
    )


_STYLE = """<style>
.ldviz-frequency { overflow-x: auto; font-size: 14px; font-variant-numeric: tabular-nums; }
.ldviz-frequency table { border-collapse: collapse; min-width: 460px; }
.ldviz-frequency th, .ldviz-frequency td { text-align: left; padding: 7px 28px 7px 8px; border: 0;
  font-weight: 400; border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.ldviz-frequency thead th { font-weight: 600; }
.ldviz-frequency .paper td, .ldviz-frequency .paper th { font-style: italic;
  border-bottom-style: dashed; }
.ldviz-frequency td.none { color: color-mix(in srgb, currentColor 62%, transparent); }
.ldviz-frequency em { font-style: normal; font-size: 12px; padding: 0 5px; margin-right: 6px;
  border: 1px dashed currentColor; border-radius: 4px; }
</style>"""
