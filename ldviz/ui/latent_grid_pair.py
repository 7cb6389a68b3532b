"""The Latent grid of two studies: the same square in each latent space, on one scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ldviz.errors import StudyError
from ldviz.figures.lattice import plot_lattices
from ldviz.figures.lattice_drawn import common_limits
from ldviz.figures.lattice_indicatrix import drawing_scale
from ldviz.figures.shared_axes import share_axes
from ldviz.geometry.lattice import common_components, grid_offsets
from ldviz.metrics.measured import Measured
from ldviz.metrics.quantiles import sample_quantile
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.compare import Difference, independent, show_differences, side_by_side
from ldviz.ui.distortion_pair import same_rank
from ldviz.ui.failures import shown_failures
from ldviz.ui.latent_grid import Settings, show_controls
from ldviz.ui.latent_grid_cells import show_cells
from ldviz.ui.latent_grid_compare import widened
from ldviz.ui.latent_grid_indicatrices import (
    draw_ellipses,
    plane_ellipses,
    show_ellipse_controls,
)
from ldviz.ui.latent_grid_lattices import (
    PLOT_CONFIG,
    decoded_lattice,
    drawn,
    image_dim,
    latent_plane_figure,
)
from ldviz.ui.latent_grid_planes import PlaneChoice, PlaneSpec, extreme_ranks, planes_at
from ldviz.ui.latent_grid_spectrum import draw_spectrum, spectrum_figure
from ldviz.ui.latent_grid_stepper import show_stepper
from ldviz.ui.latent_grid_travel import show_travel_axis, show_two_travels
from ldviz.ui.state import sync_link

_PLANE_HEIGHT, _DATA_HEIGHT, _ELLIPSES_HEIGHT = 240, 380, 240
_ONE_IMAGE = "One image of each study: a number of it alone has no interval."
_INFLUENCES = {
    "strongest": ("Strongest dimension", "median over images of the highest influence, nats"),
    "weakest": ("Weakest dimension", "median over images of the lowest influence, nats"),
    "reach": ("From weakest to strongest", "median over images, nats"),
}


@dataclass(frozen=True)
class Place:
    """One study's part of the page.

    Attributes:
        study, row: the image.
        planes: through its latent.
    """

    study: Study
    row: int
    planes: list[PlaneChoice]


@st.fragment
def show_two_grids(pair: Pair) -> None:
    """The whole page for two studies; it reruns alone while only what is looked at changes."""
    with shown_failures():
        for study in pair.studies:
            if study.manifest.geometry is None:
                raise StudyError(f'Study "{study.name}" has no geometry. Run analyze on it.')
        rows = []
        for index, (column, study) in enumerate(side_by_side(pair, key="grid")):
            with column:
                beside = pair if index and not pair.same_images else None
                if index and pair.same_images:
                    value = f"{study.local_distortion()[rows[0]]:+.2f}".replace("-", "−")
                    rank = study.manifest.geometry.rank
                    st.markdown("**The same image**, through B's own decoder")
                    st.caption(
                        f"local distortion **{value} nats** (rank\u00a0k\u00a0=\u00a0{rank})"
                    )
                    rows.append(rows[0])
                else:
                    rows.append(show_stepper(study, second=beside))
        settings = show_controls(pair.first, rows[0])
        specs, note = _specs(pair, settings.spec)
        differences: list[Difference] = []
        for tab, show in zip(
            st.tabs(list(_SECTIONS), key="grid-pair-section", on_change="rerun"),
            _SECTIONS.values(),
            strict=True,
        ):
            if tab.open:
                with tab, shown_failures():
                    if note:
                        st.caption(note)
                    both = [
                        Place(study, row, planes_at(study, row, spec))
                        for study, row, spec in zip(pair.studies, rows, specs, strict=True)
                    ]
                    differences += show(pair, both, settings)
        st.subheader("How they differ", anchor=False)
        show_differences(
            pair,
            [*differences, *influence_differences(pair)],
            note=_ONE_IMAGE if differences else "",
        )
    sync_link()


def influence_differences(pair: Pair) -> list[Difference]:
    """How strong the strongest and the weakest dimension are over all images of each study."""
    rows = [
        independent(
            title,
            *(_influence_median(study, study.digest, which) for study in pair.studies),
            detail=detail,
            digits=2,
        )
        for which, (title, detail) in _INFLUENCES.items()
    ]
    if same_rank(pair):
        rank = pair.first.manifest.geometry.rank
        rows.append(
            independent(
                "Local distortion",
                *(_influence_median(study, study.digest, "distortion") for study in pair.studies),
                detail=f"median over images, rank {rank}, nats",
                digits=2,
            )
        )
    return rows


def beside_spec(pair: Pair, spec: PlaneSpec) -> tuple[PlaneSpec, str]:
    """The planes that mean the same in the second study, and in a sentence what could not.

    Parts of a spectrum mean the same anywhere, and so do ranks of influence, counted from
    the end that they are nearer to.  A cell does so only in latents of one shape.
    """
    ours, theirs = pair.first.latent_dim, pair.second.latent_dim
    if spec.mode == "singular" or pair.first.latent_shape == pair.second.latent_shape:
        return spec, ""
    if spec.mode == "cell":
        return PlaneSpec("influence", pairs=extreme_ranks(theirs)), (
            f"The latents of {pair.second.title} have another shape and so other cells; shown are "
            "its dimensions of highest and lowest influence."
        )
    pairs = tuple(tuple(_rank_beside(rank, ours, theirs) for rank in pair) for pair in spec.pairs)
    if any(len(set(pair)) < len(pair) for pair in pairs):
        pairs = extreme_ranks(theirs)
    return replace(spec, pairs=pairs), ""


def _specs(pair: Pair, spec: PlaneSpec) -> tuple[tuple[PlaneSpec, PlaneSpec], str]:
    beside, note = beside_spec(pair, spec)
    return (spec, beside), note


def _rank_beside(rank: int, ours: int, theirs: int) -> int:
    """A rank from 1 among ``ours`` dimensions as one among ``theirs``."""
    moved = rank if 2 * rank <= ours else theirs - (ours - rank)
    return min(max(moved, 1), theirs)


def _show_grids(pair: Pair, both: list[Place], settings: Settings) -> list[Difference]:
    """Squares of latent space, and what becomes of them, at one length per pixel distance.

    Returns:
        How far one step moves either image.
    """
    lattices = [
        [
            decoded_lattice(one.study, one.row, plane, settings.reach, settings.resolution)
            for plane in one.planes
        ]
        for one in both
    ]
    count = 3 if settings.display.in_3d else 2
    components = [common_components(own, count) for own in lattices]
    drawings = [
        [drawn(*each, shared) for each in zip(own, one.planes, strict=True)]
        for own, one, shared in zip(lattices, both, components, strict=True)
    ]
    span = max(high - low for own in drawings for low, high in common_limits(own))
    bent = [
        plot_lattices(
            own,
            explained=shared.explained.tolist(),
            num_pixels=image_dim(one.study),
            colour_by_distance=settings.display.by_distance,
            height=_DATA_HEIGHT,
            limits=widened(common_limits(own), span),
        )
        for own, shared, one in zip(drawings, components, both, strict=True)
    ]
    _share_lengths(bent)
    columns = side_by_side(pair, key="grid-planes", brief=True)
    for index, ((column, study), one) in enumerate(zip(columns, both, strict=True)):
        with column:
            sheets = st.columns(2, gap="small")
            for sheet, lattice, plane in zip(sheets, lattices[index], one.planes, strict=True):
                with sheet:
                    st.markdown(f"**Latent: {plane.name}**")
                    st.plotly_chart(
                        latent_plane_figure(study, lattice, plane, _PLANE_HEIGHT),
                        key=f"grid-pair-{index}-{plane.colour}",
                        config=PLOT_CONFIG,
                    )
                    st.caption(f"→ {plane.axis_titles[0]}  \n↑ {plane.axis_titles[1]}")
            st.markdown("**Data space**")
            st.plotly_chart(bent[index], key=f"grid-pair-{index}", config=PLOT_CONFIG)
    st.caption(f"One scale for both: equal lengths are equal pixel distances. {_pixels_note(pair)}")
    steps = [
        [float(lattice.edges.mean()) / np.sqrt(image_dim(one.study)) for lattice in own]
        for one, own in zip(both, lattices, strict=True)
    ]
    step = float(lattices[0][0].offsets[1] - lattices[0][0].offsets[0])
    return [
        _of_one_image(
            f"Step along {plane.name}",
            *(own[place] for own in steps),
            detail=f"{step:.3g} latent {'unit' if step == 1 else 'units'}; root mean square change "
            "of a pixel",
        )
        for place, plane in enumerate(both[0].planes)
    ]


def _share_lengths(figures: Sequence[go.Figure]) -> None:
    """Let the axes of figures reach equally far, in place: an inset may have widened one."""
    for axis in ("xaxis", "yaxis"):
        ranges = [figure.layout[axis].range for figure in figures]
        if any(ends is None for ends in ranges):
            continue  # three components: a scene keeps its own proportions
        longest = max(high - low for low, high in ranges)
        for figure, ends in zip(figures, ranges, strict=True):
            figure.update_layout({axis: {"range": widened([ends], longest)[0]}})


def _show_ellipses(pair: Pair, both: list[Place], settings: Settings) -> list[Difference]:
    """What both decoders make of unit circles; one scale for all, or for each plane's two."""
    space, shared = show_ellipse_controls()
    offsets = grid_offsets(settings.reach, settings.resolution)
    ellipses = [
        [plane_ellipses(one.study, one.row, plane, offsets) for plane in one.planes] for one in both
    ]
    own = np.array(
        [
            [drawing_scale(one.semi_axes(space), one.spacing, space) for one in found]
            for found in ellipses
        ]
    )
    scales = np.full_like(own, own.min()) if shared else np.broadcast_to(own.min(axis=0), own.shape)
    columns = side_by_side(pair, key="grid-ellipses", brief=True)
    for index, ((column, _), one) in enumerate(zip(columns, both, strict=True)):
        with column:
            for place, (sheet, plane) in enumerate(
                zip(st.columns(2, gap="small"), one.planes, strict=True)
            ):
                with sheet:
                    draw_ellipses(
                        ellipses[index][place],
                        plane,
                        space,
                        float(scales[index, place]),
                        _ELLIPSES_HEIGHT,
                        key=f"grid-pair-ellipses-{index}-{plane.colour}",
                    )
    st.caption(
        "Look for ellipses of another **size or shape at the same place**: one decoder stretches "
        f"there where the other does not. {_pixels_note(pair)}"
    )
    return []


