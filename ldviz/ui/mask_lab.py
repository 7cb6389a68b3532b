"""The mask lab: a Streamlit component whose ROC curves move while the slider is dragged.

Python computes, the browser draws.  :mod:`ldviz.ui.mask_sweep` computes every
curve that one drag can show; this module sends them and takes back what the
user did.  The JavaScript lies beside it in ``components/mask_lab``.

**Who holds the truth.**  The page's view and history do.  The component applies
an action at once, and sends all actions that Python has not answered, each with
a growing ``seq``.  :func:`show_mask_lab` passes on those that are new, in order
and exactly once, even where Streamlit merged or interrupted runs, and answers
with the ``seq`` it has reached.  The component shows Python's state with the
unanswered actions replayed on top, so an answer to an earlier action never
overwrites a later one.

**What is sent** (:class:`MaskLabPayload`), in up to three stages, so that a
toggle is answered in one short run:

1. the curves and numbers of the present drop fraction;
2. the whole sweep over the slider, computed in pieces over a few runs;
3. the 95 % intervals of exactly this mask.

The component asks for the next stage once it is idle, with a trigger;
:func:`wanted_stage` remembers it.  A page does::

    def on_event(event): ...          # apply event.actions to the history
    stage = wanted_stage("lab", context, state)
    sweep, progress = desk.sweep(..., whole=stage >= 2)
    intervals = ... if stage >= 3 else None
    show_mask_lab(MaskLabPayload(...), key="lab", on_event=on_event)

JSON fields: ``seq``, ``origin``, ``state``, ``past``, ``future``, ``initial``,
``context``, ``shape``, ``influence`` (packed), ``image`` (its thumbnail and drop
orders, packed), ``curves`` (see :func:`ldviz.ui.mask_sweep.packed_sweep`),
``progress``, ``last_stage``, ``intervals``, ``interval_polls``, ``sample``,
``positive``, ``names``, ``details``, ``colors``, ``title``, ``message``,
``file_stem``.  About 0.25 MB for 1,797 samples of 256 dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal, Self

import numpy as np
import streamlit as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ldviz.attacks.masks import NUM_RANDOM_DRAWS, MaskSpec, Ranking
from ldviz.errors import InputError
from ldviz.figures.theme import MASK_COLOURS, MASK_TITLES
from ldviz.metrics.intervals import MetricTable
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import Positive, tpr_key
from ldviz.ui.mask_sweep import Sweep, packed

WITH_INTERVALS = 3
"""The last stage."""

_METRIC_KEYS = {"auc": "auc", "asr": "asr", "tpr": tpr_key(0.01)}
_MAX_HISTORY_SENT = 20

CURVE_DETAILS = {
    "none": "all dimensions kept",
    "influence": "the paper's mask",
    "random": f"mean of {NUM_RANDOM_DRAWS} draws ± 1 sd",
    "highest": "the reverse",
    "band": "a range of influence ranks",
}


class _Message(BaseModel):
    """What the browser sends: checked, because a browser can send anything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def checked(cls, value: Any) -> Self:
        """``value`` as a message; raises InputError where it is none."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"The mask lab sent a message that cannot be read ({where}: {first['msg']}). "
                "Reload the page."
            ) from None


class MaskLabState(_Message):
    """The part of a view that the lab changes.

    Attributes:
        drop_fraction: in [0, 1).
        channels_off, cells_off, dims_off: ascending indices.
        ranking: each image's own, or one for all.
        band: rank quantiles that the band's curve drops; None for no such curve.
        axes: of the ROC.
    """

    drop_fraction: float = Field(ge=0, lt=1)
    channels_off: tuple[int, ...] = ()
    cells_off: tuple[int, ...] = ()
    dims_off: tuple[int, ...] = ()
    ranking: Ranking = "sample"
    band: tuple[float, float] | None = None
    axes: Literal["linear", "log"] = "linear"

    @field_validator("channels_off", "cells_off", "dims_off")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value)))

    @field_validator("band")
    @classmethod
    def _rising(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 <= value[0] < value[1] <= 1:
            raise ValueError("a band needs 0 <= low < high <= 1")
        return value

    @property
    def composition(self) -> MaskLabState:
        """This state without what the slider and the axes say: one sweep serves all of those."""
        return self.model_copy(update={"drop_fraction": 0.0, "axes": "linear"})

    @classmethod
    def of(cls, mask: MaskSpec, axes: Literal["linear", "log"]) -> Self:
        """The lab's state for ``mask``."""
        return cls(
            **{name: getattr(mask, name) for name in cls.model_fields if name != "axes"}, axes=axes
        )

    def applied_to(self, mask: MaskSpec) -> MaskSpec:
        """``mask`` with everything that this state says."""
        return mask.model_copy(
            update={
                name: getattr(self, name) for name in self.__class__.model_fields if name != "axes"
            }
        )


