"""Decoders whose geometry is known, shared by the tests of this room."""

from __future__ import annotations

import math

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