def _show_travels(pair: Pair, both: list[Place], settings: Settings) -> list[Difference]:
    """Journeys of both, their curves on one scale."""
    index = show_travel_axis()
    columns = [column for column, _ in side_by_side(pair, key="grid-travel", brief=True)]
    given = [(one.study, one.row, one.planes) for one in both]
    show_two_travels(columns, given, settings.reach, index)
    return []


def _show_spectra(pair: Pair, both: list[Place], settings: Settings) -> list[Difference]:
    """Both images' spectra, each over its study's band, on the same axes."""
    figures = [spectrum_figure(one.study, one.row) for one in both]
    share_axes(figures)
    for index, (column, study) in enumerate(side_by_side(pair, key="grid-spectra", brief=True)):
        with column:
            figures[index].layout.annotations[0].text = f"k = {study.manifest.geometry.rank}"
            draw_spectrum(study, both[index].row, figures[index], key=f"grid-spectrum-{index}")
    st.caption(_pixels_note(pair))
    return []


def _show_cells(pair: Pair, both: list[Place], settings: Settings) -> list[Difference]:
    """Influence over channels and cells of both, each component by itself."""
    for index, (column, study) in enumerate(side_by_side(pair, key="grid-cells", brief=True)):
        with column:
            show_cells(study, both[index].row, key=f"grid-cells-{index}")
    st.caption("Colours span each image's own influences; the scales below the maps name them.")
    return []


