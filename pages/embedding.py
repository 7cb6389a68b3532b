"""Latent map: every latent as a point, coloured by what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.figures.embedding import CLASS_PALETTE, Continuous, Groups, embedding_map, map_height
from ldviz.figures.embedding_projection import Projection, pca_projection, tsne_projection
from ldviz.figures.shared_axes import share_axes
from ldviz.figures.theme import HELD_OUT, MEMBER
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.compare import (
    choose_second_image,
    compared,
    second_image,
    show_differences,
    side_by_side,
)
from ldviz.ui.embedding_pair import image_heading, map_differences, map_note, share_colours
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.gallery import GalleryGroup, ImageFacts, choose_image, image_facts, show_gallery
from ldviz.ui.gallery_current import show_current_image
from ldviz.ui.numbers import measured_text
from ldviz.ui.numbers_study import selection_auc
from ldviz.ui.state import change_view, current_image, current_study, current_view
from ldviz.ui.thumbnails_hover import show_hover_cards

MAP = "latent-map"
MAPS = (MAP, f"{MAP}-other")
PAIR_HEIGHT = 500
CONTINUOUS = ("distortion", "influence", "score")
GALLERY_LIMIT = 24
METHODS = {"pca": "PCA", "tsne": "t-SNE"}
COLOURINGS = {
    "distortion": "Local distortion",
    "influence": "Mean influence",
    "score": "Score",
    "membership": "Membership",
    "class": "Class",
}


def show_map_page() -> None:
    """The page."""
    study = current_study()
    facts = image_facts(study)
    st.title("Latent map", anchor=False)
    st.markdown(
        "Each point is one image's latent, in two dimensions instead of "
        f"{study.latent_dim}. Point at one to see its image, click to make it the current one, "
        "draw around several to select them."
    )
    row = current_image(study)
    pair = compared(study)
    if pair is not None:
        show_two(pair, facts, row)
        return
    (projection,), colour = show_controls([study], _colourings(study, facts))
    chart, side = st.columns([4, 1], gap="medium")
    with chart:
        show_map(study, facts, projection, colour, row)
    with side:
        show_current_image(study, facts, row)
        show_selection_summary(study, facts)
    show_selection(study, facts, row)
    show_hover_cards(study, facts, container=MAP, key=f"{MAP}-hover")


def show_two(pair: Pair, facts: ImageFacts, row: int) -> None:
    """Both maps on one scale, and how their latents differ."""
    both = (facts, image_facts(pair.second))
    offered = [_colourings(study, own) for study, own in zip(pair.studies, both, strict=True)]
    projections, colour = show_controls(
        pair.studies, [name for name in offered[0] if name in offered[1]]
    )
    chosen = _selected_rows(pair.first)
    selected = (chosen, chosen if pair.same_images else chosen[:0])
    rows = (row, second_image(pair))
    colourings = share_colours(
        pair,
        colour,
        [_colouring(study, own, colour) for study, own in zip(pair.studies, both, strict=True)],
    )
    figures = [
        map_figure(study, *drawn, height=PAIR_HEIGHT)
        for study, *drawn in zip(pair.studies, projections, colourings, selected, rows, strict=True)
    ]
    share_axes(figures)
    for index, (column, study) in enumerate(side_by_side(pair, key="map")):
        with column:
            draw_map(study, figures[index], colour, second=pair if index else None)
            st.caption(projections[index].method)
            show_current_image(study, both[index], rows[index], heading=image_heading(pair, index))
            if not index or pair.same_images:
                show_selection_summary(study, both[index], clear=not index)
    st.subheader("How they differ", anchor=False)
    ends = " Colours end alike in both." if colour in CONTINUOUS else ""
    show_differences(pair, map_differences(pair, selected[1]), note=map_note(pair) + ends)
    if len(chosen):
        for index, (column, study) in enumerate(side_by_side(pair, key="map-gallery", brief=True)):
            with column:
                if len(selected[index]):
                    second = pair if index else None
                    show_selection(study, both[index], rows[index], second=second)
                else:
                    st.caption("The selection is of A: B holds other images.")
    for index, (study, own) in enumerate(zip(pair.studies, both, strict=True)):
        show_hover_cards(study, own, container=MAPS[index], key=f"{MAPS[index]}-hover")


def show_controls(studies: Sequence[Study], colourings: list[str]) -> tuple[list[Projection], str]:
    """Projections and colouring; t-SNE runs only when its button is pressed."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        method = st.segmented_control(
            "Projection",
            list(METHODS),
            default="pca",
            required=True,
            format_func=METHODS.__getitem__,
            key="map-method",
            persist_state="session",
        )
    with right:
        colour = st.segmented_control(
            "Colour",
            colourings,
            default=colourings[0],
            required=True,
            format_func=COLOURINGS.__getitem__,
            key="map-colour",
            persist_state="session",
            wrap=True,
        )
    if method == "tsne":
        projections = _requested_tsne(studies)
        if projections is not None:
            return projections, colour
    return [_pca(study, study.digest) for study in studies], colour


