"""The mask lab on a study: the view's mask in, the user's actions back into the view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from ldviz.attacks import get_attack
from ldviz.attacks.mask_words import mask_words
from ldviz.attacks.masks import NUM_RANDOM_DRAWS, MaskSpec, dropped_range, on_dimensions
from ldviz.attacks.moving import MovingSums
from ldviz.errors import InputError
from ldviz.metrics.intervals import MetricTable
from ldviz.metrics.roc import Positive
from ldviz.progress import Progress, no_progress
from ldviz.study.report import NUM_RESAMPLES, measure_scores
from ldviz.study.scores import (
    membership_scores,
    random_ranks,
    score_values,
    study_drop_order,
    study_drop_ranks,
)
from ldviz.study.store import Study
from ldviz.ui.failures import shown_failures
from ldviz.ui.interval_desk import IntervalDesk
from ldviz.ui.mask_lab import (
    CURVE_DETAILS,
    WITH_INTERVALS,
    LabImage,
    MaskLabEvent,
    MaskLabPayload,
    MaskLabState,
    show_mask_lab,
    wanted_stage,
)
from ldviz.ui.mask_sweep import PerKind, SweepDesk, moving_sums, sweep_steps
from ldviz.ui.state import change_view, current_image, current_view, history, redo, sync_link, undo
from ldviz.ui.thumbnails import thumbnail_uri
from ldviz.view import View

_KEY = "mask-lab"
_DESK = "ldviz-sweep-desk"
_NOW = "ldviz-lab-now"
_SUMS = "ldviz-lab-sums"
_INTERVALS, _POLLS = "ldviz-interval-desk", "ldviz-interval-polls"
_MOST_AT_ONCE = 10_000
"""Samples up to which intervals are computed within a page run, in well under a second."""
_KINDS = ("influence", "random", "highest")
_THUMBNAIL = 48
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


class LabNow:
    """The view that the lab last drew, for what is saved from outside its fragment."""

    def __init__(self, view: View) -> None:
        self.view = view


def show_attack_lab(source: LabSource) -> LabNow:
    """Draw the lab; it reruns alone while only the mask changes, and keeps the result current."""
    now = st.session_state.setdefault(_NOW, LabNow(current_view()))
    _lab(source, _frame_of(current_view()))
    return now


def lab_numbers(source: LabSource, view: View) -> MetricTable:
    """The numbers that the lab shows under a view; needs no session."""
    values = score_values(source.vectors, source.attack)
    return measure_lab(source.study, values, view.mask, view.positive)


@st.fragment
def _lab(source: LabSource, frame: tuple) -> None:
    view = current_view()
    st.session_state[_NOW].view = view
    if _frame_of(view) != frame:
        # An undo went back to another attack or timestep: the whole page must follow.
        st.rerun()
    with shown_failures():
        _show(source, view)


def _show(source: LabSource, view: View) -> None:
    mask, state = view.mask, MaskLabState.of(view.mask, view.axes)
    context = f"{source.key}/{mask.seed}/{view.positive}"
    stage = wanted_stage(_KEY, context, state)
    common: dict[str, Any] = {
        "state": state,
        "initial": MaskLabState.of(MaskSpec(), view.axes),
        "past": tuple(MaskLabState.of(past.mask, past.axes) for past in history().past),
        "future": tuple(MaskLabState.of(future.mask, future.axes) for future in history().future),
        "context": context,
        "latent_shape": source.study.latent_shape,
        "influence": _mean_influence(source.study),
        "image": _image(source.study, mask),
        "offers_intervals": True,
        "num_member": source.study.manifest.n_member,
        "num_held_out": source.study.manifest.n_held_out,
        "seed": BOOTSTRAP_SEED,
        "num_resamples": NUM_RESAMPLES,
        "positive": view.positive,
        "details": _details(mask),
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
    ranks = {
        "influence": study_drop_ranks(study, "influence", mask.ranking),
        "random": random_ranks(study, mask.ranking, mask.seed),
        "highest": study_drop_ranks(study, "highest", mask.ranking),
    }
    on = on_dimensions(mask, study.latent_shape)
    bands = {}
    if mask.band is not None:
        start, stop = dropped_range(_band(mask), int(on.sum()))
        bands["band"] = (ranks["influence"], start, stop)
    sums = _sums((source.key, mask.ranking, mask.seed), values, orders, ranks)
    desk: SweepDesk = st.session_state.setdefault(_DESK, SweepDesk())
    sweep, progress = desk.sweep(
        (context, state.composition),
        state.drop_fraction,
        lambda fractions: sweep_steps(
            values,
            orders,
            on,
            study.is_member,
            fractions,
            sums=sums,
            bands=bands,
            positive=view.positive,
        ),
        whole=stage >= WITH_INTERVALS - 1,
    )
    intervals = None
    if stage >= WITH_INTERVALS:
        intervals = _intervals(source, values, mask, view.positive)
    else:
        _interval_desk().leave()
    return MaskLabPayload(
        **common,
        sweep=sweep,
        progress=progress,
        intervals=intervals,
        interval_polls=_polls(waiting=stage >= WITH_INTERVALS and intervals is None),
    )


def _sums(key: tuple, values: np.ndarray, orders: PerKind, ranks: PerKind) -> MovingSums:
    """The session's sums, which go on from the mask that it last asked for."""
    held = st.session_state.get(_SUMS)
    if held is None or held[0] != key:
        held = st.session_state[_SUMS] = (key, moving_sums(values, orders, ranks))
    return held[1]