class MaskLabAction(_Message):
    """One thing the user did; ``state`` is there for ``"set"`` alone."""

    seq: int = Field(ge=1)
    type: Literal["set", "undo", "redo", "reset"]
    state: MaskLabState | None = None


class MaskLabEvent(_Message):
    """The actions not seen before, oldest first; ``seq`` is the last one's.

    ``"set"`` carries the whole new state.  ``"reset"`` stands for
    :attr:`MaskLabPayload.initial` with the present axes, as a step that can be undone.
    """

    seq: int = Field(ge=0)
    actions: tuple[MaskLabAction, ...]


class _Need(_Message):
    """The component's question for a further stage of exactly one mask."""

    context: str
    state: MaskLabState
    stage: int = Field(ge=1, le=WITH_INTERVALS)


@dataclass(frozen=True)
class LabImage:
    """The current image, whose own mask the lab previews.

    Attributes:
        title: such as "image 123".
        uri: a small picture, as a data URI.
        orders: mask kind to (d,) dimensions in the order in which this image's mask drops them.
    """

    title: str
    uri: str
    orders: Mapping[str, np.ndarray]

    def to_json(self) -> dict[str, Any]:
        """The image as the component reads it."""
        orders = {kind: packed(order.astype(np.int64)) for kind, order in self.orders.items()}
        return {"title": self.title, "uri": self.uri, "orders": orders}


@dataclass(frozen=True, kw_only=True)
class MaskLabPayload:
    """Everything the component draws.

    Attributes:
        state: the mask shown.
        past, future: states that undo and redo lead to, nearest last; the component
            shows the outcome of an undo before Python answers.
        initial: what Reset leads to.
        context: a text for everything else that the numbers depend on (study digest,
            attack, parameters, timestep, seed, positive class).  The component keeps
            curves by context and state, so two different sweeps must never share one.
        origin: change it when the state was changed from outside the lab (a link, an
            undo elsewhere); the component then lets go of a drag in progress.
        latent_shape: (C, h, w).
        influence: (C, h, w) mean over samples, in nats.
        image: whose own mask can be previewed; None for none.
        sweep: stage 1 or 2, None with ``message``.
        progress: share of the whole sweep that is computed, as the desk returns it.
        intervals: stage 3, of exactly ``state``'s mask, names as the sweep's kinds,
            differences to ``"none"``.
        interval_polls: how often stage 3 was asked for in vain while it is computed; each
            new number makes the component ask again.
        offers_intervals: whether a third stage will be answered.
        num_member, num_held_out, seed, num_resamples: shown under the table.
        positive: the class that counts as found.
        colors, names: CSS colour and title of each kind.
        details: a second line for each kind in the table.
        title: above the ROC, such as the attack and timestep.
        message: shown in place of curves and numbers, such as an error's text.
        file_stem: begins the names of exported files.
    """

    state: MaskLabState
    initial: MaskLabState
    past: tuple[MaskLabState, ...] = ()
    future: tuple[MaskLabState, ...] = ()
    context: str
    origin: str = ""
    latent_shape: tuple[int, int, int]
    influence: np.ndarray
    image: LabImage | None = None
    sweep: Sweep | None
    progress: float = 1.0
    intervals: MetricTable | None = None
    interval_polls: int = 0
    offers_intervals: bool = False
    num_member: int
    num_held_out: int
    seed: int
    num_resamples: int = 0
    positive: Positive = "member"
    colors: Mapping[str, str] = field(default_factory=lambda: MASK_COLOURS)
    names: Mapping[str, str] = field(default_factory=lambda: MASK_TITLES)
    details: Mapping[str, str] = field(default_factory=lambda: CURVE_DETAILS)
    title: str = "ROC curve"
    message: str | None = None
    file_stem: str = "ldviz"

    def to_json(self, seq: int) -> dict[str, Any]:
        """The payload as the component reads it, answering action ``seq``."""
        return {
            "seq": seq,
            "origin": self.origin,
            "state": self.state.model_dump(mode="json"),
            "past": [state.model_dump(mode="json") for state in self.past[-_MAX_HISTORY_SENT:]],
            "future": [state.model_dump(mode="json") for state in self.future[-_MAX_HISTORY_SENT:]],
            "initial": self.initial.model_dump(mode="json"),
            "context": self.context,
            "shape": list(self.latent_shape),
            "influence": packed(np.asarray(self.influence, dtype=np.float32).reshape(-1)),
            "image": self.image.to_json() if self.image else None,
            "curves": self.sweep.packed if self.sweep else None,
            "progress": self.progress if self.sweep and not self.sweep.whole else 0,
            "last_stage": WITH_INTERVALS if self.offers_intervals else WITH_INTERVALS - 1,
            "intervals": self._intervals_json(),
            "interval_polls": self.interval_polls,
            "sample": {
                "num_member": self.num_member,
                "num_held_out": self.num_held_out,
                "seed": self.seed,
                "num_resamples": self.num_resamples,
            },
            "positive": self._positive_json(),
            "names": dict(self.names),
            "details": dict(self.details),
            "colors": dict(self.colors),
            "title": self.title,
            "message": self.message,
            "file_stem": self.file_stem,
        }

    def _positive_json(self) -> dict[str, Any]:
        """Class counts and axis titles: a ROC axis names its positive class."""
        if self.positive == "member":
            counts = (self.num_member, self.num_held_out)
            titles = ("held-out accused", "members found")
        else:
            counts = (self.num_held_out, self.num_member)
            titles = ("members called held-out", "held-out found")
        return {
            "name": self.positive,
            "num_positive": counts[0],
            "num_negative": counts[1],
            "x_title": f"False-positive rate ({titles[0]})",
            "y_title": f"True-positive rate ({titles[1]})",
            "note": ""
            if self.positive == "member"
            else "held-out images are the positive class (the paper code's convention)",
        }

    def _intervals_json(self) -> dict[str, Any] | None:
        """Values and intervals by kind and metric, differences against no mask."""
        if self.intervals is None:
            return None
        return {
            "drop_fraction": self.state.drop_fraction,
            "metrics": {
                kind: _measured_json(metrics) for kind, metrics in self.intervals.metrics.items()
            },
            "differences": {
                kind: _measured_json(metrics)
                for (kind, other), metrics in self.intervals.differences.items()
                if other == "none"
            },
        }


