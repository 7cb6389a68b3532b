"""The paper's attention-free U-Net.

Written from the layout of its checkpoints; the names of the submodules are theirs.
"""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional

from ldviz.models.paper.autoencoder import convolution, group_norm

BLOCKS_PER_LEVEL = 2
MAX_PERIOD = 10_000
NUM_TRAIN_TIMESTEPS = 1_000
BETA_START, BETA_END = 1e-4, 2e-2


def timestep_embedding(timesteps: Tensor, width: int) -> Tensor:
    """(n,) timesteps to (n, width): cosines, then sines, of falling frequencies.

    Source: Ho, Jain and Abbeel 2020 (arXiv:2006.11239) after Vaswani et al. 2017.
    """
    half = width // 2
    exponents = torch.arange(half, device=timesteps.device, dtype=torch.float32) / half
    angles = timesteps[:, None].float() * torch.exp(-math.log(MAX_PERIOD) * exponents)
    embedding = torch.cat([angles.cos(), angles.sin()], dim=1)
    return functional.pad(embedding, (0, width - 2 * half))


class TimedResidual(nn.Module):
    """Two convolutions with the timestep added between them, plus the input."""

    def __init__(self, inputs: int, outputs: int, time_width: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(group_norm(inputs), nn.SiLU(), convolution(inputs, outputs))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time_width, outputs))
        self.out_layers = nn.Sequential(
            group_norm(outputs), nn.SiLU(), nn.Identity(), convolution(outputs, outputs)
        )
        same = inputs == outputs
        self.skip = nn.Identity() if same else nn.Conv2d(inputs, outputs, kernel_size=1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        hidden = self.in_layers(x) + self.emb_layers(time)[:, :, None, None]
        return self.skip(x) + self.out_layers(hidden)


class Halve(nn.Module):
    """Half the side, by a strided convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = convolution(channels, channels, stride=2)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.op(x)


class Double(nn.Module):
    """Twice the side, by repetition and a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = convolution(channels, channels)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.conv(functional.interpolate(x, scale_factor=2, mode="nearest"))


class _First(nn.Conv2d):
    """The first convolution, which takes no notice of the timestep."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=3, padding=1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return super().forward(x)


def _in_turn(layers: nn.ModuleList, x: Tensor, time: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x, time)
    return x


class PaperDenoiser(nn.Module):
    """Noise in latents, at a timestep.

    Args:
        latent_channels: C of the latents.
        width: channels of the first level.
        multipliers: channels of each level, in widths.

    Source: arXiv:2511.20592, its code's ``UNetCompVis``, a U-Net as in Dhariwal and Nichol
    2021 (arXiv:2105.05233) without attention.
    """

    def __init__(self, latent_channels: int, width: int, multipliers: tuple[int, ...]) -> None:
        super().__init__()
        time_width = 4 * width
        widths = [width * factor for factor in multipliers]
        self.time_embed = nn.Sequential(
            nn.Linear(width, time_width), nn.SiLU(), nn.Linear(time_width, time_width)
        )
        down: list[list[nn.Module]] = [[_First(latent_channels, width)]]
        skips, present = [width], width
        for level, channels in enumerate(widths):
            for _ in range(BLOCKS_PER_LEVEL):
                down.append([TimedResidual(present, channels, time_width)])
                present = channels
                skips.append(present)
            if level < len(widths) - 1:
                down.append([Halve(present)])
                skips.append(present)
        up: list[list[nn.Module]] = []
        middle = [TimedResidual(present, present, time_width) for _ in range(2)]
        for level in reversed(range(len(widths))):
            for block in range(BLOCKS_PER_LEVEL + 1):
                layers = [TimedResidual(present + skips.pop(), widths[level], time_width)]
                present = widths[level]
                if level and block == BLOCKS_PER_LEVEL:
                    layers.append(Double(present))
                up.append(layers)
        self.input_blocks = nn.ModuleList(nn.ModuleList(layers) for layers in down)
        self.middle_block = nn.ModuleList(middle)
        self.output_blocks = nn.ModuleList(nn.ModuleList(layers) for layers in up)
        self.out = nn.Sequential(
            group_norm(present), nn.SiLU(), convolution(present, latent_channels)
        )
        self.config = SimpleNamespace(
            in_channels=latent_channels,
            out_channels=latent_channels,
            downscale=2 ** (len(widths) - 1),
        )

    def forward(self, latents: Tensor, timesteps: Tensor) -> Tensor:
        """(n, C, h, w) noisy latents at (n,) timesteps to their noise, of the same shape."""
        embedded = timestep_embedding(timesteps, self.time_embed[0].in_features)
        time = self.time_embed(embedded.to(latents.dtype))
        kept, hidden = [], latents
        for layers in self.input_blocks:
            hidden = _in_turn(layers, hidden, time)
            kept.append(hidden)
        hidden = _in_turn(self.middle_block, hidden, time)
        for layers in self.output_blocks:
            hidden = _in_turn(layers, torch.cat([hidden, kept.pop()], dim=1), time)
        return self.out(hidden)


def denoiser_sizes(weights: dict[str, Tensor]) -> dict[str, int | tuple[int, ...]]:
    """Arguments of ``PaperDenoiser``, read off a checkpoint's tensors.

    Raises:
        KeyError: if a tensor that tells them is missing.
        ValueError: if one has another number of dimensions.
    """
    width, latent_channels, _, _ = weights["input_blocks.0.0.weight"].shape
    halvings = sorted(
        int(found[1])
        for found in (re.fullmatch(r"input_blocks\.(\d+)\.0\.op\.weight", key) for key in weights)
        if found
    )
    # The last block of a level stands before its halving; the last level has none.
    last = max(
        int(found[1])
        for found in (re.match(r"input_blocks\.(\d+)\.", key) for key in weights)
        if found
    )
    ends = [*(block - 1 for block in halvings), last]
    multipliers = tuple(
        len(weights[f"input_blocks.{end}.0.out_layers.3.bias"]) // width for end in ends
    )
    return {"latent_channels": latent_channels, "width": width, "multipliers": multipliers}
