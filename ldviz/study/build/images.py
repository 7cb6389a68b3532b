"""The images of a study as a model takes them, and who is a member."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ldviz.data.images import ImageSet, array_digest, to_model_range
from ldviz.data.report import ImageReport
from ldviz.data.settings import DataSettings
from ldviz.data.sources import load_images
from ldviz.data.splits import check_split, stratified_split
from ldviz.progress import Progress, no_progress

PREPARED = ".images"
"""Folder in a study's folder where images of one's own are kept, ready to be read."""


@dataclass(frozen=True)
class SplitImages:
    """Images in the study's order, and who is a member.

    Attributes:
        images: pixels, ids, classes, captions.
        is_member: (n,) bool.
        report: what was converted and skipped, for images of one's own; else None.
    """

    images: ImageSet
    is_member: np.ndarray
    report: ImageReport | None = None

    @cached_property
    def images_sha256(self) -> str:
        return array_digest(self.images.sample_ids, self.images.pixels)

    @cached_property
    def split_sha256(self) -> str:
        return array_digest(self.images.sample_ids, self.is_member)


def load_split(
    settings: DataSettings,
    folder: Path,
    *,
    device: str | None = None,
    progress: Progress = no_progress,
) -> SplitImages:
    """The images of a recipe and their split, both reproducible from the settings.

    Images of one's own are read once, into ``folder/.images``, and from there in pieces;
    of several processes the main one does that while the others wait.

    Args:
        settings: which images.
        folder: the study's folder.
        device: where the study is computed; Accelerate wants to know when it starts.
        progress: told of every image that is read.

    Raises:
        DataError: if the images or their split cannot be read.
    """
    if settings.is_own:
        from ldviz.data.prepare import prepare_images
        from ldviz.study.build.processes import start_processes

        with start_processes(device).main_process_first():
            prepared = prepare_images(settings, folder / PREPARED, progress=progress)
        return SplitImages(prepared.images, prepared.is_member, prepared.report)
    images = load_images(settings.source, settings.image_size, settings.num_images)
    is_member = stratified_split(
        images.sample_ids,
        images.labels,
        member_fraction=settings.member_fraction,
        seed=settings.seed,
    )
    check_split(images.sample_ids[is_member], images.sample_ids[~is_member])
    return SplitImages(images, is_member)


def few_images(
    settings: DataSettings, scratch: Path, count: int
) -> tuple[DataSettings, tuple[int, int] | None]:
    """Settings of a few of the images at a place, half of them members, for a trial.

    Args:
        settings: of all of them.
        scratch: an empty folder, for what has to be unpacked to see how many there are.
        count: how many are wanted.

    Returns:
        The settings, and how many images and members there are in all.  Images that come
        with ldviz are at hand: their settings are returned as they are, and None.

    Raises:
        DataError: if the place cannot be read.
    """
    if not settings.is_own:
        return settings, None
    from ldviz.data.choose import choose_rows
    from ldviz.data.places import list_place

    (scratch / "listing").mkdir()
    rows, is_member = choose_rows(list_place(settings, scratch / "listing"), settings)
    members = int(is_member.sum())
    few = {
        "num_members": min(count // 2, members),
        "num_held_out": min(count // 2, len(rows) - members),
    }
    return settings.model_copy(update=few), (len(rows), members)


class ModelImages:
    """(n, c, H, W) images in [-1, 1], converted from pixels as they are asked for.

    Args:
        pixels: (n, H, W, c) uint8, in memory or on disk.
        rows: which of them, in which order; None takes all.
        device: where the converted images go.
    """

    def __init__(
        self, images: ImageSet, rows: np.ndarray | None = None, *, device: torch.device
    ) -> None:
        self._pixels = images.pixels
        self._rows = np.arange(len(images)) if rows is None else rows
        self._device = device
        self.shape = (len(self._rows), *images.image_shape)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: torch.Tensor | slice) -> torch.Tensor:
        """The images of these rows, (k, c, H, W) float32."""
        index = chosen if isinstance(chosen, slice) else chosen.cpu().numpy()
        return torch.from_numpy(to_model_range(self._pixels[self._rows[index]])).to(self._device)

    def batches(self, size: int) -> Iterator[torch.Tensor]:
        """All images in order, ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]
