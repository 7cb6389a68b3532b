"""Masks kept under a name, and up to four of them side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.attacks.mask_words import mask_words
from ldviz.attacks.masks import MaskSpec
from ldviz.errors import InputError
from ldviz.figures.subset_roc import RocLine, roc_lines
from ldviz.figures.theme import COMPARED_COLOURS, COMPARED_DASHES, NEUTRAL
from ldviz.metrics.intervals import MetricTable
from ldviz.metrics.roc import display_columns
from ldviz.study.evidence import Timestep
from ldviz.study.evidence_named import UNMASKED, NamedMasks
from ldviz.study.store import Study
from ldviz.ui.evidence import named_at
from ldviz.ui.exports import measured_row, show_chart
from ldviz.ui.named_masks_table import METRICS, differences_html, masks_html, unavailable
from ldviz.ui.numbers import sample_text
from ldviz.ui.state import change_view, current_view
from ldviz.view import MOST_COMPARED, MOST_SAVED, NamedMask, View

_NAME, _WHICH, _COMPARED, _PROBLEM = (
    "named-mask-name",
    "named-mask-which",
    "named-masks-compared",
    "named-mask-problem",
)
_WHICH_TITLES = {
    "influence": "lowest influence dropped",
    "random": "random dropped",
    "highest": "highest influence dropped",
    "band": "band of ranks dropped",
    "none": "only what is switched off",
}


@dataclass(frozen=True)
class NamedShown:
    """Masks side by side as drawn: their figure, their numbers, and those as flat rows."""

    figure: go.Figure
    table: MetricTable
    rows: list[dict[str, Any]]


def show_named_masks(
    study: Study, attack: str, timestep: Timestep, vectors: np.ndarray
) -> NamedShown | None:
    """Draw what saves a mask, and those that are compared.

    Returns:
        What is drawn of those, or None where nothing is compared.

    Raises:
        InputError: if a compared mask does not fit the study.
    """
    st.subheader("Masks side by side", anchor=False)
    view = current_view()
    _show_save_form()
    if not view.saved:
        st.caption(
            f"Save the mask that the lab shows, under a name; then up to {MOST_COMPARED} stand "
            "side by side here. The link keeps them."
        )
        return None
    _show_choice(view)
    masks = {entry.name: entry.mask for entry in view.saved if entry.name in view.compared}
    if not masks:
        return None
    named = named_at(study, attack, timestep, vectors, masks, view.positive)
    figure = named_figure(study, named, view)
    left, right = st.columns([3, 4], gap="medium")
    with left:
        show_chart(
            study,
            "attack",
            "masks side by side",
            figure,
            key="named-masks-roc",
            alt=f"ROC curves of no mask and of {', '.join(masks)}.",
        )
    with right:
        st.html(masks_html(named.table, {name: mask_words(spec) for name, spec in masks.items()}))
        st.caption(_basis(named))
    st.html(differences_html(named.table))
    st.caption(
        "A difference is **bold where its paired interval excludes zero**; a gap between two "
        "curves, or intervals that overlap, say less."
    )
    return NamedShown(figure, named.table, named_rows(named, masks))


def _basis(named: NamedMasks) -> str:
    """What the numbers rest on, and which there are too few images for."""
    number = named.table.metrics[UNMASKED]["auc"]
    missing = [METRICS[key] for key in unavailable(named.table)]
    note = f" Not available, for want of images: {', '.join(missing)}." if missing else ""
    return f"Small print: 95 % intervals. {sample_text(number)}.{note}"


def named_figure(study: Study, named: NamedMasks, view: View) -> go.Figure:
    """One curve per mask, no mask below them; a random mask's band is ± 1 sd over its draws."""
    n_member, n_held_out = study.manifest.n_member, study.manifest.n_held_out
    num_positive = n_member if view.positive == "member" else n_held_out
    styles = zip(COMPARED_COLOURS, COMPARED_DASHES, strict=True)
    style = {UNMASKED: (NEUTRAL, "solid")}
    style |= dict(zip([name for name in named.counts if name != UNMASKED], styles, strict=False))
    lines = []
    for name, counts in named.counts.items():
        columns = display_columns(len(counts), 300)
        fpr = np.repeat(np.append(columns, len(counts)) / len(counts), 2)
        lines.append(
            RocLine(
                title=name,
                colour=style[name][0],
                fpr=fpr,
                tpr=_corners(counts, columns, num_positive) / num_positive,
                dash=style[name][1],
                spread=_corners(named.spread[name], columns, 0) / num_positive
                if name in named.spread
                else None,
            )
        )
    lowest = 10.0 ** -np.ceil(np.log10(max(n_member, n_held_out))) if view.axes == "log" else None
    return roc_lines(lines, positive=view.positive, lowest=lowest)


