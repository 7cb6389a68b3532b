"""What attacks and geometry need of a model: anything with these members will do."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch

from ldviz.errors import ModelError


@runtime_checkable
class LatentModel(Protocol):
    """A latent diffusion model, duck-typed; docs/models.md has an example.

    Attributes:
        latent_shape: (C, h, w) of the latents that the denoiser sees.
        image_shape: (c, H, W) of the images.
        num_train_timesteps: T; timesteps are 0 ... T - 1.
        alphas_cumprod: (T,) float64 on the CPU, the schedule's cumulative product.
        device: where the weights are; arguments must be there too.
    """

    latent_shape: tuple[int, int, int]
    image_shape: tuple[int, int, int]
    num_train_timesteps: int
    alphas_cumprod: torch.Tensor
    device: torch.device

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(n, c, H, W) images in [-1, 1] to (n, C, h, w) scaled latents (the encoder's mean)."""
        ...

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) scaled latents to (n, c, H, W) images; differentiable, not clipped."""
        ...

    def predict_noise(
        self,
        noisy_latents: torch.Tensor,
        timesteps: torch.Tensor | int,
        conditioning: Any = None,
    ) -> torch.Tensor:
        """The noise in (n, C, h, w) noisy latents at a timestep, or at (n,) of them.

        ``conditioning`` has one entry per latent (captions, class numbers), or is None.
        """
        ...


def check_model(model: Any) -> LatentModel:
    """The object itself, if it follows the protocol.

    Members that are optional: ``prepare_conditioning(values)``, called once per batch before
    its attacks; ``conditioning``, "text" or "class" where captions or classes are to be
    handed on; ``card``, a :class:`ldviz.models.card.ModelCard`.  An object that only has
    geometry has ``num_train_timesteps = 0`` and an empty ``alphas_cumprod``.

    Raises:
        ModelError: naming what is missing or of the wrong kind.
    """
    names = [name for name in _MEMBERS if not hasattr(model, name)]
    if names:
        raise ModelError(
            f"A {type(model).__name__} is no model for ldviz: it lacks {', '.join(names)}. "
            "docs/models.md describes the protocol."
        )
    for name in ("latent_shape", "image_shape"):
        shape = getattr(model, name)
        if len(shape) != 3 or not all(isinstance(size, int) and size > 0 for size in shape):
            raise ModelError(
                f"The model's `{name}` must be three positive whole numbers, got {shape!r}."
            )
    alphas = model.alphas_cumprod
    if not torch.is_tensor(alphas) or tuple(alphas.shape) != (model.num_train_timesteps,):
        raise ModelError(
            "The model's `alphas_cumprod` must be a tensor of `num_train_timesteps` = "
            f"{model.num_train_timesteps} values, got "
            f"{tuple(alphas.shape) if torch.is_tensor(alphas) else type(alphas).__name__}."
        )
    return model


_MEMBERS = (
    "latent_shape",
    "image_shape",
    "num_train_timesteps",
    "alphas_cumprod",
    "device",
    "encode",
    "decode",
    "predict_noise",
)
