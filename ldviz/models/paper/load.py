"""The checkpoints ``vae_last.pt`` and ``unet_last.pt``; widths are read off the tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ldviz.errors import ModelError
from ldviz.models.paper.autoencoder import PaperAutoencoder, autoencoder_sizes
from ldviz.models.paper.denoiser import (
    BETA_END,
    BETA_START,
    NUM_TRAIN_TIMESTEPS,
    PaperDenoiser,
    denoiser_sizes,
)
from ldviz.models.state_dict import load_state_dict


def load_paper_autoencoder(path: Path) -> PaperAutoencoder:
    """The autoencoder of a ``vae_last.pt``; raises ModelError if it is not one."""
    return _load(path, "autoencoder", PaperAutoencoder, autoencoder_sizes)


def load_paper_denoiser(path: Path) -> PaperDenoiser:
    """The denoiser of a ``unet_last.pt``; raises ModelError if it is not one."""
    return _load(path, "denoiser", PaperDenoiser, denoiser_sizes)


def paper_scheduler() -> Any:
    """The schedule that the checkpoints do not hold: 1,000 steps, betas from 1e-4 to 2e-2."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=NUM_TRAIN_TIMESTEPS,
        beta_start=BETA_START,
        beta_end=BETA_END,
        beta_schedule="linear",
        clip_sample=False,
        prediction_type="epsilon",
    )


def _load(
    path: Path,
    what: str,
    build: Callable[..., nn.Module],
    read_sizes: Callable[[dict[str, Tensor]], dict[str, Any]],
) -> Any:
    weights = load_state_dict(path)
    try:
        with torch.device("meta"):
            model = build(**read_sizes(weights))
        model.load_state_dict(weights, strict=True, assign=True)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        reason = f"no tensor {error}" if isinstance(error, KeyError) else _short(error)
        raise ModelError(
            f'"{path.name}" is not a checkpoint of the paper\'s {what}: {reason}. '
            "Its layout is in docs/models.md."
        ) from error
    return model


def _short(error: Exception) -> str:
    """The message of load_state_dict, cut to its first complaint."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300].rstrip(".")
