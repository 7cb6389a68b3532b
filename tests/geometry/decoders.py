"""Decoders whose geometry is known, shared by the tests of this room."""

from __future__ import annotations

import math
import warnings

import torch


def linear_decoder(spectrum, latent_shape, image_shape, seed=0):
    """A decoder x = A z with the singular values ``spectrum``, and A."""
    generator = torch.Generator().manual_seed(seed)
    d, m = math.prod(latent_shape), math.prod(image_shape)
    rank = len(spectrum)
    left = torch.linalg.qr(torch.randn(m, rank, generator=generator, dtype=torch.float64))[0]
    right = torch.linalg.qr(torch.randn(d, rank, generator=generator, dtype=torch.float64))[0]
    matrix = (left * torch.as_tensor(spectrum, dtype=torch.float64)) @ right.T

    def decoder(latents):
        flat = latents.flatten(1) @ matrix.T.to(latents.dtype)
        return flat.reshape(len(latents), *image_shape)

    return decoder, matrix


def latents_of(n, shape, dtype=torch.float64, seed=1):
    """n standard normal latents, the same for every caller."""
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


class AutoencoderDecoder:
    """A small diffusers decoder with random weights, latents (4, 4, 4), in float64.

    Calling it decodes; ``model`` is the network.
    """

    def __init__(self, attention: bool, image_channels: int = 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from diffusers import AutoencoderKL
        torch.manual_seed(0)
        self.model = AutoencoderKL(
            in_channels=image_channels,
            out_channels=image_channels,
            latent_channels=4,
            block_out_channels=(8, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            norm_num_groups=4,
            mid_block_add_attention=attention,
        )
        self.model.double().eval().requires_grad_(False)

    def __call__(self, latents):
        return self.model.decode(latents / 0.5 + 0.1).sample
