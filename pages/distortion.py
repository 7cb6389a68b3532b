"""Distortion: where the decoder stretches space, and for which images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from ldviz.figures.theme import HELD_OUT, MEMBER
from ldviz.figures.violin import SLOTS, CurrentImage, EndImage, ViolinRow, distortion_violins
from ldviz.figures.violin_density import summarise_density
from ldviz.geometry.distortion import numerical_rank
from ldviz.metrics.measured import Measured
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.compare import choose_second_image, compared, second_image, side_by_side
from ldviz.ui.distortion_choice import (
    QUARTERS,
    choose_quarter,
    marked_values,
    show_quarter_choice,
)
from ldviz.ui.distortion_pair import same_rank, show_distortion_differences
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.gallery import (
    GalleryGroup,
    ImageFacts,
    choose_image,
    image_facts,
    image_lines,
    score_note,
    show_gallery,
)
from ldviz.ui.gallery_current import show_current_image
from ldviz.ui.numbers import measured_text
from ldviz.ui.numbers_study import distortion_auc
from ldviz.ui.state import current_image, current_study
from ldviz.ui.thumbnails import enlarged_uri

SHOWN = {"both": "Both", "member": "Members", "held_out": "Held-out"}
ENDS, PAIR_ENDS = 4, 2
PAIR_SLOTS = 6.5
VIOLINS = "distortion-violins"


def show_distortion() -> None:
    """The page."""
    study = current_study()
    facts = image_facts(study)
    distortion = study.local_distortion()
    rank = study.manifest.geometry.rank
    st.title("Distortion")
    st.markdown(
        f"A decoder draws some parts of latent space large and squeezes others together. "
        f"**Local distortion** says how much it enlarges the surroundings of one image's latent: "
        f"the sum of the logarithms of the {rank} largest singular values of the decoder's "
        f"Jacobian there. One nat more means a volume e ≈ 2.7 times larger on the way to pixels. "
        f"The **rank** ({rank}) belongs to the number: values of different rank sum different "
        "things and must not be compared."
    )
    shown = st.segmented_control(
        "Show",
        list(SHOWN),
        default="both",
        required=True,
        format_func=SHOWN.__getitem__,
        key="distortion-shown",
        persist_state="session",
    )
    row = current_image(study)
    pair = compared(study)
    if pair is not None:
        show_two(pair, shown, row)
        return
    chart, side = st.columns([4, 1], gap="medium")
    with chart:
        show_violins(study, violin_rows(study, shown), shown, row)
    with side:
        show_current_image(study, facts, row)
    show_quarter_choice(study, distortion, shown)
    show_reading(study, distortion)
    show_ends(study, shown, row, show_ends_controls())


def show_two(pair: Pair, shown: str, row: int) -> None:
    """Both studies: their differences, then violins on one axis, readings and both ends."""
    st.subheader("How they differ", anchor=False)
    show_distortion_differences(pair, shown)
    violins = [violin_rows(study, shown, ends=PAIR_ENDS) for study in pair.studies]
    rows = (row, second_image(pair))
    comparable = same_rank(pair)
    for index, (column, study) in enumerate(side_by_side(pair, key="distortion")):
        with column:
            show_violins(
                study,
                violins[index],
                shown,
                rows[index],
                beside=violins[1 - index] if comparable else (),
                slots=PAIR_SLOTS,
                second=pair if index else None,
            )
    for index, (column, study) in enumerate(side_by_side(pair, key="distortion-now", brief=True)):
        with column:
            show_current_image(
                study, image_facts(study), rows[index], heading=_heading(pair, index)
            )
            show_reading(study, study.local_distortion())
    st.markdown(f"**Quarters of A, {pair.first.title}**")
    show_quarter_choice(pair.first, pair.first.local_distortion(), shown)
    count = show_ends_controls()
    for index, (column, study) in enumerate(side_by_side(pair, key="distortion-ends", brief=True)):
        with column:
            show_ends(study, shown, rows[index], count, second=pair if index else None)


def violin_rows(study: Study, shown: str, *, ends: int = ENDS) -> list[ViolinRow]:
    """The violins of the classes shown, with so many images at each end."""
    facts, distortion = image_facts(study), study.local_distortion()
    rows = []
    for kind in _classes(shown):
        inside = np.flatnonzero(study.is_member == (kind == "member"))
        order = inside[np.argsort(distortion[inside], kind="stable")]
        both = order if len(order) <= 2 * ends else np.r_[order[:ends], order[-ends:]]
        rows.append(
            ViolinRow(
                title="Members" if kind == "member" else "Held-out",
                colour=MEMBER if kind == "member" else HELD_OUT,
                summary=summarise_density(distortion[inside]),
                images=tuple(_end_image(study, facts, distortion, int(end)) for end in both),
                chosen=marked_values(study, distortion, inside),
            )
        )
    return rows


def show_violins(
    study: Study,
    rows: Sequence[ViolinRow],
    shown: str,
    row: int,
    *,
    beside: Sequence[ViolinRow] = (),
    slots: float = SLOTS,
    second: Pair | None = None,
) -> None:
    """The figure; a click on a picture or its place chooses the image.

    Args:
        study: whose images they are.
        rows: the violins.
        shown: of which classes.
        row: of the current image.
        beside: violins next to these, for the same axes.
        slots: pictures that the figure is wide enough for.
        second: the pair, where the study is its second one; its quarters choose nothing.
    """
    classes, distortion = _classes(shown), study.local_distortion()
    kind = "member" if study.is_member[row] else "held_out"
    figure = distortion_violins(
        rows,
        rank=study.manifest.geometry.rank,
        cuts=np.quantile(distortion, (0.25, 0.5, 0.75)),
        current=CurrentImage(
            sample_id=int(study.sample_ids[row]),
            value=float(distortion[row]),
            row=classes.index(kind) if kind in classes else None,
        ),
        beside=beside,
        slots=slots,
        choose_quarters=second is None,
    )
    figure_low = min(row.summary.ends[0] for row in rows)
    figure_high = max(row.summary.ends[1] for row in rows)
    key = VIOLINS if second is None else f"{VIOLINS}/other"
    st.plotly_chart(
        figure,
        key=key,
        on_select=_choose_point if second is None else partial(_choose_second_point, second, key),
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"Violins of local distortion, rank {study.manifest.geometry.rank}: "
        f"{' and '.join(row.title.lower() for row in rows)}, from {figure_low:.1f} to "
        f"{figure_high:.1f} nats.",
    )


def show_reading(study: Study, distortion: np.ndarray) -> None:
    """How to read the figure, and what may be concluded."""
    ranks = numerical_rank(study.array("singular_values"))
    alone = distortion_auc(study)
    rank = study.manifest.geometry.rank
    enough = (
        f"so rank {rank} sums singular values that are all well above rounding noise"
        if ranks.min() >= rank
        else f"so for {int((ranks < rank).sum())} images rank {rank} sums rounding noise as well"
    )
    st.caption(
        f"Violins: density of {study.manifest.n_member:,} members and "
        f"{study.manifest.n_held_out:,} held-out images on one scale, ending at the extreme "
        "images; thick bar: quartiles; white dot: median; dotted lines: quartile cuts over both "
        "classes together; diamond: the current image. "
        f"Numerical rank of the decoder: {_ranks_text(ranks)} of {study.latent_dim} singular "
        f"values exceed 10⁻⁵ σ₁, {enough}."
    )
    st.markdown(f"**Do members lie elsewhere?** {_members_text(alone)}")


def show_ends_controls() -> int:
    """The gallery's heading, and how many images it shows at each end."""
    title, control = st.columns([3, 2], vertical_alignment="bottom")
    with title:
        st.subheader("Lowest and highest", anchor=False)
    with control:
        return st.slider(
            "Images at each end", 2, 32, 8, key="distortion-count", persist_state="session"
        )