def named_rows(named: NamedMasks, masks: dict[str, MaskSpec]) -> list[dict[str, Any]]:
    """Every number and every paired difference as flat rows."""
    texts = {name: spec.to_text() for name, spec in masks.items()} | {UNMASKED: "none"}
    quantities = [(name, "", numbers) for name, numbers in named.table.metrics.items()]
    quantities += [(a, b, numbers) for (a, b), numbers in named.table.differences.items()]
    return [
        {"mask": a, "minus": b, "mask_text": texts[a], "metric": key} | measured_row(numbers[key])
        for a, b, numbers in quantities
        for key in METRICS
    ]


def _corners(values: np.ndarray, columns: np.ndarray, last: float) -> np.ndarray:
    """A staircase's values before and after each shown column, from 0 to ``last``."""
    reached = np.concatenate([[0.0], values, [last]])
    corners = np.append(columns, len(values))
    return np.stack([reached[corners], reached[corners + 1]], axis=-1).reshape(-1)


def _show_save_form() -> None:
    """Name the lab's mask, in one of the kinds that the lab draws."""
    kinds = [kind for kind in _WHICH_TITLES if kind != "band" or current_view().mask.band]
    with st.form("named-mask-form", border=False):
        left, middle, right = st.columns([2, 2, 1], vertical_alignment="bottom")
        left.text_input("Save the lab's mask as", key=_NAME, placeholder="a name")
        middle.selectbox("Which", kinds, format_func=_WHICH_TITLES.__getitem__, key=_WHICH)
        right.form_submit_button("Save", on_click=_save, icon=":material/bookmark_add:")
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.warning(problem, icon=":material/error:")


def _save() -> None:
    """Keep the present mask under the name typed; an equal name is replaced."""
    view = current_view()
    mask = view.mask.model_copy(update={"kind": st.session_state[_WHICH]})
    try:
        entry = NamedMask(name=st.session_state[_NAME].strip(), mask=mask)
    except InputError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    saved = tuple(other for other in view.saved if other.name != entry.name)
    if len(saved) >= MOST_SAVED:
        st.session_state[_PROBLEM] = f"{MOST_SAVED} masks are saved, the most there can be."
        return
    compared = tuple(name for name in view.compared if name != entry.name)
    change_view(saved=(*saved, entry), compared=(*compared, entry.name)[-MOST_COMPARED:])
    st.session_state[_NAME] = ""


def _show_choice(view: View) -> None:
    """Which are compared; take one back into the lab, or forget it."""
    names = [entry.name for entry in view.saved]
    # The widget follows the view: a link, a save or an undo may have changed it.
    st.session_state[_COMPARED] = [name for name in names if name in view.compared]
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    left.multiselect(
        "Side by side",
        names,
        key=_COMPARED,
        max_selections=MOST_COMPARED,
        on_change=lambda: change_view(compared=tuple(st.session_state[_COMPARED])),
    )
    with right.popover("Saved", icon=":material/bookmarks:", width="stretch"):
        for entry in view.saved:
            st.markdown(f"**{entry.name}**: {mask_words(entry.mask)}")
            with st.container(horizontal=True):
                st.button(
                    "To the lab",
                    key=f"named-mask-use/{entry.name}",
                    on_click=lambda entry=entry: change_view(mask=in_the_lab(entry.mask)),
                )
                st.button(
                    "Forget",
                    key=f"named-mask-forget/{entry.name}",
                    on_click=_forget,
                    args=(entry.name,),
                )


def in_the_lab(mask: MaskSpec) -> MaskSpec:
    """A saved mask as the lab holds it: the lab draws all kinds at once."""
    return mask.model_copy(update={"kind": "influence", "draw": 0})


def _forget(name: str) -> None:
    view = current_view()
    change_view(
        saved=tuple(entry for entry in view.saved if entry.name != name),
        compared=tuple(other for other in view.compared if other != name),
    )
