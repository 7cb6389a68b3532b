"""The paper's convolutional autoencoder: f = 4, no attention, latents unscaled.

Written from the layout of its checkpoints; the names of the submodules are theirs.
"""

from __future__ import annotations

from math import gcd
from types import SimpleNamespace

from torch import Tensor, nn

MAX_GROUPS = 32


def group_norm(channels: int) -> nn.GroupNorm:
    """GroupNorm with as many of at most 32 groups as divide the channels."""
    return nn.GroupNorm(gcd(channels, MAX_GROUPS), channels)


def convolution(inputs: int, outputs: int, *, stride: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the size, or halves it at stride 2."""
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1)


class Residual(nn.Module):
    """x plus two convolutions of it; position 3, a dropout in training, does nothing here."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            group_norm(channels),
            nn.SiLU(),
            convolution(channels, channels),
            nn.Identity(),
            group_norm(channels),
            nn.SiLU(),
            convolution(channels, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


def _upsampling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


class PaperAutoencoder(nn.Module):
    """Images to latents a quarter of their side, and back.

    Args:
        image_channels: c of the images.
        latent_channels: C of the latents.
        width: channels at full size; twice as many at the latents' size.

    Source: arXiv:2511.20592, its code's ``VAE``.
    """

    def __init__(self, image_channels: int, latent_channels: int, width: int) -> None:
        super().__init__()
        wide = 2 * width
        self.enc = nn.Sequential(
            convolution(image_channels, width),
            Residual(width),
            convolution(width, width, stride=2),
            Residual(width),
            convolution(width, wide, stride=2),
            Residual(wide),
        )
        self.to_mu = nn.Conv2d(wide, latent_channels, kernel_size=1)
        self.to_logvar = nn.Conv2d(wide, latent_channels, kernel_size=1)
        self.dec_in = nn.Conv2d(latent_channels, wide, kernel_size=1)
        self.dec = nn.Sequential(
            Residual(wide),
            _upsampling(wide, width),
            Residual(width),
            _upsampling(width, width),
            Residual(width),
            group_norm(width),
            nn.SiLU(),
            convolution(width, image_channels),
        )
        self.config = SimpleNamespace(
            in_channels=image_channels,
            latent_channels=latent_channels,
            block_out_channels=(width, width, wide),
            scaling_factor=1.0,
            shift_factor=0.0,
        )

    def encode(self, images: Tensor) -> Tensor:
        """(n, c, H, W) images in [-1, 1] to the (n, C, H/4, W/4) means of their latents."""
        return self.to_mu(self.enc(images))

    def decode(self, latents: Tensor, return_dict: bool = False) -> tuple[Tensor]:
        """(n, C, h, w) latents to (n, c, 4h, 4w) images, as diffusers' autoencoders return them."""
        return (self.dec(self.dec_in(latents)),)


def autoencoder_sizes(weights: dict[str, Tensor]) -> dict[str, int]:
    """Arguments of ``PaperAutoencoder``, read off a checkpoint's tensors.

    Raises:
        KeyError: if a tensor that tells them is missing.
        ValueError: if one has another number of dimensions.
    """
    width, image_channels, _, _ = weights["enc.0.weight"].shape
    latent_channels, _, _, _ = weights["to_mu.weight"].shape
    return {
        "image_channels": image_channels,
        "latent_channels": latent_channels,
        "width": width,
    }
