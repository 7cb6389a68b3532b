"""Scores of both classes with a threshold that moves in the browser, counts following."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import streamlit as st

from ldviz.figures.histogram import score_bins
from ldviz.figures.score_axis import ScoreAxis
from ldviz.figures.theme import HELD_OUT, MEMBER
from ldviz.ui.samples import Samples

_MAX_RUG = 400


def histogram_payload(
    axis: ScoreAxis,
    is_member: np.ndarray,
    chosen: np.ndarray,
    *,
    key: str,
    file_stem: str,
    among: np.ndarray | None = None,
) -> dict[str, Any]:
    """What the component draws and counts.

    Args:
        axis: (n,) scores and their places.
        is_member: (n,) bool.
        chosen: rows marked under the axis; at most 400 are.
        key: changes with the scores; the threshold then goes back to its first place.
        file_stem: of saved pictures.
        among: places of all histograms that share their bins; None for this one alone.
    """
    bins = score_bins(axis.places, is_member, among=among)
    presets = threshold_presets(axis.places, is_member)
    marked = chosen[:_MAX_RUG]
    return {
        "key": key,
        "edges": bins.edges.tolist(),
        "member": bins.member.tolist(),
        "held_out": bins.held_out.tolist(),
        "member_places": _packed(axis.places[is_member]),
        "held_out_places": _packed(axis.places[~is_member]),
        "ticks": [
            {"at": at, "text": text} for at, text in zip(axis.ticks, axis.tick_texts, strict=True)
        ],
        "title": axis.title,
        "logarithmic": axis.logarithmic,
        "presets": presets,
        "threshold": presets[0]["at"] if presets else float(np.median(axis.places)),
        "chosen": {
            "member": axis.places[marked[is_member[marked]]].tolist(),
            "held_out": axis.places[marked[~is_member[marked]]].tolist(),
        },
        "colours": {"member": MEMBER, "held_out": HELD_OUT},
        "file_stem": file_stem,
        "top": max(
            float(counts.max()) / max(1, int(counts.sum()))
            for counts in (bins.member, bins.held_out)
        ),
    }


def histogram_rows(samples: Samples, *, among: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Bins of the histogram as flat rows; ``among`` as in :func:`histogram_payload`."""
    bins = score_bins(samples.axis.places, samples.study.is_member, among=among)
    ends = [samples.axis.score_at(edge) for edge in bins.edges]
    return [
        {"score_from": low, "score_to": high, "members": int(member), "held_out": int(held_out)}
        for low, high, member, held_out in zip(
            ends[:-1], ends[1:], bins.member, bins.held_out, strict=True
        )
    ]


def share_height(payloads: Sequence[dict[str, Any]]) -> None:
    """Give histograms side by side the same height of axis, in place."""
    top = max(payload["top"] for payload in payloads)
    for payload in payloads:
        payload["top"] = top


def threshold_presets(places: np.ndarray, is_member: np.ndarray) -> list[dict[str, Any]]:
    """Thresholds that have a name: few false accusations, and the best success rate.

    Returns:
        Label and place of each; none where there is one class only, and no FPR that the
        number of held-out images cannot resolve.
    """
    held_out = np.sort(places[~is_member])[::-1]
    members = np.sort(places[is_member])
    if not len(held_out) or not len(members):
        return []
    presets = []
    for share in (0.01, 0.1):
        allowed = int(np.floor(share * len(held_out) + 1e-9))
        if 0 < allowed < len(held_out):
            at = _next_above(places, held_out[allowed])
            presets.append({"label": f"{share:.0%} of held-out accused", "at": at})
    candidates = np.unique(places)
    found = len(members) - np.searchsorted(members, candidates, side="left")
    accused = len(held_out) - np.searchsorted(held_out[::-1], candidates, side="left")
    gain = found / len(members) - accused / len(held_out)
    presets.append({"label": "best success rate", "at": float(candidates[int(gain.argmax())])})
    return presets


def show_score_histogram(payload: dict[str, Any], *, key: str) -> None:
    """Draw the histogram; where the threshold was left stays in the session under ``key``."""
    _component()(data=payload, key=key, on_threshold_change=lambda: None)


def threshold_in_session(key: str) -> float | None:
    """Place of the threshold once it was moved."""
    state = st.session_state.get(key)
    value = None if state is None else state.get("threshold")
    return float(value) if isinstance(value, int | float) else None


def _next_above(places: np.ndarray, place: float) -> float:
    """The lowest place above one; beyond all of them where there is none."""
    above = places[places > place]
    return float(above.min()) if len(above) else float(np.nextafter(place, np.inf))


def _packed(places: np.ndarray) -> str:
    """Ascending float64, little-endian, in base64."""
    return base64.b64encode(np.sort(places).astype("<f8").tobytes()).decode()


@cache
def _component() -> Callable[..., Any]:
    """The registered component, its files read once per process."""
    folder = resources.files("ldviz.ui") / "components" / "score_histogram"
    return st.components.v2.component(
        "ldviz.score_histogram",
        html=(folder / "score_histogram.html").read_text("utf-8"),
        css=(folder / "score_histogram.css").read_text("utf-8"),
        js=(folder / "score_histogram.js").read_text("utf-8"),
    )
