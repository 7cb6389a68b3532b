"""Latents of all images of a training, on disk and read batch by batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ldviz.data.row_file import RowFile, write_rows
from ldviz.study.build.images import ModelImages
from ldviz.study.build.processes import gathered

SHARED_DISK = (
    "Run the same command again; on several machines the study's folder must be on a disk that "
    "all of them see."
)
"""What to do where a file that one process has written is not what the others find."""

ENCODER_BATCH = 256
"""Images in one pass of the encoder."""


class LatentRows:
    """(n, C, h, w) latents on a device, read from disk as they are asked for.

    Args:
        values: (N, C, h, w) float32, in memory or on disk.
        rows: which of them, in which order; None takes all.
        device: where those that are asked for go.
    """

    def __init__(
        self, values: np.ndarray | RowFile, rows: np.ndarray | None = None, *, device: torch.device
    ) -> None:
        self._values = values
        self._rows = np.arange(len(values)) if rows is None else rows
        self._device = device
        self.shape = (len(self._rows), *values.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: torch.Tensor | slice) -> torch.Tensor:
        """The latents of these rows, (k, C, h, w) float32."""
        index = chosen if isinstance(chosen, slice) else chosen.cpu().numpy()
        return torch.from_numpy(self._values[self._rows[index]]).to(self._device)

    def only(self, rows: np.ndarray) -> LatentRows:
        """Some of them, in this order."""
        return LatentRows(self._values, self._rows[rows], device=self._device)


def encoded(autoencoder: torch.nn.Module, images: ModelImages) -> Iterator[torch.Tensor]:
    """(k, C, h, w) unscaled latent means, batch by batch."""
    for batch in images.batches(ENCODER_BATCH):
        with torch.no_grad():
            yield autoencoder.encode(batch).latent_dist.mode()


def scaling_factor(autoencoder: torch.nn.Module, images: ModelImages, processes: Any) -> float:
    """1 / standard deviation of the images' latent means; one process tells the others.

    Moments are merged batch by batch in float64, so what is rounded to float32 in the end
    depends neither on the batches nor on the number of threads.

    Source: Chan, Golub and LeVeque 1983, equation 2.1.
    """
    found = []
    if processes.is_main_process:
        count, mean, spread = 0, 0.0, 0.0
        for means in encoded(autoencoder, images):
            values = means.cpu().numpy().astype(np.float64)
            size, shift = values.size, values.mean() - mean
            spread += np.square(values - values.mean()).sum()
            spread += shift**2 * count * size / (count + size)
            mean += shift * size / (count + size)
            count += size
        deviation = np.float32(math.sqrt(spread / (count - 1)))
        found.append(float(np.float32(1.0) / deviation))
    return gathered(processes, found)[0]


def stored_latents(
    path: Path, autoencoder: torch.nn.Module, images: ModelImages, processes: Any
) -> LatentRows:
    """The scaled latents of all images, written by one process for all to read.

    Args:
        path: on a disk that every process sees.
        autoencoder: with its ``scaling_factor``.
        images: in the order of the rows.
        processes: from ``start_processes``.

    Raises:
        StudyError: if the disk is full or the folder has vanished.
    """
    scale = autoencoder.config.scaling_factor
    with torch.no_grad():
        shape = tuple(autoencoder.encode(images[:1]).latent_dist.mode().shape[1:])
    if processes.is_main_process:
        write_rows(path, ((means * scale).cpu().numpy() for means in encoded(autoencoder, images)))
    processes.wait_for_everyone()
    values = RowFile(path, (len(images), *shape), np.float32, holds="latents", remedy=SHARED_DISK)
    return LatentRows(values, device=processes.device)
