"""Memory of an analysis against the number of samples, kills, and what a second process brings.

    python -m benchmarks.large memory       # 10,000 and 100,000 latents: minutes
    python -m benchmarks.large processes    # one process, one of two threads, two processes
    python -m benchmarks.large kills        # twenty times kill -9 at random moments

Models are small and untrained, of the real architectures where time matters: what is measured
does not depend on what they have learned.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

MEMORY_LIMIT = 1.2
SPEED_LIMITS = {"one process of one thread": 1.6, "one process of two threads": 1.2}


def analyse_random(folder: Path, count: int) -> None:
    """An analysis of ``count`` images that lie on disk: d = 16, one timestep, two probes."""
    import torch

    from ldviz.data.images import ImageSet
    from ldviz.data.pixel_file import PixelFile
    from ldviz.study.build.analyze import analyze_own
    from ldviz.study.build.images import SplitImages
    from ldviz.study.recipe import AnalysisSettings, DataSettings, Recipe

    class Small:
        image_shape, latent_shape, num_train_timesteps = (1, 16, 16), (1, 4, 4), 100
        device = torch.device("cpu")

        def __init__(self) -> None:
            generator = torch.Generator().manual_seed(0)
            self.to_latent = torch.randn(256, 16, generator=generator) / 16
            self.to_image = torch.randn(16, 256, generator=generator) / 4
            self.alphas_cumprod = torch.linspace(0.99, 0.01, 100, dtype=torch.float64)

        def encode(self, images):
            return (images.flatten(1) @ self.to_latent).reshape(-1, 1, 4, 4)

        def decode(self, latents):
            return torch.tanh(latents.flatten(1) @ self.to_image).reshape(-1, 1, 16, 16)

        def predict_noise(self, noisy_latents, timesteps, conditioning=None):
            return torch.sin(noisy_latents)

    pixels = folder / "pixels.bin"
    generator = np.random.default_rng(0)
    with pixels.open("wb") as file:
        for start in range(0, count, 1000):
            block = (min(1000, count - start), 16, 16, 1)
            file.write(generator.integers(0, 256, block, dtype=np.uint8).tobytes())
    images = ImageSet(PixelFile(pixels, (count, 16, 16, 1)), np.arange(count, dtype=np.int64))
    recipe = Recipe(
        name="large",
        title="Large",
        description="For the benchmark.",
        data=DataSettings(place="random", image_size=16),
        analysis=AnalysisSettings(timesteps=(50,), rank=8, num_probes=2),
    )
    split = SplitImages(images, np.arange(count) % 2 == 0)
    analyze_own(recipe, folder / "study", model=Small(), split=split, device="cpu")


def peak_kilobytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory(counts: tuple[int, int]) -> bool:
    """Peak memory of both, each in a process of its own."""
    peaks = []
    for count in counts:
        with TemporaryDirectory() as folder:
            start = time.perf_counter()
            code = (
                "import sys, pathlib; from benchmarks import large; "
                "large.analyse_random(pathlib.Path(sys.argv[1]), int(sys.argv[2])); "
                "print(large.peak_kilobytes())"
            )
            command = [sys.executable, "-c", code, folder, str(count)]
            peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            peaks.append(peak)
            seconds = time.perf_counter() - start
            print(f"{count:>7,} samples: peak {peak / 1024:,.0f} MB, {seconds:.0f} s", flush=True)
    ratio = peaks[1] / peaks[0]
    print(f"ratio {ratio:.3f}, at most {MEMORY_LIMIT}")
    return ratio <= MEMORY_LIMIT


def trained_folder(folder: Path, num_images: int) -> Path:
    """What ``train`` leaves, after an epoch of each model."""
    recipe = folder / "bench.toml"
    recipe.write_text(
        f"""
        name = "bench"
        title = "Digits"
        description = "For the benchmark."
        data = {{ source = "digits", image_size = 16, num_images = {num_images} }}
        autoencoder = {{ block_out_channels = [16, 32, 32], epochs = 1 }}
        denoiser = {{ block_out_channels = [32, 64], epochs = 1 }}
        selection = {{ timesteps = [50] }}
        analysis = {{ timesteps = [0, 50, 100], num_probes = 4, block_size = 16 }}
        """
    )
    run(["train", str(recipe), "--out", str(folder / "bench")])
    return folder / "bench"


def environments(count: int, threads: int) -> list[dict[str, str]]:
    """What accelerate launch and torchrun tell each of so many processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = os.environ | {"OMP_NUM_THREADS": str(threads)}
    if count == 1:
        return [common]
    common |= {
        **{"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
    }
    return [common | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


def run(arguments: list[str], *, count: int = 1, threads: int = 1, wait: bool = True):
    """The command line in one process or several that know of each other."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "ldviz", *arguments, "--device", "cpu"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if wait else subprocess.DEVNULL,
            text=True,
        )
        for environment in environments(count, threads)
    ]
    for process in processes if wait else ():
        errors = process.communicate()[1]
        if process.returncode:
            raise SystemExit(f"ldviz {' '.join(arguments)} failed: {errors[-2000:]}")
    return processes


def seconds_of(folder: Path) -> float:
    """Of the analysis itself, without the start of Python."""
    return json.loads((folder / "manifest.json").read_text())["made_by"]["analyze_seconds"]


def contents(folder: Path) -> dict[str, bytes]:
    """Every array of a study."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "arrays").rglob("*"))
        if path.is_file()
    }


def clean(folder: Path) -> None:
    shutil.rmtree(folder / "arrays", ignore_errors=True)
    (folder / "manifest.json").unlink(missing_ok=True)


def processes(num_images: int) -> bool:
    """Seconds of the same analysis, best of two, by three ways of using two cores."""
    ways = {
        "two processes of one thread": (2, 1),
        "one process of one thread": (1, 1),
        "one process of two threads": (1, 2),
    }
    best: dict[str, float] = {}
    arrays: dict[str, dict[str, bytes]] = {}
    with TemporaryDirectory() as scratch:
        folder = trained_folder(Path(scratch), num_images)
        for _ in range(2):
            for way, (count, threads) in ways.items():
                clean(folder)
                run(["analyze", str(folder)], count=count, threads=threads)
                best[way] = min(best.get(way, float("inf")), seconds_of(folder))
                arrays[way] = contents(folder)
    two = best.pop("two processes of one thread")
    same = arrays["two processes of one thread"] == arrays["one process of one thread"]
    print(f"two processes of one thread: {two:.1f} s; same arrays as one: {same}")
    good = same
    for way, seconds in best.items():
        print(f"{way}: {seconds:.1f} s, {seconds / two:.2f} x, at least {SPEED_LIMITS[way]}")
        good &= seconds / two >= SPEED_LIMITS[way]
    return good


def kills(number: int, num_images: int) -> bool:
    """kill -9 once a random number of files is there, and a moment later; then a restart."""
    generator = random.Random(0)
    with TemporaryDirectory() as scratch:
        folder = trained_folder(Path(scratch), num_images)
        run(["analyze", str(folder)])
        wanted = contents(folder)
        for kill in range(number):
            clean(folder)
            count = 1 + kill % 2
            files, moment = generator.randrange(1, len(wanted) - 2), generator.uniform(0, 0.05)
            running = run(["analyze", str(folder)], count=count, wait=False)
            while len(list(folder.glob("arrays/*/[0-9]*"))) < files:
                time.sleep(0.002)
            time.sleep(moment)
            for process in running:
                process.send_signal(signal.SIGKILL)
                process.wait()
            before = contents(folder)
            left = {name for name in before if name.endswith(".partial")}
            whole = all(wanted[name] == before[name] for name in before.keys() - left)
            run(["analyze", str(folder)])
            same = contents(folder) == wanted
            print(
                f"kill {kill + 1:>2} of {count} process(es) at {len(before) - len(left):>3} of "
                f"{len(wanted)} files, {len(left)} half written: finished blocks whole: {whole}, "
                f"same store after a restart: {same}",
                flush=True,
            )
            if not (whole and same):
                return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["memory", "processes", "kills"])
    parser.add_argument("--samples", type=int, nargs=2, default=(10_000, 100_000))
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    good = {
        "memory": lambda: memory(tuple(options.samples)),
        "processes": lambda: processes(options.images),
        "kills": lambda: kills(options.kills, options.images),
    }[options.what]()
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
