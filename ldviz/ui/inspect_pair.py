"""One picture through the models of two studies, and how far their answers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.influence_panels import plot_influence_panels
from ldviz.figures.score_axis import shared_score_axes
from ldviz.figures.shared_axes import share_axes
from ldviz.metrics.measured import Measured
from ldviz.study.pair import Pair
from ldviz.study.picture import MeasuredPicture
from ldviz.ui.compare import (
    LETTERS,
    Difference,
    common_range,
    independent,
    show_differences,
    side_by_side,
)
from ldviz.ui.distortion_pair import same_rank
from ldviz.ui.inspect_choice import ChosenPicture
from ldviz.ui.inspect_geometry import (
    distortion_figure,
    draw_distortion,
    draw_influence,
    draw_spectrum,
    spectrum_figure,
)
from ldviz.ui.inspect_pictures import NearestMembers, nearest_members, show_nearest, show_pictures
from ldviz.ui.inspect_score import (
    draw_score,
    picture_axis,
    score_figure,
    score_shares,
    score_values_of,
    show_no_score,
)

_KEYS = ("", "/other")
_PICTURE = 132
_ONE_PICTURE = "One picture: a number of it alone has no interval."

Shares = Sequence[Mapping[str, Measured] | None]


def show_two_results(
    pair: Pair, chosen: Sequence[ChosenPicture], results: Sequence[MeasuredPicture]
) -> tuple[dict[str, go.Figure], list[Difference], Shares, list[list[NearestMembers]]]:
    """Every part of both, on the same axes where they mean the same.

    Args:
        pair: the studies.
        chosen: the picture, as each study's images were prepared.
        results: what each model makes of it.

    Returns:
        The figures, the differences, both studies' shares and nearest members, for export.
    """
    both = list(zip(pair.studies, chosen, results, strict=True))
    shares = [score_shares(*one) for one in both]
    rows = picture_differences(pair, results, shares)
    st.subheader(f"Two answers to one picture: {chosen[0].title}", anchor=False)
    show_differences(pair, rows, note=_note(pair, chosen))
    st.subheader("Through the autoencoders", anchor=False)
    for (column, _), (_, own, result) in zip(side_by_side(pair, key="inspect"), both, strict=True):
        with column:
            show_pictures(own, result, size=_PICTURE)
    figures = _show_geometry(pair, both)
    st.subheader("Does it score like a member?", anchor=False)
    figures |= _show_scores(pair, both, shares)
    st.subheader("The nearest members", anchor=False)
    nearest = [nearest_members(*one) for one in both]
    columns = side_by_side(pair, key="inspect-nearest", brief=True)
    for (column, study), own in zip(columns, nearest, strict=True):
        with column:
            show_nearest(study, own)
    return figures, rows, shares, nearest


def picture_differences(
    pair: Pair, results: Sequence[MeasuredPicture], shares: Shares
) -> list[Difference]:
    """Shares with intervals, and the picture's own numbers, which have none."""
    first, second = results
    rows = []
    if all(shares):
        rows = [
            independent(
                title,
                *(own[name] for own in shares),
                detail="share, by each study's default attack",
            )
            for name, title in (
                ("members", "Members that score higher"),
                ("held_out", "Held-out that score higher"),
            )
        ]
    rows.append(
        _of_one_picture(
            "What the autoencoder loses",
            first.error,
            second.error,
            detail="root mean square, share of the range",
        )
    )
    if same_rank_measured(pair, results):
        rank = pair.first.manifest.geometry.rank
        rows.append(
            _of_one_picture(
                "Local distortion",
                first.distortion,
                second.distortion,
                detail=f"rank {rank}, nats",
                digits=2,
            )
        )
    return rows


def same_rank_measured(pair: Pair, results: Sequence[MeasuredPicture]) -> bool:
    """Whether both distortions are known and of one rank."""
    return all(one.distortion is not None for one in results) and same_rank(pair)


def _note(pair: Pair, chosen: Sequence[ChosenPicture]) -> str:
    """What the two answers rest on."""
    whose = (
        "The picture is an image of A, and to B one from elsewhere. "
        if chosen[0].row is not None and chosen[1].row is None
        else ""
    )
    sizes = (
        "Each study brings it to the size and colours of its own images. "
        if pair.first.image_shape != pair.second.image_shape
        else ""
    )
    return f"{whose}{sizes}{_ONE_PICTURE}"


def _of_one_picture(label: str, first: float, second: float, **words: Any) -> Difference:
    numbers = [Measured(value=value, note=_ONE_PICTURE) for value in (first, second)]
    step = Measured(value=first - second, note=_ONE_PICTURE)
    return Difference(label, *numbers, step, **words)


def _show_geometry(pair: Pair, both: Sequence[tuple]) -> dict[str, go.Figure]:
    """Distortion, spectrum and influence of the studies that have geometry."""
    there = [index for index, (_, _, result) in enumerate(both) if result.distortion is not None]
    if not there:
        return {}
    results = [result for _, _, result in both]
    distortions = {index: distortion_figure(*both[index]) for index in there}
    share_axes(
        list(distortions.values()), ("x", "y") if same_rank_measured(pair, results) else ("y",)
    )
    spectra = {index: spectrum_figure(both[index][0], results[index]) for index in there}
    share_axes(list(spectra.values()))
    maps = {index: plot_influence_panels(results[index].influence) for index in there}
    low, high = common_range(
        *((float(results[i].influence.min()), float(results[i].influence.max())) for i in there),
        pad=0.0,
    )
    st.subheader("How much the decoders stretch here", anchor=False)
    for index, (column, study) in enumerate(side_by_side(pair, key="inspect-stretch", brief=True)):
        with column:
            if index not in there:
                st.caption("This study has no geometry.")
                continue
            draw_distortion(*both[index], distortions[index], key=_KEYS[index])
            draw_spectrum(study, spectra[index], key=_KEYS[index])
    st.subheader("Which latent dimensions carry it", anchor=False)
    columns = side_by_side(pair, key="inspect-influence", brief=True)
    for index, (column, study) in enumerate(columns):
        with column:
            if index in there:
                maps[index].update_layout(coloraxis={"cmin": low, "cmax": high})
                draw_influence(study, results[index], maps[index], key=_KEYS[index])
    named = (("Distortion", distortions), ("Spectrum", spectra), ("Influence", maps))
    return {f"{LETTERS[index]} {title}": drawn[index] for title, drawn in named for index in there}


def _show_scores(pair: Pair, both: Sequence[tuple], shares: Shares) -> dict[str, go.Figure]:
    """The score among each study's; on one axis where both use the same attack."""
    there = [index for index in range(2) if shares[index] is not None]
    same = len(there) == 2 and pair.first.default_attack == pair.second.default_attack
    axes = (
        shared_score_axes([score_values_of(*one) for one in both])
        if same
        else [picture_axis(*one) if own else None for one, own in zip(both, shares, strict=True)]
    )
    figures = {index: score_figure(*both[index], axes[index]) for index in there}
    share_axes(list(figures.values()), ("x", "y") if same else ("y",))
    for index, (column, _) in enumerate(side_by_side(pair, key="inspect-scores", brief=True)):
        with column:
            if index in there:
                draw_score(*both[index], shares[index], figures[index], key=_KEYS[index])
            else:
                show_no_score()
    if len(there) == 2 and not same:
        st.caption("The default attacks differ, so each study's scores have their own axis.")
    return {f"{LETTERS[index]} Score": figure for index, figure in figures.items()}
