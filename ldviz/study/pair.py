"""Two studies side by side: what is the same in both, and how far their numbers differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ldviz.attacks import get_attack
from ldviz.attacks.masks import MaskSpec
from ldviz.errors import InputError
from ldviz.metrics.independent import independent_difference
from ldviz.metrics.intervals import metric_intervals
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import FPRS, Positive
from ldviz.progress import Progress, no_progress
from ldviz.study.store import Study
from ldviz.study.vectors import attack_vectors


@dataclass(frozen=True)
class Pair:
    """The study that is looked at, A, and the one beside it, B."""

    first: Study
    second: Study

    @property
    def studies(self) -> tuple[Study, Study]:
        return self.first, self.second

    @property
    def digests(self) -> str:
        """Names both: equal texts mean equal numbers."""
        return f"{self.first.digest}/{self.second.digest}"

    @property
    def same_images(self) -> bool:
        """Whether both hold the same images under the same split, row for row.

        Then every image has a score in both, and differences are measured pairwise.
        """
        ours, theirs = self.first.manifest.data, self.second.manifest.data
        if (ours.images_sha256, ours.split_sha256) != (theirs.images_sha256, theirs.split_sha256):
            return False
        return np.array_equal(self.first.sample_ids, self.second.sample_ids) and np.array_equal(
            self.first.is_member, self.second.is_member
        )


@dataclass(frozen=True)
class PairTable:
    """The same metrics of two studies.

    Attributes:
        first, second: metric key to the number.
        difference: metric key to first minus second.
        paired: whether the differences are paired, on the same images.
    """

    first: dict[str, Measured]
    second: dict[str, Measured]
    difference: dict[str, Measured]
    paired: bool


@dataclass(frozen=True)
class Counterpart:
    """The other study's attack vectors that stand beside the first one's.

    Attributes:
        timestep: where they were taken; None for an attack without timesteps.
        vectors: (n, d) float16; None where there are none at hand.
        note: in a sentence what could not be the same; empty where all is.
        computable: whether the very ones asked for are not these, but could be computed.
    """

    timestep: int | None
    vectors: np.ndarray | None
    note: str = ""
    computable: bool = False


def score_differences(
    pair: Pair,
    scores: tuple[np.ndarray, np.ndarray],
    *,
    positive: Positive = "member",
    num_resamples: int = 2000,
    seed: int = 0,
    fprs: Sequence[float] = FPRS,
    progress: Progress = no_progress,
) -> PairTable:
    """Metrics of both studies, and A minus B with 95 % intervals.

    On the same images the bootstrap is paired; otherwise the two samples are independent, and
    the interval is built from theirs (``independent_difference``).

    Args:
        pair: the studies.
        scores: of the first and of the second, each (n,) or (draws, n), higher = member.
        positive, num_resamples, seed, fprs, progress: as ``metric_intervals``.
    """
    settings = {
        "positive": positive,
        "num_resamples": num_resamples,
        "seed": seed,
        "fprs": fprs,
        "progress": progress,
    }
    if pair.same_images:
        named = dict(zip(("first", "second"), scores, strict=True))
        table = metric_intervals(
            pair.first.is_member, named, pairs=[("first", "second")], **settings
        )
        numbers = table.metrics["first"], table.metrics["second"]
        return PairTable(*numbers, table.differences["first", "second"], paired=True)
    first, second = (
        metric_intervals(study.is_member, {"scores": given}, **settings).metrics["scores"]
        for study, given in zip(pair.studies, scores, strict=True)
    )
    difference = {key: independent_difference(first[key], second[key]) for key in first}
    return PairTable(first, second, difference, paired=False)


def counterpart(other: Study, attack_name: str, timestep: int | None) -> Counterpart:
    """The other study's vectors by the same attack at the same timestep, or at the nearest.

    Only what is stored or cached is used; nothing is computed.

    Raises:
        InputError: for an unknown attack.
        StudyError: if the other study cannot be read.
    """
    attack = get_attack(attack_name)
    if other.manifest.model.num_train_timesteps == 0:
        note = f"{other.title} is an autoencoder without a denoiser, so there is nothing to attack."
        return Counterpart(None, None, note)
    computable = True
    try:
        vectors = attack_vectors(other, attack_name, timestep, compute=False)
    except InputError:
        vectors, computable = None, False
    if vectors is not None:
        return Counterpart(timestep, vectors)
    at = "" if timestep is None else f" at t = {timestep}"
    if timestep is not None:
        for near in sorted(other.stored_timesteps(attack_name), key=lambda t: abs(t - timestep)):
            vectors = attack_vectors(other, attack_name, near, compute=False)
            if vectors is not None:
                note = (
                    f"{attack.title}{at} is not stored with {other.title}; "
                    f"shown is the nearest that is, t = {near}."
                )
                return Counterpart(near, vectors, note, computable)
    note = f"{attack.title}{at} is not stored with {other.title}."
    if not computable:
        note += " Its noise schedule does not reach that timestep."
    return Counterpart(timestep, None, note, computable)


def counterpart_mask(pair: Pair, mask: MaskSpec) -> tuple[MaskSpec, str]:
    """The mask as it applies to the second study, and in a sentence what could not be kept.

    Shares, seed and ranking mean the same everywhere.  A channel, cell or dimension that is
    switched off does so only in latents of the same shape.
    """
    places = {"channels_off": (), "cells_off": (), "dims_off": ()}
    bare = mask.model_copy(update=places)
    if bare == mask or pair.first.latent_shape == pair.second.latent_shape:
        return mask, ""
    return bare, (
        f"The latents of {pair.second.title} have another shape, so what is switched off by place "
        "applies to A alone; the share dropped is the same in both."
    )
