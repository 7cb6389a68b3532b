"""What the parts of the Samples page share: every sample's score, distortion and standing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ldviz.attacks import get_attack
from ldviz.figures.score_axis import ScoreAxis, score_axis
from ldviz.metrics.roc import Positive, checked_scores
from ldviz.metrics.strata import quartiles
from ldviz.study.evidence import Timestep
from ldviz.study.store import Study
from ldviz.ui.gallery import ImageFacts
from ldviz.ui.state import change_view, current_view

LARGEST_SELECTION = 5000
"""Samples that a link can name."""


@dataclass(frozen=True)
class Samples:
    """The samples of a study under one attack.

    Attributes:
        study, attack, timestep: what is scored, and how.
        mask_title: of the mask, in words.
        scores: (n,) membership scores.
        axis: where they are drawn.
        distortion: (n,) nats.
        quartile: (n,) 0..3.
        chosen: rows of the view's selection, ascending.
        positive: the class that counts as detected.
    """

    study: Study
    attack: str
    timestep: Timestep
    mask_title: str
    scores: np.ndarray
    axis: ScoreAxis
    distortion: np.ndarray
    quartile: np.ndarray
    chosen: np.ndarray
    positive: Positive

    @property
    def title(self) -> str:
        """ "SimA, t = 50, no mask"."""
        at = "" if self.timestep is None else f", t = {self.timestep}"
        return f"{get_attack(self.attack).title}{at}, {self.mask_title}"

    @property
    def facts(self) -> ImageFacts:
        """What is written below images."""
        return ImageFacts(distortion=self.distortion, scores=self.scores)

    @property
    def is_chosen(self) -> np.ndarray:
        """(n,) bool."""
        mask = np.zeros(len(self.scores), dtype=bool)
        mask[self.chosen] = True
        return mask


def samples_of(
    study: Study,
    attack: str,
    timestep: Timestep,
    scores: np.ndarray,
    mask_title: str,
    *,
    axis: ScoreAxis | None = None,
) -> Samples:
    """Samples with their scores, and the view's selection among them.

    Args:
        study, attack, timestep, mask_title: what is scored, and how.
        scores: (n,).
        axis: of the scores, where they share it with others.

    Raises:
        InputError: if a score is not finite.
    """
    _, checked = checked_scores(study.is_member, scores)
    distortion = study.local_distortion()
    return Samples(
        study=study,
        attack=attack,
        timestep=timestep,
        mask_title=mask_title,
        scores=checked,
        axis=axis or score_axis(checked),
        distortion=distortion,
        quartile=quartiles(distortion),
        chosen=selected_rows(study),
        positive=current_view().positive,
    )


def selected_rows(study: Study) -> np.ndarray:
    """Rows of the view's selection, ascending."""
    return np.flatnonzero(np.isin(study.sample_ids, current_view().selection))


def foreign_selection(study: Study) -> str:
    """What is wrong with a selection that names samples of another study; empty if nothing."""
    wanted = np.array(current_view().selection, dtype=np.int64)
    missing = wanted[~np.isin(wanted, study.sample_ids)]
    if not len(missing):
        return ""
    return (
        f'The selection names {len(missing)} samples that study "{study.name}" does not have '
        f"(first: {missing[0]}). It was made in another study; choose all again."
    )


def choose_samples(sample_ids: Iterable[int]) -> None:
    """Make samples the selection, on every page, as one undoable step.

    One sample alone also becomes the current image.
    """
    ids = tuple(sorted({int(sample) for sample in sample_ids}))[:LARGEST_SELECTION]
    if len(ids) == 1:
        change_view(selection=ids, image=ids[0])
    else:
        change_view(selection=ids)


def clear_samples() -> None:
    """Let go of the selection."""
    change_view(selection=())