def show_map(
    study: Study, facts: ImageFacts, projection: Projection, colour: str, row: int
) -> None:
    """The scatter, with pictures on hover."""
    chosen = _selected_rows(study)
    figure = map_figure(study, projection, _colouring(study, facts, colour), chosen, row)
    draw_map(study, figure, colour)
    ends = " Colours end at the 2nd and 98th percentile." if colour in CONTINUOUS else ""
    st.caption(projection.method + ends)


def map_figure(
    study: Study,
    projection: Projection,
    colouring: Continuous | Groups,
    chosen: np.ndarray,
    row: int,
    *,
    height: int = 600,
) -> go.Figure:
    """The scatter; ``chosen`` rows stay bright, ``row`` is ringed."""
    selected = np.zeros(study.num_samples, dtype=bool)
    selected[chosen] = True
    return embedding_map(
        projection.points,
        study.sample_ids,
        colouring,
        axis_titles=projection.axis_titles,
        selected=selected,
        current=row,
        height=height,
    )


def draw_map(study: Study, figure: go.Figure, colour: str, *, second: Pair | None = None) -> None:
    """Draw the scatter; ``second`` is the pair, where the study is its second one.

    On a phone the width decides how tall the plot is; the empty room below is cut off.
    """
    name = MAPS[second is not None]
    st.html(
        f"<style>@media (max-width: 640px) {{ .st-key-{name} {{ container-type: inline-size; }} "
        f".st-key-{name} > :has([data-testid=stPlotlyChart]) {{ overflow: hidden; "
        f"max-height: calc({map_height(figure):.3f} * (100cqw - 70px) + "
        f"{130 if colour in CONTINUOUS else 150}px); }} }}</style>"
    )
    with st.container(key=name):
        st.plotly_chart(
            figure,
            key=f"{name}-chart",
            on_select=partial(_take_selection, f"{name}-chart", second),
            selection_mode=("points", "box", "lasso"),
            config={"displaylogo": False},
            alt=f"Map of {study.num_samples:,} latents, coloured by {COLOURINGS[colour].lower()}.",
        )


def show_selection_summary(study: Study, facts: ImageFacts, *, clear: bool = True) -> None:
    """Counts, distortion and AUC of what is selected; ``clear``: with a button."""
    rows = _selected_rows(study)
    if not len(rows):
        st.caption("Nothing is selected: draw a lasso, or switch to box above the chart.")
        return
    members = int(study.is_member[rows].sum())
    st.markdown(
        f"**{len(rows):,} selected**: {members:,} members, {len(rows) - members:,} held-out"
    )
    if facts.distortion is not None:
        inside, outside = facts.distortion[rows].mean(), facts.distortion.mean()
        st.caption(f"Mean local distortion {inside:.2f} nats; all images {outside:.2f}.")
    auc = selection_auc(study, rows)
    if auc is not None:
        st.caption(f"AUC within the selection: {measured_text(auc)}. {auc.note}")
    if clear:
        st.button("Clear selection", key="map-clear", on_click=_clear_selection)