def show_ends(
    study: Study, shown: str, row: int, count: int, *, second: Pair | None = None
) -> None:
    """The gallery of both extremes."""
    facts, distortion = image_facts(study), study.local_distortion()
    inside = np.arange(study.num_samples)
    if shown != "both":
        inside = inside[study.is_member == (shown == "member")]
    order = inside[np.argsort(distortion[inside], kind="stable")]
    which = {"both": "all images", "member": "members", "held_out": "held-out images"}[shown]
    where = "on every page" if second is None or second.same_images else "here"
    st.caption(f"{score_note(study)} Choose an image to look at it {where}.")
    show_gallery(
        study,
        facts,
        [
            GalleryGroup("Lowest local distortion", f"of {which}", order[:count]),
            GalleryGroup("Highest local distortion", f"of {which}", order[::-1][:count]),
        ],
        current=int(study.sample_ids[row]),
        key="distortion-gallery" if second is None else "distortion-gallery/other",
        on_choose=choose_image if second is None else partial(choose_second_image, second),
    )


def _choose_point() -> None:
    """The clicked picture becomes the current image; a quarter's name chooses its samples."""
    points = st.session_state[VIOLINS].selection.points
    if not points or not points[0].get("customdata"):
        return
    clicked = points[0]["customdata"][0]
    if clicked in QUARTERS:
        choose_quarter(QUARTERS.index(clicked))
    else:
        choose_image(int(clicked))


def _choose_second_point(pair: Pair, key: str) -> None:
    """The clicked picture becomes the second study's current image."""
    points = st.session_state[key].selection.points
    if points and points[0].get("customdata") and points[0]["customdata"][0] not in QUARTERS:
        choose_second_image(pair, int(points[0]["customdata"][0]))


def _classes(shown: str) -> list[str]:
    return [kind for kind in ("member", "held_out") if shown in ("both", kind)]


def _heading(pair: Pair, index: int) -> str:
    """What the current image of a study is called where two are shown."""
    if pair.same_images:
        return "Current image, the same in both"
    return "Current image of B, on this page" if index else "Current image of A, on every page"


def _end_image(study: Study, facts: ImageFacts, distortion: np.ndarray, row: int) -> EndImage:
    return EndImage(
        sample_id=int(study.sample_ids[row]),
        value=float(distortion[row]),
        uri=enlarged_uri(study.images(row)),
        hover="<br>".join(image_lines(study, facts, row)),
    )


def _ranks_text(ranks: np.ndarray) -> str:
    """ "256", or "231 to 256 (median 250)"."""
    low, high = int(ranks.min()), int(ranks.max())
    return str(low) if low == high else f"{low} to {high} (median {np.median(ranks):.0f})"


def _members_text(alone: Measured) -> str:
    """Whether distortion by itself gives members away."""
    if alone.value is None or alone.ci95 is None:
        return "That needs images of both classes."
    number = f"an AUC of {measured_text(alone)}"
    if alone.ci95[0] <= 0.5 <= alone.ci95[1]:
        return (
            f"Taken alone as a score, local distortion has {number}: it does not tell members "
            "from held-out images. What differs between its quarters is then how well an attack "
            "works there."
        )
    more = "higher" if alone.value > 0.5 else "lower"
    return (
        f"Taken alone as a score, local distortion has {number}: it is {more} at members, on "
        "which the autoencoder too was trained."
    )


ensure_frame()
with shown_failures():
    show_distortion()
