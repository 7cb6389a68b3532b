"""What attacks and masks cost: ``python -m benchmarks.attacks``.

Prints the time of SimA over a study against the bare denoiser forward passes that
it needs, batch by batch in turn so that a busy machine slows both; and the time of
masks and statistics at 1,797 and 50,000 samples of 256 dimensions.
"""

from __future__ import annotations

import argparse
import statistics as averages
import time
from collections.abc import Callable

import numpy as np
import torch
from diffusers import UNet2DModel

from ldviz.attacks import get_attack
from ldviz.attacks.masks import NUM_RANDOM_DRAWS, drop_order, num_dropped
from ldviz.attacks.statistic import (
    draw_statistics,
    masked_statistics,
    powered,
    sweep_statistics,
)
from ldviz.study.build.vectors import DENOISER_BATCH, compute_vectors

LATENT_SHAPE = (4, 8, 8)
TIMESTEP = 100


class BenchmarkModel:
    """A denoiser with random weights, in the shape that attacks expect."""

    latent_shape = LATENT_SHAPE
    image_shape = (1, 32, 32)
    num_train_timesteps = 1000
    device = torch.device("cpu")

    def __init__(self, widths: tuple[int, int]) -> None:
        torch.manual_seed(0)
        self.alphas_cumprod = torch.cumprod(
            1 - torch.linspace(1e-4, 2e-2, 1000, dtype=torch.float64), 0
        )
        self.unet = UNet2DModel(
            sample_size=LATENT_SHAPE[-1],
            in_channels=LATENT_SHAPE[0],
            out_channels=LATENT_SHAPE[0],
            block_out_channels=widths,
            layers_per_block=2,
            norm_num_groups=8,
            down_block_types=("DownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "UpBlock2D"),
            add_attention=False,
        ).eval()

    def predict_noise(self, noisy_latents, timesteps, conditioning=None):
        """The network's output as it is."""
        return self.unet(noisy_latents, timesteps).sample


def sima_ratio(widths: tuple[int, int], num_samples: int, repeats: int) -> None:
    """Print SimA's time per study over that of the same forward passes alone."""
    model, sima = BenchmarkModel(widths), get_attack("sima")
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(num_samples, *LATENT_SHAPE, generator=generator)
    sample_ids = np.arange(num_samples)

    def attack(rows: slice) -> None:
        compute_vectors(model, latents[rows], sample_ids[rows], sima, TIMESTEP)

    def bare(rows: slice) -> None:
        with torch.no_grad():
            model.unet(latents[rows], TIMESTEP)

    blocks = [
        slice(first, first + DENOISER_BATCH) for first in range(0, num_samples, DENOISER_BATCH)
    ]
    attack(blocks[0]), bare(blocks[0])
    ratios, totals = [], []
    for repeat in range(repeats):
        seconds = {attack: 0.0, bare: 0.0}
        for rows in blocks:
            for run in (attack, bare) if repeat % 2 else (bare, attack):
                seconds[run] += _seconds(lambda run=run, rows=rows: run(rows))
        ratios.append(seconds[attack] / seconds[bare])
        totals.append(seconds[attack])
    print(
        f"SimA, {num_samples} samples, widths {widths[0]}-{widths[1]}, batch {DENOISER_BATCH}: "
        f"{averages.median(totals):.2f} s, {averages.median(ratios):.3f} x the bare forward passes "
        f"(median of {repeats}; {min(ratios):.3f} to {max(ratios):.3f})"
    )


def mask_timings(num_samples: int, repeats: int) -> None:
    """Print the time of each step from stored vectors to statistics."""
    rng = np.random.default_rng(0)
    latent_dim = int(np.prod(LATENT_SHAPE))
    vectors = rng.standard_normal((num_samples, latent_dim), dtype=np.float32).astype(np.float16)
    influence = rng.standard_normal((num_samples, latent_dim), dtype=np.float32)
    sample_ids = np.arange(num_samples)
    values = powered(vectors, 4.0)
    order = drop_order("influence", influence, sample_ids)
    draws = [
        drop_order("random", influence, sample_ids, draw=draw) for draw in range(NUM_RANDOM_DRAWS)
    ]
    everything = np.ones(latent_dim, dtype=bool)
    toggled = everything.copy()
    toggled[:64] = toggled[100:110] = False
    steps: dict[str, Callable[[], object]] = {
        "|S|^4 from float16": lambda: powered(vectors, 4.0),
        "influence order": lambda: drop_order("influence", influence, sample_ids),
        "random order, one draw": lambda: drop_order("random", influence, sample_ids),
    }
    for label, on in (("all on", everything), ("channel and cells off", toggled)):
        counts = np.array([num_dropped(step / 100, int(on.sum())) for step in range(96)])
        steps |= {
            f"one mask, {label}": lambda on=on, k=counts[40]: masked_statistics(
                values, order, on, int(k)
            ),
            f"{NUM_RANDOM_DRAWS} random masks, {label}": lambda on=on, k=counts[40]: (
                draw_statistics(values, draws, on, int(k))
            ),
            f"sweep of 96 fractions, {label}": lambda on=on, counts=counts: sweep_statistics(
                values, order, on, counts
            ),
        }
    print(f"Masks at {num_samples} x {latent_dim} (median of {repeats}):")
    for label, step in steps.items():
        step()
        median = averages.median(_seconds(step) for _ in range(repeats))
        print(f"  {label:42s} {1e3 * median:8.1f} ms")


def _seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1797, help="samples of the SimA study")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    for widths in ((48, 72), (64, 96)):
        sima_ratio(widths, arguments.samples, arguments.repeats)
    for num_samples in (1797, 50_000):
        mask_timings(num_samples, arguments.repeats)
