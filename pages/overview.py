"""Overview: what is in this study, and its story in one paragraph."""

from __future__ import annotations

import json
from html import escape

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ldviz.figures.overview_training import autoencoder_losses, denoiser_loss, selection_curve
from ldviz.figures.shared_axes import share_axes
from ldviz.figures.theme import MASK_COLOURS, MASK_TITLES, QUARTILE_COLOURS
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.compare import common_range, compared, show_differences, side_by_side
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.numbers import Tile, sample_text, show_tiles
from ldviz.ui.numbers_facts import show_facts, study_facts
from ldviz.ui.numbers_pair import headline_differences
from ldviz.ui.numbers_rows import Row, row_ends, show_rows
from ldviz.ui.numbers_story import chosen_timestep_note, story
from ldviz.ui.numbers_study import HEADLINE_FRACTION, Headline, headline
from ldviz.ui.state import current_study
from ldviz.ui.thumbnails import spaced_sheet_uri

CHART = {"displayModeBar": False}
_TRAINING_AXES = {"selection": "xy", "denoiser": "xy", "autoencoder": ("x", "y", "y2")}
_GUESSING = 0.5
_QUESTION = (
    "Can one tell which images a latent diffusion model was trained on, and does the geometry "
    "of its decoder say which ones?"
)
_NO_VECTORS = (
    "This study has no stored attack vectors, so its AUCs are not available. "
    "Its geometry is on the Distortion and Latent grid pages."
)
_SHARE = f"{100 * HEADLINE_FRACTION:.0f} %"
_QUARTILES = ("lowest quarter", "second", "third", "highest quarter")


def show_overview() -> None:
    """The page: the numbers come last in time and first on screen."""
    study = current_study()
    pair = compared(study)
    if pair is not None:
        show_two(pair)
        return
    st.title(study.title)
    st.markdown(f"{_QUESTION} {study.manifest.description}")
    top = st.empty()
    seen = f"overview-seen/{study.digest}"
    if seen not in st.session_state:
        top.html(_WAITING)
    show_pictures(study, *st.columns(2, gap="large"))
    st.subheader("What is in this study")
    show_facts(study_facts(study))
    show_training(study)
    with top.container(), shown_failures():
        numbers = headline(study)
        st.session_state[seen] = True
        if numbers is None:
            st.info(_NO_VECTORS, icon=":material/info:")
        else:
            show_story(numbers)


def show_two(pair: Pair) -> None:
    """The page of two studies: their differences, then part by part the one beside the other."""
    st.title(f"{pair.first.title} and {pair.second.title}")
    st.markdown(f"{_QUESTION} Here two studies answer side by side, each by its own attack.")
    top = st.empty()
    seen = f"overview-seen/{pair.digests}"
    if seen not in st.session_state:
        top.html(_WAITING)
    numbers = [headline(study) for study in pair.studies]
    with top.container():
        st.subheader("How they differ", anchor=False)
        show_differences(pair, headline_differences(pair))
    st.session_state[seen] = True
    for (column, study), one in zip(side_by_side(pair, key="overview"), numbers, strict=True):
        with column:
            st.markdown(study.manifest.description)
            if one is None:
                st.info(_NO_VECTORS, icon=":material/info:")
            else:
                show_headline(one)
                show_words(one)
    if any(numbers):
        st.subheader("Every AUC, on one axis", anchor=False)
        shown = [row_ends(_groups(one), _GUESSING) for one in numbers if one is not None]
        ends = common_range(*shown, pad=0.0)
        columns = side_by_side(pair, key="overview-aucs", brief=True)
        for (column, _), one in zip(columns, numbers, strict=True):
            with column:
                if one is None:
                    st.caption("Not available without stored attack vectors.")
                else:
                    show_aucs(one, ends=ends)
    for column, study in side_by_side(pair, key="overview-pictures", brief=True):
        show_pictures(study, column, column)
    st.subheader("What is in these studies", anchor=False)
    for column, study in side_by_side(pair, key="overview-facts", brief=True):
        with column:
            show_facts(study_facts(study))
    show_two_trainings(pair)


