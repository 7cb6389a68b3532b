"""A small analysis that takes a moment: a smooth model by the protocol, on 60 digits."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import torch
from accelerate.state import AcceleratorState, PartialState

from ldviz.study.build.analyze import analyze_own
from ldviz.study.recipe import AnalysisSettings, DataSettings, Recipe
from ldviz.study.store import Study

COUNT, BLOCK = 60, 8
RECIPE = Recipe(
    name="small",
    title="A small study",
    description="Made for the tests.",
    data=DataSettings(source="digits", image_size=8, num_images=COUNT),
    analysis=AnalysisSettings(timesteps=(0, 50), rank=2, num_probes=2, block_size=BLOCK),
)


class Smooth:
    """A decoder and a denoiser of one hidden layer each, with fixed random weights."""

    image_shape = (1, 8, 8)
    latent_shape = (1, 2, 2)
    num_train_timesteps = 100
    device = torch.device("cpu")

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.to_latent = torch.randn(64, 4, generator=generator) / 8
        self.hidden = torch.randn(4, 24, generator=generator)
        self.to_image = torch.randn(24, 64, generator=generator) / 5
        self.alphas_cumprod = torch.linspace(0.99, 0.01, 100, dtype=torch.float64)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return (images.flatten(1) @ self.to_latent).reshape(-1, 1, 2, 2)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        flat = torch.tanh(latents.flatten(1) @ self.hidden) @ self.to_image
        return flat.reshape(-1, 1, 8, 8)

    def predict_noise(self, noisy_latents, timesteps, conditioning=None) -> torch.Tensor:
        return torch.sin(noisy_latents * 2.0)


def analyse(folder: Path, **options) -> Study:
    """The whole analysis; a second call continues what is in the folder."""
    return analyze_own(RECIPE, folder, model=Smooth(), device="cpu", **options)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a study but for what tells the time of its making."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if path.name != "manifest.json"
    }


def in_processes(work: Callable[[], None], count: int = 1) -> list[int]:
    """Run something in new processes that know of each other; their exit codes.

    Forked, so that nothing has to be imported again; a killed one has its signal, negative.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = get_context("fork")
    children = [
        context.Process(target=_child, args=(work, rank, count, port)) for rank in range(count)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=300)
    return [child.exitcode for child in children]


def _child(work: Callable[[], None], rank: int, count: int, port: int) -> None:
    AcceleratorState._reset_state(reset_partial_state=True)
    if count > 1:
        os.environ |= {
            **{"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"},
            **{"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)},
            "MASTER_PORT": str(port),
        }
    try:
        work()
        PartialState().destroy_process_group()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
