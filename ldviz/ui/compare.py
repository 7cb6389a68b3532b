"""What every page uses to show a second study beside the first: columns, axes, differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ldviz.errors import StudyError
from ldviz.figures.theme import STUDY_COLOURS
from ldviz.metrics.independent import independent_difference
from ldviz.metrics.measured import Measured
from ldviz.study.pair import Pair
from ldviz.study.store import Study
from ldviz.ui.numbers import NOT_AVAILABLE, interval_text, sample_text, value_text
from ldviz.ui.resources import available_studies
from ldviz.ui.state import change_view, current_image, current_study, current_view, shown_studies

LETTERS = ("A", "B")
_SECOND_IMAGE = "ldviz-second-image"
_PAD = 0.03
_MOST_DIGITS = 6


@dataclass(frozen=True)
class Difference:
    """One number of both studies, and the first minus the second.

    Attributes:
        label: what it is, in a few words.
        first, second: of study A and of study B.
        difference: A minus B, with its interval.
        detail: one line below the label; empty for none.
        digits: decimals, at least.
        unit: behind the difference in words, such as "nats"; empty for none.
        signed: whether the two numbers are differences themselves, shown with their sign.
    """

    label: str
    first: Measured
    second: Measured
    difference: Measured
    detail: str = ""
    digits: int = 3
    unit: str = ""
    signed: bool = False


def independent(label: str, first: Measured, second: Measured, **words) -> Difference:
    """A difference of numbers from two separate samples; ``words`` as in ``Difference``."""
    return Difference(label, first, second, independent_difference(first, second), **words)


def compared(study: Study) -> Pair | None:
    """The study that a page shows and the one beside it; None while there is no second one.

    One that cannot be shown counts as none: the frame says why (``comparison_problem``).
    """
    name = current_view().other
    if name is None or comparison_problem():
        return None
    return Pair(study, shown_studies()[name])


def comparison_problem() -> str:
    """Why the study that the view names as the second cannot be shown; empty if it can."""
    name = current_view().other
    if name is None:
        return ""
    studies, failures = available_studies()
    if name in failures:
        return f'The study "{name}" cannot be compared with. {failures[name]}'
    if name not in studies:
        return (
            f'There is no study "{name}" to compare with. '
            f"Choose another one in the sidebar: {', '.join(studies)}."
        )
    try:
        same = current_study().name == name
    except StudyError:
        return ""  # the page says what is wrong with the first one
    if same:
        return f'The study "{name}" cannot be compared with itself. Choose another one.'
    return ""


def side_by_side(
    pair: Pair, *, key: str, brief: bool = False
) -> list[tuple[DeltaGenerator, Study]]:
    """Two columns, A left and B right, each headed by its study; one below the other where narrow.

    Args:
        pair: the studies.
        key: unique on the page.
        brief: whether the heads leave counts and shape out: for all but a page's first columns.

    Returns:
        (column, study) twice: ``for column, study in side_by_side(pair, key="..."): with column:``.
    """
    st.html(_COLUMNS_STYLE)
    with st.container(key=f"compared-{key}"):
        columns = st.columns(2, gap="large")
    for index, (column, study) in enumerate(zip(columns, pair.studies, strict=True)):
        column.html(_head(study, index, brief=brief))
    return list(zip(columns, pair.studies, strict=True))


def second_image(pair: Pair) -> int:
    """Row of the second study's current image.

    On the same images it is the first study's.  Otherwise it is the one last chosen there in
    this session, and before that the one of highest distortion.
    """
    if pair.same_images:
        return current_image(pair.first)
    chosen = st.session_state.get(_SECOND_IMAGE, {}).get(pair.second.digest)
    if chosen is not None:
        return pair.second.position(chosen)
    return int(pair.second.local_distortion().argmax())


def choose_second_image(pair: Pair, sample_id: int) -> None:
    """Make an image the second study's current one; on the same images, of both studies."""
    if pair.same_images:
        change_view(image=sample_id)
    else:
        st.session_state.setdefault(_SECOND_IMAGE, {})[pair.second.digest] = sample_id


def common_range(*ends: tuple[float, float], pad: float = _PAD) -> tuple[float, float]:
    """One axis range that holds all of some (least, greatest), with a margin on both sides."""
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    margin = pad * (high - low) or pad * max(1.0, abs(low))
    return low - margin, high + margin


def verdict(difference: Measured) -> str:
    """What the interval of A minus B allows to say, in plain words."""
    if difference.value is None:
        return NOT_AVAILABLE
    if difference.ci95 is None:
        return "no interval"
    if not difference.excludes_zero:
        return "cannot be told from zero"
    return "A is higher" if difference.value > 0 else "B is higher"


def show_differences(pair: Pair, rows: Sequence[Difference], *, note: str = "") -> None:
    """Draw the table of differences, and below it what it rests on.

    Args:
        pair: the studies.
        rows: one per number.
        note: sentences that belong to this table, such as what could not be the same.
    """
    st.html(differences_html(pair, rows))
    sizes = "; ".join(
        f"{letter}: {study.manifest.n_member:,} members, {study.manifest.n_held_out:,} held-out"
        for letter, study in zip(LETTERS, pair.studies, strict=True)
    )
    kind = (
        "Both hold the same images under the same split. Intervals of differences marked paired "
        "use that; the others take the two for independent, which is cautious where the same "
        "images are hard in both."
        if pair.same_images
        else "The two samples are independent."
    )
    st.caption(f"A − B with 95 % intervals. {sizes}. {kind} {note}".rstrip())