def show_story(numbers: Headline) -> None:
    """Tiles, the paragraph, and every AUC on one axis."""
    show_headline(numbers)
    words, chart = st.columns([1, 1], gap="large")
    with words:
        show_words(numbers)
    with chart:
        show_aucs(numbers)


def show_headline(numbers: Headline) -> None:
    """The four numbers of the story."""
    at = "" if numbers.timestep is None else f", t = {numbers.timestep}"
    show_tiles(
        [
            Tile(f"AUC of {numbers.attack}{at}", numbers.auc["none"], detail="all dimensions kept"),
            Tile(
                "Highest minus lowest quarter",
                numbers.quartile_step,
                signed=True,
                colour=QUARTILE_COLOURS[3],
                detail=f"AUC by local distortion, rank {numbers.rank}",
            ),
            Tile(
                f"Lowest {_SHARE} dropped",
                numbers.difference["influence", "none"],
                signed=True,
                colour=MASK_COLOURS["influence"],
                detail="change of the AUC, by influence",
            ),
            Tile(
                f"Random {_SHARE} dropped",
                numbers.difference["random", "none"],
                signed=True,
                colour=MASK_COLOURS["random"],
                detail="change of the AUC, mean of 10 draws",
            ),
        ]
    )


def show_words(numbers: Headline) -> None:
    """The paragraph, and what it rests on."""
    st.subheader("What this study shows", anchor=False)
    st.markdown(story(numbers))
    st.caption(
        f"Brackets: 95 % intervals. {sample_text(numbers.auc['none'])}. Differences between "
        f"masks are paired; quarters hold {_range(numbers)} images each. "
        f"{chosen_timestep_note(numbers)}"
    )


def show_aucs(numbers: Headline, *, ends: tuple[float, float] | None = None) -> None:
    """Every AUC on one axis, which holds ``ends`` as well."""
    show_rows(
        _groups(numbers),
        axis="AUC, 95 % interval",
        reference=_GUESSING,
        reference_text="guessing",
        ends=ends,
    )