def show_mask_lab(
    payload: MaskLabPayload,
    *,
    key: str,
    on_event: Callable[[MaskLabEvent], None] | None = None,
) -> MaskLabEvent | None:
    """Draw the lab, and pass on what the user has done since.

    Args:
        payload: what to draw.
        key: of the component; also prefixes what is remembered in the session.
        on_event: called before the next run with the new actions, each exactly once;
            the natural place to change the history, since the run then draws the
            result at once.  Streamlit cannot interrupt it half-way.

    Returns:
        The event of this run, or None; for pages that give no ``on_event``.
    """

    def collect() -> None:
        event = new_actions(st.session_state[key].get("event"), _seq(key))
        if event is not None:
            st.session_state[f"{key}/seq"] = event.seq
            st.session_state[f"{key}/event"] = event
            if on_event is not None:
                on_event(event)

    def note_need() -> None:
        need = st.session_state[key].get("need")
        if need is not None:
            st.session_state[f"{key}/need"] = _Need.checked(need)

    _component()(
        key=key,
        data=payload.to_json(_seq(key)),
        on_event_change=collect,
        on_need_change=note_need,
    )
    return st.session_state.pop(f"{key}/event", None)


def wanted_stage(key: str, context: str, state: MaskLabState) -> int:
    """The stage that the component has asked for, for this mask: 1 until it asks.

    Args:
        key, context: as given to :func:`show_mask_lab` and its payload.
        state: the state that will be shown.
    """
    need: _Need | None = st.session_state.get(f"{key}/need")
    if need is None or need.context != context or need.state.composition != state.composition:
        return 1
    same_fraction = abs(need.state.drop_fraction - state.drop_fraction) < 1e-9
    return need.stage if same_fraction else min(need.stage, WITH_INTERVALS - 1)


def _seq(key: str) -> int:
    """The last action that the history contains."""
    return st.session_state.get(f"{key}/seq", 0)


def new_actions(value: Any, seq: int) -> MaskLabEvent | None:
    """The actions after ``seq`` in what the component sent; None where there are none."""
    if value is None:
        return None
    event = MaskLabEvent.checked(value)
    actions = tuple(action for action in event.actions if action.seq > seq)
    return MaskLabEvent(seq=actions[-1].seq, actions=actions) if actions else None


def _measured_json(metrics: Mapping[str, Measured]) -> dict[str, Any]:
    """The lab's three metrics of one curve."""
    return {
        name: {"value": metrics[key].value, "ci95": metrics[key].ci95}
        for name, key in _METRIC_KEYS.items()
        if key in metrics
    }


@cache
def _component() -> Callable[..., Any]:
    """The registered component, its files read once per process."""
    folder = resources.files("ldviz.ui") / "components" / "mask_lab"
    scripts = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".js")),
        key=lambda entry: entry.name,
    )
    return st.components.v2.component(
        "ldviz.mask_lab",
        html=(folder / "mask_lab.html").read_text("utf-8"),
        css=(folder / "mask_lab.css").read_text("utf-8"),
        js="\n".join(script.read_text("utf-8") for script in scripts),
    )
