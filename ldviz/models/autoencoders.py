"""What the autoencoders that ldviz reads have in common: unscaled latents and back.

==========================  ======================================  =====================
class                       latent of an image                      decoder
==========================  ======================================  =====================
``AutoencoderKL``           the encoder's mean                      as it is
``AsymmetricAutoencoderKL`` the encoder's mean                      without image or mask
``AutoencoderTiny``         the encoder's output, not rounded       as it is
``VQModel``                 the encoder's output, not quantised     without quantisation
``PaperAutoencoder``        the encoder's mean                      as it is
==========================  ======================================  =====================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ldviz.errors import ModelError
from ldviz.models.scaling import latent_scaling

DIFFUSERS_AUTOENCODERS = (
    "AutoencoderKL",
    "AsymmetricAutoencoderKL",
    "AutoencoderTiny",
    "VQModel",
)
_DOWN_BLOCKS = {
    "AsymmetricAutoencoderKL": "down_block_out_channels",
    "AutoencoderTiny": "encoder_block_out_channels",
}


class Autoencoder:
    """An autoencoder's unscaled latents, whatever its class.

    Weights are frozen and in evaluation mode.  What is computed in half precision comes
    back in single.

    Args:
        module: one of the classes in the table above.
        dtype: what the weights are computed in.
        device: where.

    Attributes:
        class_name: of the module.
        downscale: side of an image over the side of its latent.
        latent_channels, image_channels: C and c.
        scaling: from unscaled latents to those that the denoiser sees, by its config.

    Raises:
        ModelError: for a class that is not in the table, or a config's scale that makes no
            sense.
    """

    def __init__(
        self, module: Any, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> None:
        self.class_name = type(module).__name__
        if self.class_name not in (*DIFFUSERS_AUTOENCODERS, "PaperAutoencoder"):
            raise ModelError(
                f"The autoencoder is a {self.class_name}; ldviz reads "
                f"{', '.join(DIFFUSERS_AUTOENCODERS)} and the paper's own."
            )
        self.module = frozen(module, device, dtype)
        config = module.config
        blocks = getattr(config, _DOWN_BLOCKS.get(self.class_name, "block_out_channels"))
        self.downscale = 2 ** (len(blocks) - 1)
        self.image_channels = int(config.in_channels)
        self.latent_channels = int(getattr(config, "vq_embed_dim", None) or config.latent_channels)
        self.scaling = latent_scaling(config if isinstance(config, Mapping) else vars(config))

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.module.parameters()).dtype

    def means(self, images: torch.Tensor) -> torch.Tensor:
        """(n, c, H, W) images in [-1, 1] to (n, C, h, w) unscaled latents."""
        encoded = self.module.encode(images.to(self._dtype))
        if hasattr(encoded, "latent_dist"):
            return encoded.latent_dist.mode().to(images.dtype)
        return (encoded if torch.is_tensor(encoded) else encoded.latents).to(images.dtype)

    def images(self, means: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) unscaled latents to (n, c, H, W) images; differentiable."""
        options = {"force_not_quantize": True} if self.class_name == "VQModel" else {}
        decoded = self.module.decode(means.to(self._dtype), return_dict=False, **options)[0]
        return decoded.to(means.dtype)

    def latent_shape(self, image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """(C, h, w) of the latents of (c, H, W) images.

        Raises:
            ModelError: if the images have another number of channels, or a size that the
                encoder does not divide.
        """
        channels, height, width = image_shape
        if channels != self.image_channels:
            kinds = {1: "grey", 3: "colour"}
            raise ModelError(
                f"The autoencoder takes {kinds.get(self.image_channels, 'other')} images with "
                f"{self.image_channels} channels, these have {channels}. "
                "Convert the images, or choose another model."
            )
        if height % self.downscale or width % self.downscale:
            raise ModelError(
                f"The autoencoder shrinks images {self.downscale}-fold, which {height} x {width} "
                f"pixels are not a multiple of. Resize the images to a multiple of "
                f"{self.downscale}."
            )
        return self.latent_channels, height // self.downscale, width // self.downscale


def frozen(module: Any, device: torch.device | str, dtype: torch.dtype) -> Any:
    """The module on a device and in a precision, in evaluation mode and without gradients."""
    module = module.to(device)
    if any(weights.dtype != dtype for weights in module.parameters()):
        module = module.to(dtype)
    return module.eval().requires_grad_(False)