def show_pictures(study: Study, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """What the model draws, and what its autoencoder makes of held-out images."""
    for column, title, name, together, words in (
        (left, "Samples of the model", "samples.png", 1, "Drawn from noise alone."),
        (
            right,
            "Reconstructions",
            "reconstructions.png",
            2,
            "Held-out images; below each, what decoding its latent gives back.",
        ),
    ):
        with column:
            st.subheader(title, anchor=False)
            uri = _sheet(study, study.digest, name, together)
            if uri is None:
                st.caption("Not stored with this study.")
                continue
            st.html(
                f'<img src="{uri}" alt="{escape(title)}. {escape(words)}" style="width:100%;'
                'max-width:560px;image-rendering:pixelated;display:block">'
            )
            st.caption(words)


def show_training(study: Study) -> None:
    """Losses and the curve by which the epoch was chosen, from ``training.json``."""
    record = _training_record(study)
    if record is None:
        return
    st.subheader("How the model came about")
    evaluations = record["evaluations"]
    target = record["recipe"]["selection"]["target_auc"]
    kept = [entry["epoch"] for entry in evaluations if entry["kept"]]
    if kept:
        st.markdown(
            f"Both models saw the members alone. The denoiser was attacked every "
            f"{record['recipe']['selection']['evaluate_every']} epochs, and the checkpoint whose "
            f"AUC came nearest to {target:g} was kept: **epoch {kept[0]}** of "
            f"{len(record['denoiser_log'])}. A model that has not overfitted would have nothing "
            "to show, and a saturated one would hide every difference."
        )
    curves = st.expander("Its losses and its choice, drawn", key="training", on_change="rerun")
    if curves.open:
        with curves:
            curve, losses = st.columns([3, 2], gap="large")
            show_curves(_curves(record), curve, losses)


def show_two_trainings(pair: Pair) -> None:
    """The training curves of both on the same axes, once they are asked for."""
    records = [_training_record(study) for study in pair.studies]
    if not any(records):
        return
    st.subheader("How the models came about", anchor=False)
    curves = st.expander("Losses and choices, drawn", key="training", on_change="rerun")
    if not curves.open:
        return
    figures = [record and _curves(record) for record in records]
    for name, axes in _TRAINING_AXES.items():
        share_axes([drawn[name] for drawn in figures if drawn], axes)
    with curves:
        for index, (column, _) in enumerate(side_by_side(pair, key="training", brief=True)):
            with column:
                if figures[index] is None:
                    st.caption("How this model was trained is not stored with the study.")
                else:
                    show_curves(figures[index], column, column, key=f"-{index}")


def show_curves(
    figures: dict[str, go.Figure], curve: DeltaGenerator, losses: DeltaGenerator, *, key: str = ""
) -> None:
    """The charts, drawn once they are asked for: the first page need not wait for them."""
    with curve:
        st.plotly_chart(
            figures["selection"],
            config=CHART,
            key=f"overview-selection{key}",
            alt="SimA's AUC by epoch of training; a star marks the epoch that was kept.",
        )
    with losses:
        tabs = st.tabs(["Denoiser", "Autoencoder"])
        with tabs[0]:
            st.plotly_chart(
                figures["denoiser"],
                config=CHART,
                key=f"overview-denoiser{key}",
                alt="Loss of the denoiser by epoch.",
            )
        with tabs[1]:
            st.plotly_chart(
                figures["autoencoder"],
                config=CHART,
                key=f"overview-autoencoder{key}",
                alt="Reconstruction error and KL of the autoencoder by epoch.",
            )


@st.cache_data(max_entries=16, show_spinner=False)
def _sheet(_study: Study, digest: str, name: str, lines_together: int) -> str | None:
    _, height, width = _study.image_shape
    return spaced_sheet_uri(
        _study.path / "sheets" / name, (height, width), lines_together=lines_together
    )


def _curves(record: dict) -> dict[str, go.Figure]:
    """The figures of a training record."""
    target = record["recipe"]["selection"]["target_auc"]
    return {
        "selection": selection_curve(record["evaluations"], target),
        "denoiser": denoiser_loss(record["denoiser_log"]),
        "autoencoder": autoencoder_losses(record["autoencoder_log"]),
    }


def _training_record(study: Study) -> dict | None:
    """The record that training left; None for a study made of someone else's model."""
    try:
        record = json.loads((study.path / "training.json").read_text())
        usable = record["evaluations"] and record["denoiser_log"] and record["autoencoder_log"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if usable else None


def _groups(numbers: Headline) -> list[tuple[str, list[Row]]]:
    masks = [
        Row(MASK_TITLES[kind], MASK_COLOURS[kind], numbers.auc[kind])
        for kind in ("none", "influence", "random")
    ]
    quarters = [
        Row(title, colour, number)
        for title, colour, number in zip(
            _QUARTILES, QUARTILE_COLOURS, numbers.quartile, strict=True
        )
    ]
    return [
        (f"All images, {_SHARE} dropped", masks),
        ("By distortion, no mask", quarters),
    ]


def _range(numbers: Headline) -> str:
    """Sizes of the quarters: "449 to 450"."""
    sizes = [(number.n_member or 0) + (number.n_held_out or 0) for number in numbers.quartile]
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


_WAITING = """<style>
.ldviz-waiting { min-height: 470px; padding-top: 14px;
  color: color-mix(in srgb, currentColor 65%, transparent); }
.ldviz-waiting div { height: 104px; margin-top: 12px; border-radius: 8px;
  background: color-mix(in srgb, currentColor 9%, transparent); }
</style>
<div class="ldviz-waiting" role="status">Computing the headline numbers and their intervals …
<div></div></div>"""


ensure_frame()
with shown_failures():
    show_overview()
