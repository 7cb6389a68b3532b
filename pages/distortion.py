"""Distortion: where the decoder stretches space, and for which images."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ldviz.figures.theme import HELD_OUT, MEMBER
from ldviz.figures.violin import CurrentImage, EndImage, ViolinRow, distortion_violins
from ldviz.figures.violin_density import summarise_density
from ldviz.geometry.distortion import numerical_rank
from ldviz.metrics.measured import Measured
from ldviz.study.store import Study
from ldviz.ui.distortion_choice import (
    QUARTERS,
    choose_quarter,
    marked_values,
    show_quarter_choice,
)
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
ENDS = 4
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
    chart, side = st.columns([4, 1], gap="medium")
    with chart:
        show_violins(study, facts, distortion, shown, row)
    with side:
        show_current_image(study, facts, row)
    show_quarter_choice(study, distortion, shown)
    show_reading(study, distortion)
    show_ends(study, facts, distortion, shown, row)


def show_violins(
    study: Study, facts: ImageFacts, distortion: np.ndarray, shown: str, row: int
) -> None:
    """The figure; a click on a picture or its place chooses the image."""
    classes = [kind for kind in ("member", "held_out") if shown in ("both", kind)]
    rows = []
    for kind in classes:
        inside = np.flatnonzero(study.is_member == (kind == "member"))
        order = inside[np.argsort(distortion[inside], kind="stable")]
        ends = order if len(order) <= 2 * ENDS else np.r_[order[:ENDS], order[-ENDS:]]
        rows.append(
            ViolinRow(
                title="Members" if kind == "member" else "Held-out",
                colour=MEMBER if kind == "member" else HELD_OUT,
                summary=summarise_density(distortion[inside]),
                images=tuple(_end_image(study, facts, distortion, int(end)) for end in ends),
                chosen=marked_values(study, distortion, inside),
            )
        )
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
    )
    figure_low = min(row.summary.ends[0] for row in rows)
    figure_high = max(row.summary.ends[1] for row in rows)
    st.plotly_chart(
        figure,
        key=VIOLINS,
        on_select=_choose_point,
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


def show_ends(
    study: Study, facts: ImageFacts, distortion: np.ndarray, shown: str, row: int
) -> None:
    """The gallery of both extremes."""
    inside = np.arange(study.num_samples)
    if shown != "both":
        inside = inside[study.is_member == (shown == "member")]
    title, control = st.columns([3, 2], vertical_alignment="bottom")
    with title:
        st.subheader("Lowest and highest", anchor=False)
    with control:
        count = st.slider(
            "Images at each end", 2, 32, 8, key="distortion-count", persist_state="session"
        )
    order = inside[np.argsort(distortion[inside], kind="stable")]
    which = {"both": "all images", "member": "members", "held_out": "held-out images"}[shown]
    st.caption(f"{score_note(study)} Choose an image to look at it on every page.")
    show_gallery(
        study,
        facts,
        [
            GalleryGroup("Lowest local distortion", f"of {which}", order[:count]),
            GalleryGroup("Highest local distortion", f"of {which}", order[::-1][:count]),
        ],
        current=int(study.sample_ids[row]),
        key="distortion-gallery",
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
