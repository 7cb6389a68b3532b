"""What a denoiser is told of each sample: its caption, its class, or nothing.  Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ldviz.errors import InputError
from ldviz.models.card import ModelCard
from ldviz.study.store import Study


def sample_conditioning(
    card: ModelCard, captions: Sequence[str] | None, labels: np.ndarray | None
) -> np.ndarray | None:
    """One caption or class per sample, in the samples' order; None for the empty one.

    Args:
        card: says what the denoiser is conditioned on, and whether that is used.
        captions, labels: of the samples; None where there are none.

    Raises:
        InputError: if the denoiser is conditioned on what the samples do not have.
    """
    if card.conditioning is None or card.conditioning_used == "empty":
        return None
    values, what, column = (
        (captions, "captions", "caption_column")
        if card.conditioning == "text"
        else (labels, "classes", "label_column")
    )
    if values is None:
        raise InputError(
            f"The denoiser is conditioned on {what}, and the images have none. Name their column "
            f'with `{column}`, or use the empty one for all: `conditioning = "empty"`.'
        )
    return np.array(values, dtype=object if card.conditioning == "text" else np.int64)


def study_conditioning(study: Study) -> np.ndarray | None:
    """The conditioning that a study's attacks used, in the order of its samples."""
    return sample_conditioning(study.manifest.model, study.captions, study.labels)
