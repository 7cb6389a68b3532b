"""Models from disk, in diffusers' own folder layout: vae/, unet/, scheduler/."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from ldviz.errors import ModelError
from ldviz.models.device import pick_device
from ldviz.models.latent_diffusion import LatentDiffusionModel


def load_model(
    folder: str | Path, *, image_shape: tuple[int, int, int], device: str | None = None
) -> LatentDiffusionModel:
    """A latent diffusion model from a folder that diffusers can read.

    Args:
        folder: holds ``vae/`` and, for attacks, ``unet/`` and ``scheduler/``, each with
            its config and safetensors weights.
        image_shape: (c, H, W) of the images that it is to see.
        device: "cpu", "cuda", "mps" ...; None picks the best there is.

    Raises:
        ModelError: if a part is missing or cannot be read.
    """
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DModel

    folder = Path(folder)
    if not (folder / "vae" / "config.json").is_file():
        raise ModelError(
            f'No autoencoder in "{folder}": expected {folder.name}/vae/config.json. '
            "Point to a folder that holds vae/, unet/ and scheduler/."
        )
    has_denoiser = (folder / "unet" / "config.json").is_file()
    options = {"local_files_only": True, "use_safetensors": True, "torch_dtype": torch.float32}
    try:
        autoencoder = AutoencoderKL.from_pretrained(folder / "vae", **options)
        denoiser = UNet2DModel.from_pretrained(folder / "unet", **options) if has_denoiser else None
        scheduler = DDIMScheduler.from_pretrained(folder / "scheduler") if has_denoiser else None
    except (OSError, ValueError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise ModelError(f'The model in "{folder}" cannot be read: {error}') from error
    return LatentDiffusionModel(
        autoencoder,
        denoiser,
        scheduler,
        image_shape=image_shape,
        device=pick_device(device),
    )
