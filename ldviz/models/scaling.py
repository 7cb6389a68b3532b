"""From an autoencoder's means to the latents that the denoiser sees, and back.

Imports torch only to compute.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ldviz.errors import ModelError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class LatentScaling:
    """z = s (mean - shift), or by channel z = s (mean - latents_mean) / latents_std.

    A latents_mean without a latents_std, or the reverse, is kept and not used, as in
    diffusers' pipelines.

    Attributes:
        factor, shift: s and shift.
        latents_mean, latents_std: (C,) numbers as the config gives them, in units of the
            encoder's mean; None where it does not.

    Source: diffusers 0.42, StableDiffusionXLPipeline (decoding) and
    StableDiffusionXLImg2ImgPipeline.prepare_latents (encoding).
    """

    factor: float = 1.0
    shift: float = 0.0
    latents_mean: tuple[float, ...] | None = None
    latents_std: tuple[float, ...] | None = None

    @property
    def is_by_channel(self) -> bool:
        """Whether every channel has a mean and a standard deviation of its own."""
        return self.latents_mean is not None and self.latents_std is not None

    def to_latents(self, means: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) encoder's means to scaled latents."""
        if not self.is_by_channel:
            return (means - self.shift) * self.factor
        mean, std = self._channels(means)
        return (means - mean) * self.factor / std

    def to_means(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) scaled latents to what the decoder takes; differentiable."""
        if not self.is_by_channel:
            return latents / self.factor + self.shift
        mean, std = self._channels(latents)
        return latents * std / self.factor + mean

    def _channels(self, like: torch.Tensor) -> list[torch.Tensor]:
        """Means and standard deviations, shaped to meet latents."""
        import torch

        return [
            torch.tensor(values, dtype=like.dtype, device=like.device).reshape(-1, 1, 1)
            for values in (self.latents_mean, self.latents_std)
        ]


def latent_scaling(config: Mapping[str, Any]) -> LatentScaling:
    """What an autoencoder's config says of its latents' scale.

    Args:
        config: with ``scaling_factor``, and perhaps ``shift_factor``, ``latents_mean`` and
            ``latents_std``, which are checked against ``latent_channels``.

    Raises:
        ModelError: if there are not as many means or standard deviations as channels, if one
            is not a number or a scale is 0, or if a shift is given as well.
    """
    factor = config.get("scaling_factor", 1.0)
    if not isinstance(factor, int | float) or not math.isfinite(factor) or factor == 0:
        raise ModelError(
            f"The autoencoder's config has {factor!r} as `scaling_factor`; expected a number "
            "other than 0."
        )
    shift = float(config.get("shift_factor") or 0.0)
    mean = _by_channel(config, "latents_mean")
    std = _by_channel(config, "latents_std")
    if std is not None and min(std) <= 0.0:
        raise ModelError(
            f"The autoencoder's config has a standard deviation of {min(std):g} in `latents_std` "
            f"(channel {std.index(min(std))}); latents are divided by it, so it must be above 0. "
            "Correct the config, or set `latents_mean` and `latents_std` to null."
        )
    if mean is not None and std is not None and shift:
        raise ModelError(
            f"The autoencoder's config has both a `shift_factor` ({shift:g}) and `latents_mean` "
            "with `latents_std`: which of them the denoiser was trained with cannot be told. "
            "Set the other to null."
        )
    return LatentScaling(float(factor), shift, mean, std)


def _by_channel(config: Mapping[str, Any], name: str) -> tuple[float, ...] | None:
    """One finite number a channel, or None."""
    values = config.get(name)
    if values is None:
        return None
    numbers = isinstance(values, list | tuple) and all(
        isinstance(value, int | float) and math.isfinite(value) for value in values
    )
    if not numbers:
        raise ModelError(
            f"The autoencoder's config has {values!r} as `{name}`; expected a list of one finite "
            "number per latent channel, or null."
        )
    channels = config.get("latent_channels")
    if not values or (isinstance(channels, int) and len(values) != channels):
        raise ModelError(
            f"The autoencoder's config has {len(values)} numbers in `{name}` for {channels} latent "
            "channels; expected one per channel. Correct the config, or set it to null."
        )
    return tuple(float(value) for value in values)
