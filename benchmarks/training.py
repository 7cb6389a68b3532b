"""Memory of a training against the number of images, and what its shards cost and bring.

    python -m benchmarks.training memory       # 2,000 and 20,000 images
    python -m benchmarks.training shards       # an epoch in 1, 2, 4 and 8 pieces, one process
    python -m benchmarks.training processes    # an epoch by one process and by two

Epochs are those of the recipe ``own`` on tiles of photographs; memory is measured with small
models of the same kinds on random images, in processes of their own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.large import environments

MEMORY_LIMIT = 1.2


def train_random(folder: Path, count: int, shards: int) -> None:
    """An epoch of each model on ``count`` images that lie on disk, half of them members."""
    from ldviz.data.images import ImageSet
    from ldviz.data.pixel_file import PixelFile
    from ldviz.study.build.autoencoder import train_autoencoder
    from ldviz.study.build.denoiser import train_denoiser
    from ldviz.study.build.images import ModelImages, SplitImages
    from ldviz.study.build.latents import stored_latents
    from ldviz.study.build.processes import start_processes
    from ldviz.study.build.train import new_model, sima_curve
    from ldviz.study.recipe import Recipe

    pixels = folder / "pixels.bin"
    generator = np.random.default_rng(0)
    with pixels.open("wb") as file:
        for start in range(0, count, 1000):
            block = (min(1000, count - start), 32, 32, 1)
            file.write(generator.integers(0, 256, block, dtype=np.uint8).tobytes())
    images = ImageSet(PixelFile(pixels, (count, 32, 32, 1)), np.arange(count, dtype=np.int64))
    split = SplitImages(images, np.arange(count) % 2 == 0)
    small = {"norm_num_groups": 4, "epochs": 1, "batch_size": 64, "shards": shards}
    recipe = Recipe.model_validate(
        {
            **{"name": "random", "title": "Random", "description": "For the benchmark."},
            "data": {"place": "random", "image_size": 32},
            "autoencoder": small | {"block_out_channels": (4, 4, 4)},
            "denoiser": small | {"block_out_channels": (4, 8), "layers_per_block": 1},
            "selection": {"timesteps": (50,)},
        }
    )
    processes, members = start_processes("cpu"), np.flatnonzero(split.is_member)
    everything = ModelImages(images, device=processes.device)
    autoencoder, _ = train_autoencoder(
        ModelImages(images, members, device=processes.device),
        recipe.autoencoder,
        checkpoint=folder / "autoencoder.pt",
        processes=processes,
    )
    latents = stored_latents(folder / "latents.bin", autoencoder, everything, processes)

    def evaluate(denoiser: Any) -> dict[str, Any]:
        model = new_model(autoencoder, denoiser, recipe, everything, processes.device)
        return sima_curve(model, latents, split, recipe.selection.timesteps, processes)

    train_denoiser(
        latents.only(members),
        recipe.denoiser,
        recipe.selection,
        evaluate=evaluate,
        checkpoint=folder / "denoiser.pt",
        processes=processes,
    )


def peak_kilobytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory(counts: list[int]) -> bool:
    """Peak memory of both, each in a process of its own."""
    code = (
        "import sys, pathlib; from benchmarks import training; "
        "training.train_random(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:])); "
        "print(training.peak_kilobytes())"
    )
    good = True
    for shards in (1, 2):
        peaks = []
        for count in counts:
            with TemporaryDirectory() as folder:
                start = time.perf_counter()
                command = [sys.executable, "-c", code, folder, str(count), str(shards)]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                peaks.append(int(told))
                print(
                    f"shards = {shards}, {count:>7,} images: peak {peaks[-1] / 1024:,.0f} MB, "
                    f"{time.perf_counter() - start:.0f} s",
                    flush=True,
                )
        print(f"ratio {peaks[1] / peaks[0]:.3f}, at most {MEMORY_LIMIT}")
        good &= peaks[1] <= MEMORY_LIMIT * peaks[0]
    return good


class Clock:
    """Told of every epoch: seconds, and seconds of processor time, since the one before."""

    def __init__(self) -> None:
        self.moments: list[tuple[float, float]] = []

    def __call__(self, done: int, total: int, what: str) -> None:
        self.moments.append((time.perf_counter(), time.process_time()))

    def epoch(self) -> tuple[float, float]:
        (began, before), (ended, after) = self.moments[0], self.moments[1]
        return ended - began, after - before


def epochs(count: int, ways: list[int], rounds: int) -> dict[str, dict[int, list[float]]]:
    """Seconds and processor time of an epoch on ``count`` members, by number of shards.

    The least of several rounds, of either; with the checkpoint that ends it.
    """
    from ldviz.study.build.autoencoder import train_autoencoder
    from ldviz.study.build.denoiser import train_denoiser
    from ldviz.study.build.images import ModelImages, load_split
    from ldviz.study.build.latents import LatentRows
    from ldviz.study.build.processes import start_processes
    from ldviz.study.recipe import load_recipe

    processes, own = start_processes("cpu"), load_recipe("own")
    best: dict[str, dict[int, list[float]]] = {"autoencoder": {}, "denoiser": {}}
    with TemporaryDirectory() as scratch:
        split = load_split(load_recipe("photos").data, Path(scratch))
        members = np.flatnonzero(split.is_member)[:count]
        images = ModelImages(split.images, members, device=processes.device)
        generator = np.random.default_rng(0)
        noise = generator.standard_normal((len(members), 4, 8, 8), dtype=np.float32)
        latents = LatentRows(noise, device=processes.device)
        for number in range(rounds):
            for shards in ways:
                place = Path(scratch) / f"{number}-{shards}"
                place.mkdir()
                once = {"shards": shards, "epochs": 1}
                first, second = Clock(), Clock()
                train_autoencoder(
                    images,
                    own.autoencoder.model_copy(update=once),
                    checkpoint=place / "autoencoder.pt",
                    processes=processes,
                    progress=first,
                )
                train_denoiser(
                    latents,
                    own.denoiser.model_copy(update=once | {"decay_epochs": 0}),
                    own.selection,
                    evaluate=lambda denoiser: {"best_auc": 0.5},
                    checkpoint=place / "denoiser.pt",
                    processes=processes,
                    progress=second,
                )
                for name, clock in (("autoencoder", first), ("denoiser", second)):
                    past = best[name].get(shards, [float("inf")] * 2)
                    best[name][shards] = [min(p) for p in zip(past, clock.epoch(), strict=True)]
    return best


def shards(count: int, rounds: int) -> bool:
    """What cutting batches costs a single process."""
    for name, found in epochs(count, [1, 2, 4, 8], rounds).items():
        for pieces, (seconds, busy) in found.items():
            print(
                f"{name}, {count} members, {pieces} pieces: {seconds:.2f} s "
                f"({seconds / found[1][0]:.2f} x), processor {busy:.2f} s "
                f"({busy / found[1][1]:.2f} x)"
            )
    return True


def processes(count: int, rounds: int, pieces: int) -> bool:
    """What a second process of one thread brings, where batches are cut."""
    code = (
        "import json, sys; from benchmarks import training; "
        "print(json.dumps(training.epochs(*json.loads(sys.argv[1]))))"
    )
    arguments = json.dumps([count, [pieces], rounds])
    found = {}
    for number in (1, 2):
        command = [sys.executable, "-c", code, arguments]
        running = [
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            for environment in environments(number, threads=1)
        ]
        told = [process.communicate()[0] for process in running]
        found[number] = json.loads(told[0].splitlines()[-1])
    for name in ("autoencoder", "denoiser"):
        one, two = (found[number][name][str(pieces)] for number in (1, 2))
        print(
            f"{name}, {count} members, {pieces} pieces: one process {one[0]:.2f} s, "
            f"two {two[0]:.2f} s ({one[0] / two[0]:.2f} x); processor time of each "
            f"{one[1]:.2f} s, {two[1]:.2f} s ({one[1] / two[1]:.2f} x)"
        )
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["memory", "shards", "processes"])
    parser.add_argument("--samples", type=int, nargs=2, default=(2_000, 20_000))
    parser.add_argument("--members", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pieces", type=int, default=2, help="Shards, with two processes.")
    options = parser.parse_args()
    good = {
        "memory": lambda: memory(list(options.samples)),
        "shards": lambda: shards(options.members, options.rounds),
        "processes": lambda: processes(options.members, options.rounds, options.pieces),
    }[options.what]()
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
