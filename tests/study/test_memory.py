"""An analysis holds a block of samples at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ldviz.data.images import ImageSet
from ldviz.data.pixel_file import PixelFile
from ldviz.study.build.analyze import analyze_own
from ldviz.study.build.images import SplitImages
from ldviz.study.recipe import AnalysisSettings, DataSettings, Recipe
from ldviz.study.store import open_study
from tests.study.small_analysis import Smooth, in_processes

SIDE = 64
FORGET_PEAK = Path("/proc/self/clear_refs")


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


@pytest.mark.skipif(not FORGET_PEAK.exists(), reason="needs Linux, which tells a process's peak")
def test_memory_does_not_grow_with_the_samples(tmp_path: Path) -> None:
    analyse(tmp_path / "first", 50)

    def peak(count: int) -> int:
        """Kilobytes that an analysis adds to what its process had before."""
        found = tmp_path / f"{count}.txt"

        def work() -> None:
            FORGET_PEAK.write_text("5")
            before = kilobytes("VmHWM")
            analyse(tmp_path / str(count), count)
            found.write_text(str(kilobytes("VmHWM") - before))

        assert in_processes(work) == [0]
        assert open_study(tmp_path / str(count) / "study").num_samples == count
        return int(found.read_text())

    # The 2,900 more have 36 MB as they lie on disk, 143 MB as the model takes them; where an
    # allocator's free pages happen to lie makes up to 12 MB.
    assert peak(3000) < peak(100) + 24 * 1024