def differences_html(pair: Pair, rows: Sequence[Difference]) -> str:
    """The table; below 640 pixels each number becomes a block of its own."""
    heads = "".join(
        f'<th scope="col"><span>{_badge(index)}{escape(study.title)}</span></th>'
        for index, study in enumerate(pair.studies)
    )
    body = "".join(_row(row) for row in rows)
    return (
        f'<div class="ldviz-pair">{_STYLE}<table><thead><tr><th scope="col">Number</th>{heads}'
        f'<th scope="col">A − B</th><th scope="col">In words</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Difference) -> str:
    detail = f"<small>{escape(row.detail)}</small>" if row.detail else ""
    cells = "".join(
        f'<td data-label="{letter}" title="{escape(sample_text(number) or number.note)}">'
        f"{_number(number, row, signed=row.signed)}</td>"
        for letter, number in zip(LETTERS, (row.first, row.second), strict=True)
    )
    certain = " certain" if row.difference.excludes_zero else ""
    hover = escape(row.difference.note)
    return (
        f'<tr><th scope="row">{escape(row.label)}{detail}</th>{cells}'
        f'<td data-label="A − B" class="step{certain}" title="{hover}">'
        f"{_number(row.difference, row, signed=True)}</td>"
        f'<td class="verdict{certain}">{verdict(row.difference)}</td></tr>'
    )


def _number(number: Measured, row: Difference, *, signed: bool) -> str:
    digits = _digits(number, row.digits)
    value = value_text(number.value, signed=signed, digits=number.decimals(digits))
    unit = f" {escape(row.unit)}" if row.unit and number.value is not None else ""
    interval = interval_text(number, signed=signed, digits=digits)
    return f"<b>{value}</b>{unit}" + (f"<small>{interval}</small>" if interval else "")


def _digits(number: Measured, at_least: int) -> int:
    """Decimals with which an interval that excludes zero does not read as if it held it."""
    digits = number.decimals(at_least)
    while number.excludes_zero and digits < _MOST_DIGITS:
        if all(round(end, digits) for end in number.ci95):
            break
        digits += 1
    return digits


def _badge(index: int) -> str:
    return f'<i style="background:{STUDY_COLOURS[index]}">{LETTERS[index]}</i>'


def _head(study: Study, index: int, *, brief: bool) -> str:
    manifest = study.manifest
    shape = " × ".join(str(length) for length in study.latent_shape)
    facts = f"{manifest.n_member:,} members, {manifest.n_held_out:,} held-out, latents {shape}"
    small = "" if brief else f"<small>{facts}</small>"
    return (
        f'<div class="ldviz-study-head" style="border-color:{STUDY_COLOURS[index]}">{_HEAD_STYLE}'
        f"{_badge(index)}<b>{escape(study.title)}</b>{small}</div>"
    )


_BADGE = """display: inline-block; flex: none; width: 20px; margin-right: 8px;
  border-radius: 4px; color: white; font-size: 13px; font-weight: 700; font-style: normal;
  line-height: 20px; text-align: center;"""

_HEAD_STYLE = f"""<style>
.ldviz-study-head {{ padding: 8px 0 2px; border-top: 4px solid; font-size: 17px;
  line-height: 1.35; }}
.ldviz-study-head i {{ {_BADGE} }}
.ldviz-study-head small {{ display: block; font-size: 13px;
  color: color-mix(in srgb, currentColor 72%, transparent); }}
</style>"""

_COLUMNS_STYLE = """<style>
@media (max-width: 899px) {
  [class*="st-key-compared-"] > div > [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  [class*="st-key-compared-"] > div > [data-testid="stHorizontalBlock"]
    > [data-testid="stColumn"] { min-width: 100%; }
}
</style>"""

_STYLE = f"""<style>
.ldviz-pair {{ font-size: 14px; line-height: 1.35; font-variant-numeric: tabular-nums; }}
.ldviz-pair table {{ width: 100%; border-collapse: collapse; }}
.ldviz-pair th, .ldviz-pair td {{ padding: 7px 12px 7px 0; text-align: left;
  vertical-align: top; font-weight: 400; border: 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent); }}
.ldviz-pair thead th {{ font-size: 13px; font-weight: 600; vertical-align: bottom;
  border-bottom: 2px solid color-mix(in srgb, currentColor 40%, transparent); }}
.ldviz-pair thead span {{ display: flex; align-items: center; }}
.ldviz-pair i {{ {_BADGE} }}
.ldviz-pair small {{ display: block; font-size: 12px;
  color: color-mix(in srgb, currentColor 72%, transparent); }}
.ldviz-pair td[data-label] {{ white-space: nowrap; }}
.ldviz-pair td b {{ font-weight: 400; }}
.ldviz-pair .certain, .ldviz-pair .certain b {{ font-weight: 700; }}
.ldviz-pair .certain small {{ font-weight: 400; }}
@media (max-width: 640px) {{
  .ldviz-pair thead th:first-child, .ldviz-pair thead th:nth-child(n+4) {{ display: none; }}
  .ldviz-pair thead tr {{ display: flex; flex-wrap: wrap; gap: 4px 16px; }}
  .ldviz-pair thead th {{ border: 0; }}
  .ldviz-pair tbody tr {{ display: grid; grid-template-columns: 1fr 1fr 1.15fr;
    padding: 8px 0; gap: 2px 10px;
    border-bottom: 1px solid color-mix(in srgb, currentColor 22%, transparent); }}
  .ldviz-pair tbody th, .ldviz-pair tbody td {{ padding: 0; border: 0; }}
  .ldviz-pair tbody th, .ldviz-pair .verdict {{ grid-column: 1 / -1; }}
  .ldviz-pair tbody th {{ font-weight: 600; }}
  .ldviz-pair tbody th small {{ font-weight: 400; }}
  .ldviz-pair td[data-label]::before {{ content: attr(data-label); display: block;
    font-size: 12px; color: color-mix(in srgb, currentColor 72%, transparent); }}
}}
</style>"""