def _intervals(
    source: LabSource, values: np.ndarray, mask: MaskSpec, positive: Positive
) -> MetricTable | None:
    """Intervals of exactly this mask, by the report's own call; None while they are computed."""
    study = source.study
    if study.num_samples <= _MOST_AT_ONCE:
        return _cached_intervals(source.key, mask.to_text(), positive, study, values, mask)
    return _interval_desk().table(
        (source.key, mask.to_text(), positive),
        lambda progress: measure_lab(study, values, mask, positive, progress=progress),
    )


def _interval_desk() -> IntervalDesk:
    return st.session_state.setdefault(_INTERVALS, IntervalDesk())


def _polls(*, waiting: bool) -> int:
    """How often the component has asked in vain: a new number makes it ask again."""
    st.session_state[_POLLS] = st.session_state.get(_POLLS, 0) + 1 if waiting else 0
    return st.session_state[_POLLS]


@st.cache_data(max_entries=128, show_spinner=False)
def _cached_intervals(
    key: str, mask_text: str, positive: str, _study: Study, _values: np.ndarray, _mask: MaskSpec
) -> MetricTable:
    return measure_lab(_study, _values, _mask, positive)


def measure_lab(
    study: Study,
    values: np.ndarray,
    mask: MaskSpec,
    positive: Positive,
    *,
    progress: Progress = no_progress,
) -> MetricTable:
    """The numbers of every curve of the lab, by the report's own call."""
    scores = {"none": membership_scores(study, values, MaskSpec(kind="none"))}
    for kind in (*_KINDS, *(("band",) if mask.band else ())):
        scores[kind] = membership_scores(study, values, mask.model_copy(update={"kind": kind}))
    return measure_scores(study, scores, positive=positive, seed=BOOTSTRAP_SEED, progress=progress)


@st.cache_resource(max_entries=8, show_spinner=False)
def _values(key: str, _vectors: np.ndarray, attack: str) -> np.ndarray:
    return score_values(_vectors, attack)


@st.cache_data(max_entries=8, show_spinner=False)
def _mean_of_influence(digest: str, _study: Study) -> np.ndarray:
    return _study.influence().mean(axis=0).reshape(_study.latent_shape)


def _mean_influence(study: Study) -> np.ndarray:
    return _mean_of_influence(study.digest, study)


def _details(mask: MaskSpec) -> dict[str, str]:
    """What the table says below each curve's name."""
    return CURVE_DETAILS | ({"band": mask_words(_band(mask))} if mask.band else {})


def _band(mask: MaskSpec) -> MaskSpec:
    return mask.model_copy(update={"kind": "band"})


def _image(study: Study, mask: MaskSpec) -> LabImage | None:
    """The current image with its own drop orders; the random mask's first draw."""
    try:
        row = current_image(study)
    except InputError:
        return None  # the link names an image of another study; the other pages say so
    return LabImage(
        title=f"image {study.sample_ids[row]}",
        uri=thumbnail_uri(study.images(row), largest_side=_THUMBNAIL),
        orders={
            kind: study_drop_order(study, kind, mask.ranking, seed)[row]
            for kind, seed in (("influence", 0), ("random", mask.seed), ("highest", 0))
        },
    )


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
    return (
        view.study,
        view.attack,
        view.timestep,
        view.positive,
        view.image,
        view.selection,
        view.saved,
        view.compared,
    )