def show_selection(
    study: Study, facts: ImageFacts, row: int, *, second: Pair | None = None
) -> None:
    """The selected images, at most a few dozen, from lowest to highest distortion."""
    rows = _selected_rows(study)
    if not len(rows):
        return
    if facts.distortion is not None:
        rows = rows[np.argsort(facts.distortion[rows], kind="stable")]
    kept = rows[np.unique(np.linspace(0, len(rows) - 1, GALLERY_LIMIT).round().astype(int))]
    detail = (
        "from lowest to highest distortion"
        if len(kept) == len(rows)
        else f"{len(kept)} of {len(rows):,}, evenly from lowest to highest distortion"
    )
    show_gallery(
        study,
        facts,
        [GalleryGroup("Selected images", detail, kept)],
        current=int(study.sample_ids[row]),
        key="map-gallery" if second is None else "map-gallery/other",
    )


def _colourings(study: Study, facts: ImageFacts) -> list[str]:
    """What this study can be coloured by."""
    there = {
        "distortion": facts.distortion is not None,
        "influence": study.manifest.geometry is not None,
        "score": facts.scores is not None,
        "membership": True,
        "class": study.labels is not None and len(set(study.labels.tolist())) <= len(CLASS_PALETTE),
    }
    return [name for name in COLOURINGS if there[name]]


def _colouring(study: Study, facts: ImageFacts, colour: str) -> Continuous | Groups:
    """Values or groups behind a colouring."""
    if colour == "distortion":
        rank = study.manifest.geometry.rank
        return Continuous(facts.distortion, f"Local distortion, rank {rank} (nats)")
    if colour == "influence":
        return Continuous(study.influence().mean(axis=1, dtype=np.float64), "Mean influence (nats)")
    if colour == "score":
        return Continuous(facts.scores, "Membership score")
    if colour == "membership":
        return Groups(
            index=np.where(study.is_member, 0, 1),
            names=("member", "held-out"),
            colours=(MEMBER, HELD_OUT),
            symbols=("circle", "diamond-open"),
        )
    classes, index = np.unique(study.labels, return_inverse=True)
    return Groups(
        index=index,
        names=[str(name) for name in classes],
        colours=CLASS_PALETTE[: len(classes)],
        labelled=True,
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _pca(_study: Study, digest: str) -> Projection:
    return pca_projection(_study.array("latents"))


@st.cache_data(max_entries=8, show_spinner="Running t-SNE: half a minute or more …", show_time=True)
def _tsne(_study: Study, digest: str, perplexity: float, seed: int) -> Projection:
    return tsne_projection(_study.array("latents"), perplexity=perplexity, seed=seed)


def _requested_tsne(studies: Sequence[Study]) -> list[Projection] | None:
    """t-SNE at the perplexity last asked for; None until the button has been pressed."""
    most = max(2, (min(study.num_samples for study in studies) - 1) // 3 - 1)
    wanted = f"map-tsne/{'/'.join(study.digest for study in studies)}"
    slider, button = st.columns([3, 1], vertical_alignment="bottom")
    with slider:
        perplexity = st.slider(
            "Perplexity",
            2,
            min(100, most),
            min(30, most),
            key="map-perplexity",
            help="About how many neighbours each point keeps close.",
        )
    with button:
        if st.button("Run t-SNE", key="map-tsne-run", type="primary", width="stretch"):
            st.session_state[wanted] = perplexity
    if wanted not in st.session_state:
        st.caption("Until it has run, the map shows PCA.")
        return None
    return [_tsne(study, study.digest, float(st.session_state[wanted]), 0) for study in studies]


def _selected_rows(study: Study) -> np.ndarray:
    return np.flatnonzero(np.isin(study.sample_ids, current_view().selection))


def _take_selection(key: str, second: Pair | None) -> None:
    """A box or a lasso selects; a click makes the point's image the current one.

    On the map of a second study with other images there is only the click.
    """
    event = st.session_state[key].selection
    ids = tuple(
        sorted({int(point["customdata"][0]) for point in event.points if point.get("customdata")})
    )
    if second is not None and not second.same_images:
        if len(ids) == 1 and not event.box and not event.lasso:
            choose_second_image(second, ids[0])
    elif event.box or event.lasso:
        change_view(selection=ids)
    elif len(ids) == 1:
        choose_image(ids[0])
    elif not ids:
        _clear_selection()


def _clear_selection() -> None:
    change_view(selection=())


ensure_frame()
with shown_failures():
    show_map_page()
