"""The mask lab on a study: the view's mask in, the user's actions back into the view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.attacks.masks import NUM_RANDOM_DRAWS, MaskSpec, on_dimensions
from ldviz.errors import InputError
from ldviz.metrics.intervals import MetricTable
from ldviz.study.report import NUM_RESAMPLES, measure_scores
from ldviz.study.scores import membership_scores, score_values, study_drop_order
from ldviz.study.store import Study
from ldviz.ui.failures import shown_failures
from ldviz.ui.mask_lab import (
    WITH_INTERVALS,
    MaskLabEvent,
    MaskLabPayload,
    MaskLabState,
    show_mask_lab,
    wanted_stage,
)
from ldviz.ui.mask_sweep import SweepDesk, sweep_steps
from ldviz.ui.state import change_view, current_view, history, redo, sync_link, undo
from ldviz.view import View

_KEY = "mask-lab"
_DESK = "ldviz-sweep-desk"
_KINDS = ("influence", "random", "highest")
BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class LabSource:
    """What the lab's curves are computed from.

    Attributes:
        study: the study.
        attack: name of the attack.
        timestep: of the attack, or None.
        vectors: (n, d) attack vectors.
    """

    study: Study
    attack: str
    timestep: int | None
    vectors: np.ndarray

    @property
    def key(self) -> str:
        """Names the vectors: equal keys mean equal numbers."""
        return f"{self.study.digest}/{self.attack}/{self.timestep}"

    @property
    def title(self) -> str:
        title = get_attack(self.attack).title
        return title if self.timestep is None else f"{title}, timestep {self.timestep}"


def show_attack_lab(source: LabSource) -> None:
    """Draw the lab; it reruns alone while only the mask changes."""
    _lab(source, _frame_of(current_view()))


@st.fragment
def _lab(source: LabSource, frame: tuple) -> None:
    view = current_view()
    if _frame_of(view) != frame:
        # An undo went back to another attack or timestep: the whole page must follow.
        st.rerun()
    with shown_failures():
        _show(source, view)


def _show(source: LabSource, view: View) -> None:
    mask, state = view.mask, MaskLabState.of(view.mask, view.axes)
    context = f"{source.key}/{mask.ranking}/{mask.seed}/{mask.dims_off}/{view.positive}"
    stage = wanted_stage(_KEY, context, state)
    common: dict[str, Any] = {
        "state": state,
        "initial": MaskLabState.of(MaskSpec(), view.axes),
        "past": tuple(MaskLabState.of(past.mask, past.axes) for past in history().past),
        "future": tuple(MaskLabState.of(future.mask, future.axes) for future in history().future),
        "context": context,
        "latent_shape": source.study.latent_shape,
        "influence": _mean_influence(source.study),
        "offers_intervals": True,
        "num_member": source.study.manifest.n_member,
        "num_held_out": source.study.manifest.n_held_out,
        "seed": BOOTSTRAP_SEED,
        "num_resamples": NUM_RESAMPLES,
        "positive": view.positive,
        "title": source.title,
        "file_stem": f"{source.study.name}-{source.attack}-t{source.timestep}",
    }
    try:
        payload = _computed(source, view, stage, (context, state), common)
    except InputError as error:
        payload = MaskLabPayload(**common, sweep=None, message=str(error))
    show_mask_lab(payload, key=_KEY, on_event=_apply)
    sync_link()


def _computed(
    source: LabSource,
    view: View,
    stage: int,
    key: tuple[str, MaskLabState],
    common: dict[str, Any],
) -> MaskLabPayload:
    """The payload with as much computed as the component has asked for."""
    context, state = key
    mask, study = view.mask, source.study
    values = _values(source.key, source.vectors, source.attack)
    orders = {
        "influence": study_drop_order(study, "influence", mask.ranking),
        "random": [
            study_drop_order(study, "random", mask.ranking, mask.seed, draw)
            for draw in range(NUM_RANDOM_DRAWS)
        ],
        "highest": study_drop_order(study, "highest", mask.ranking),
    }
    on = on_dimensions(mask, study.latent_shape)
    desk: SweepDesk = st.session_state.setdefault(_DESK, SweepDesk())
    sweep, progress = desk.sweep(
        (context, state.channels_off, state.cells_off, mask.dims_off),
        state.drop_fraction,
        lambda fractions: sweep_steps(
            values, orders, on, study.is_member, fractions, positive=view.positive
        ),
        whole=stage >= WITH_INTERVALS - 1,
    )
    intervals = None
    if stage >= WITH_INTERVALS:
        intervals = _intervals(source, values, mask, view.positive)
    return MaskLabPayload(**common, sweep=sweep, progress=progress, intervals=intervals)


def _intervals(source: LabSource, values: np.ndarray, mask: MaskSpec, positive: str) -> MetricTable:
    """Intervals of exactly this mask; the same call as the report's."""
    return _cached_intervals(source.key, mask.to_text(), positive, source.study, values, mask)


@st.cache_data(max_entries=128, show_spinner=False)
def _cached_intervals(
    key: str, mask_text: str, positive: str, _study: Study, _values: np.ndarray, _mask: MaskSpec
) -> MetricTable:
    scores = {"none": membership_scores(_study, _values, MaskSpec(kind="none"))}
    for kind in _KINDS:
        spec = _mask.model_copy(update={"kind": kind})
        scores[kind] = membership_scores(_study, _values, spec)
    return measure_scores(_study, scores, positive=positive, seed=BOOTSTRAP_SEED)


@st.cache_resource(max_entries=8, show_spinner=False)
def _values(key: str, _vectors: np.ndarray, attack: str) -> np.ndarray:
    return score_values(_vectors, attack)


def _mean_influence(study: Study) -> np.ndarray:
    return study.influence().mean(axis=0).reshape(study.latent_shape)


def _apply(event: MaskLabEvent) -> None:
    """Put the user's actions into the view and its history, in order."""
    for action in event.actions:
        view = current_view()
        if action.type == "undo":
            undo()
        elif action.type == "redo":
            redo()
        elif action.type == "reset":
            change_view(mask=MaskSpec())
        elif action.state is not None:
            change_view(mask=action.state.applied_to(view.mask), axes=action.state.axes)


def _frame_of(view: View) -> tuple:
    """The part of a view that the page around the lab depends on."""
    return (view.study, view.attack, view.timestep, view.positive, view.selection)