def _pixels_note(pair: Pair) -> str:
    """What a pixel distance is in both."""
    first, second = (image_dim(study) for study in pair.studies)
    if first == second:
        return f"Pixel distance: L2 over {first:,} pixel values in [-1, 1]."
    return (
        f"Pixel distance: L2 over {first:,} pixel values in A and {second:,} in B, so that the "
        f"same change of every value counts {np.sqrt(max(first, second) / min(first, second)):.2g} "
        f"times as much in {'B' if second > first else 'A'}."
    )


def _of_one_image(label: str, first: float, second: float, *, detail: str) -> Difference:
    numbers = [Measured(value=value, note=_ONE_IMAGE) for value in (first, second)]
    step = Measured(value=first - second, note=_ONE_IMAGE)
    smallest = min((abs(value) for value in (first, second) if value), default=1.0)
    digits = int(np.clip(2 - np.floor(np.log10(smallest)), 3, 6))
    return Difference(label, *numbers, step, detail=detail, digits=digits)


@st.cache_data(max_entries=64, show_spinner=False)
def _influence_median(_study: Study, digest: str, which: str) -> Measured:
    influence = _study.influence()
    values = {
        "strongest": lambda: influence.max(axis=1),
        "weakest": lambda: influence.min(axis=1),
        "reach": lambda: influence.max(axis=1) - influence.min(axis=1),
        "distortion": _study.local_distortion,
    }[which]()
    return sample_quantile(values, 0.5, is_member=_study.is_member)


_SECTIONS: dict[str, Callable[[Pair, list[Place], Settings], list[Difference]]] = {
    "Grid": _show_grids,
    "Indicatrices": _show_ellipses,
    "Travel": _show_travels,
    "Spectrum": _show_spectra,
    "Where cells act": _show_cells,
}
