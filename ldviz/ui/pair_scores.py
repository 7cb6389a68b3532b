"""Scores of two studies measured together, shared by sessions; and how a pair leaves the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import Positive
from ldviz.study.pair import Pair, PairTable, score_differences
from ldviz.ui.compare import LETTERS, Difference, independent
from ldviz.ui.evidence import EVIDENCE_SEED
from ldviz.ui.exports import measured_row

Scores = tuple[np.ndarray, np.ndarray]


def score_difference(
    pair: Pair,
    label: str,
    numbers: tuple[Measured, Measured],
    metric: str,
    *,
    key: tuple,
    positive: Positive,
    scores: Callable[[], Scores],
    detail: str = "",
) -> Difference:
    """One metric of both studies and A minus B: paired on the same images, else independent.

    Args:
        pair: the studies.
        label, detail: of the row.
        numbers: the metric of each study, with its interval.
        metric: its key.
        key: names the scores: with the studies, equal keys mean equal scores.
        positive: the class that counts as detected.
        scores: makes both studies' scores, each (n,) or (draws, n); called where they are the
            same images and the difference is not yet known.
    """
    first, second = numbers
    if not pair.same_images or first.value is None or second.value is None:
        return independent(label, first, second, detail=detail)
    table = _paired(pair.digests, key, positive, pair, scores)
    words = f"{detail}, paired" if detail else "paired"
    return Difference(label, first, second, table.difference[metric], detail=words)


def both_rows(pair: Pair, rows: Sequence[Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Flat rows of both studies, each line with the study that it is of."""
    return [
        {"study": study.name} | dict(row)
        for study, own in zip(pair.studies, rows, strict=True)
        for row in own
    ]


def difference_rows(pair: Pair, rows: Sequence[Difference]) -> list[dict[str, Any]]:
    """A table of differences as flat rows."""
    return [
        {
            "number": row.label,
            "detail": row.detail,
            "of": letter,
            "study": name,
        }
        | measured_row(number)
        for row in rows
        for letter, name, number in (
            (LETTERS[0], pair.first.name, row.first),
            (LETTERS[1], pair.second.name, row.second),
            ("A − B", f"{pair.first.name} − {pair.second.name}", row.difference),
        )
    ]


@st.cache_data(max_entries=128, show_spinner=False)
def _paired(
    digests: str, key: tuple, positive: Positive, _pair: Pair, _scores: Callable[[], Scores]
) -> PairTable:
    return score_differences(_pair, _scores(), positive=positive, seed=EVIDENCE_SEED)
