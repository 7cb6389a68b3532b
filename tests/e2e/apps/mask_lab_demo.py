"""The mask lab alone, on a made-up study whose members leak in high-influence dimensions.

The browser tests run it; so may anyone who changes the component:
``streamlit run tests/e2e/apps/mask_lab_demo.py``.  ``?held_out=3`` and the like make a
small study, ``?intervals=0`` leaves the third stage out, ``?positive=held_out`` turns
the positive class round.
"""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from ldviz.attacks.masks import MaskSpec, dropped_range, num_dropped, on_dimensions
from ldviz.attacks.ranked import drop_ranks
from ldviz.attacks.statistic import masked_statistic, masked_statistics
from ldviz.errors import LdvizError
from ldviz.metrics.intervals import metric_intervals
from ldviz.ui.mask_lab import (
    LabImage,
    MaskLabEvent,
    MaskLabPayload,
    MaskLabState,
    show_mask_lab,
    wanted_stage,
)
from ldviz.ui.mask_sweep import SweepDesk, sweep_steps
from ldviz.ui.thumbnails import thumbnail_uri
from tests.e2e.apps.mask_lab_study import SHAPE, MadeUpStudy, made_up_study

INITIAL = MaskLabState(drop_fraction=0.4)
NUM_RESAMPLES = 200
KEY = "lab"

load_study = st.cache_resource(made_up_study)


def apply_event(event: MaskLabEvent) -> None:
    """The page's part of the protocol: actions in order, on the session's history."""
    session = st.session_state
    for action in event.actions:
        now = session.state
        if action.type == "undo" and session.past:
            session.future.append(now)
            session.state = session.past.pop()
        elif action.type == "redo" and session.future:
            session.past.append(now)
            session.state = session.future.pop()
        elif action.type in ("set", "reset"):
            reset = INITIAL.model_copy(update={"axes": now.axes})
            after = action.state if action.type == "set" else reset
            if after != now:
                session.past.append(now)
                session.future.clear()
                session.state = after


def intervals_of(study: MadeUpStudy, state: MaskLabState, on: np.ndarray, positive: str):
    """The third stage, of exactly this mask."""
    dropped = num_dropped(state.drop_fraction, int(on.sum()))
    scores = {"none": -masked_statistic(study.values)}
    for kind, orders in study.orders.items():
        orders = [orders] if isinstance(orders, np.ndarray) else orders
        rows = [-masked_statistics(study.values, order, on, dropped) for order in orders]
        scores[kind] = np.stack(rows) if len(rows) > 1 else rows[0]
    pairs = [(kind, "none") for kind in study.orders]
    return metric_intervals(
        study.is_member, scores, pairs=pairs, num_resamples=NUM_RESAMPLES, positive=positive
    )


def first_image(study: MadeUpStudy) -> LabImage:
    """A picture of one pixel, and the first sample's orders."""
    orders = {
        kind: (order if isinstance(order, np.ndarray) else order[0])[0]
        for kind, order in study.orders.items()
    }
    uri = thumbnail_uri(np.full((1, 1, 1), 128, dtype=np.uint8))
    return LabImage(title="image 0", uri=uri, orders=orders)


@st.fragment
def page() -> None:
    started = time.perf_counter()
    query = st.query_params
    counts = int(query.get("members", 899)), int(query.get("held_out", 898))
    positive = query.get("positive", "member")
    offers_intervals = query.get("intervals", "1") == "1"
    study = load_study(*counts)
    session = st.session_state
    context = f"demo/{counts}/{positive}"
    state = session.state
    stage = wanted_stage(KEY, context, state)
    common = {
        "state": state,
        "initial": INITIAL,
        "past": tuple(session.past),
        "future": tuple(session.future),
        "context": context,
        "origin": str(session.origin),
        "latent_shape": SHAPE,
        "influence": study.influence,
        "image": first_image(study),
        "offers_intervals": offers_intervals,
        "num_member": counts[0],
        "num_held_out": counts[1],
        "seed": 0,
        "num_resamples": NUM_RESAMPLES if offers_intervals else 0,
        "positive": positive,
        "title": "SimA, t = 100",
        "file_stem": "demo-sima-t100",
    }
    try:
        mask = state.applied_to(MaskSpec())
        on = on_dimensions(mask, SHAPE)
        bands = {}
        if state.band is not None:
            ends = dropped_range(mask.model_copy(update={"kind": "band"}), int(on.sum()))
            bands["band"] = (drop_ranks(study.orders["influence"]), *ends)
        sweep, progress = session.desk.sweep(
            (context, state.composition),
            state.drop_fraction,
            lambda fractions: sweep_steps(
                study.values,
                study.orders,
                on,
                study.is_member,
                fractions,
                bands=bands,
                positive=positive,
            ),
            whole=stage >= 2,
        )
        intervals = (
            intervals_of(study, state, on, positive) if stage >= 3 and offers_intervals else None
        )
        payload = MaskLabPayload(**common, sweep=sweep, progress=progress, intervals=intervals)
    except LdvizError as error:
        payload = MaskLabPayload(**common, sweep=None, message=str(error))
    show_mask_lab(payload, key=KEY, on_event=apply_event)
    took = 1000 * (time.perf_counter() - started)
    st.caption(f"stage {stage}, state {state.model_dump_json()}, run {took:.0f} ms")


st.set_page_config(page_title="Mask lab", layout="wide")
session = st.session_state
session.setdefault("state", INITIAL)
session.setdefault("past", [])
session.setdefault("future", [])
session.setdefault("desk", SweepDesk())
session.setdefault("origin", 0)
if st.button("Drop 0.7 from outside", key="outside"):
    session.past.append(session.state)
    session.state = session.state.model_copy(update={"drop_fraction": 0.7})
    session.origin += 1
page()
