"""An analysis holds a block of samples at a time, a training a batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ldviz.data.images import ImageSet
from ldviz.data.pixel_file import PixelFile
from ldviz.data.row_file import RowFile, write_rows
from ldviz.study.build.analyze import analyze_own
from ldviz.study.build.denoiser import train_denoiser
from ldviz.study.build.images import SplitImages
from ldviz.study.build.latents import LatentRows
from ldviz.study.build.processes import start_processes
from ldviz.study.recipe import (
    AnalysisSettings,
    DataSettings,
    DenoiserSettings,
    Recipe,
    SelectionSettings,
)
from ldviz.study.store import open_study
from tests.study.small_analysis import Smooth, in_processes

SIDE = 64
FORGET_PEAK = Path("/proc/self/clear_refs")
needs_linux = pytest.mark.skipif(
    not FORGET_PEAK.exists(), reason="needs Linux, which tells a process's peak"
)


class Wide(Smooth):
    """Images of 12 kB, of which every eighth row and column is encoded."""

    image_shape = (3, SIDE, SIDE)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return super().encode(images[:, 0, ::8, ::8])

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        small = super().decode(latents)
        return torch.nn.functional.interpolate(small, SIDE).expand(-1, 3, -1, -1)


def analyse(folder: Path, count: int) -> None:
    folder.mkdir()
    noise = np.random.default_rng(0)
    with open(folder / "pixels.bin", "wb") as file:
        for _ in range(count):
            file.write(noise.bytes(3 * SIDE * SIDE))
    pixels = PixelFile(folder / "pixels.bin", (count, SIDE, SIDE, 3))
    split = SplitImages(ImageSet(pixels, np.arange(count)), np.arange(count) % 2 == 0)
    recipe = Recipe(
        name="wide",
        title="Wide",
        description="Made for the tests.",
        data=DataSettings(place="noise", image_size=SIDE),
        analysis=AnalysisSettings(timesteps=(50,), rank=2, num_probes=2, block_size=50),
    )
    analyze_own(recipe, folder / "study", model=Wide(), split=split, device="cpu")


def kilobytes(name: str) -> int:
    """Of this process, as the kernel counts them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def peak_of(work: Callable[[], None], found: Path) -> int:
    """Kilobytes that some work adds to what its process had before."""

    def measured() -> None:
        FORGET_PEAK.write_text("5")
        before = kilobytes("VmHWM")
        work()
        found.write_text(str(kilobytes("VmHWM") - before))

    assert in_processes(measured) == [0]
    return int(found.read_text())


@needs_linux
def test_memory_does_not_grow_with_the_samples(tmp_path: Path) -> None:
    analyse(tmp_path / "first", 50)

    def peak(count: int) -> int:
        folder = tmp_path / str(count)
        added = peak_of(lambda: analyse(folder, count), tmp_path / "peak.txt")
        assert open_study(folder / "study").num_samples == count
        return added

    # The 2,900 more have 36 MB as they lie on disk, 143 MB as the model takes them; where an
    # allocator's free pages happen to lie makes up to 12 MB.
    assert peak(3000) < peak(100) + 24 * 1024


def train(folder: Path, count: int, shards: int) -> None:
    """An epoch on latents of 16 kB."""
    folder.mkdir()
    noise, shape = np.random.default_rng(0), (4, 32, 32)
    write_rows(
        folder / "latents.bin",
        (noise.standard_normal(shape, dtype=np.float32) for _ in range(count)),
    )
    processes = start_processes("cpu")
    values = RowFile(
        folder / "latents.bin", (count, *shape), np.float32, holds="latents", remedy="Run again."
    )
    small = {"block_out_channels": (4, 4), "layers_per_block": 1, "norm_num_groups": 2}
    train_denoiser(
        LatentRows(values, device=processes.device),
        DenoiserSettings(**small, epochs=1, batch_size=20, shards=shards),
        SelectionSettings(),
        evaluate=lambda denoiser: {"best_auc": 0.5},
        checkpoint=folder / "denoiser.pt",
        processes=processes,
    )


@needs_linux
@pytest.mark.parametrize("shards", [1, 2])
def test_a_training_s_memory_does_not_grow_with_the_samples(tmp_path: Path, shards: int) -> None:
    train(tmp_path / "first", 50, shards)

    def peak(count: int) -> int:
        return peak_of(lambda: train(tmp_path / str(count), count, shards), tmp_path / "peak.txt")

    # The 2,400 more have 39 MB of latents, and as much of an epoch's noise.
    assert peak(2500) < peak(100) + 24 * 1024
