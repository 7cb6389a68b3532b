"""Autoencoder, denoiser and noise schedule: load, encode, decode, predict noise.

The sole owner of the scaling factor: every latent outside this room is scaled.
"""

from ldviz.models.latent_diffusion import LatentDiffusionModel
from ldviz.models.load import load_model, pick_device
from ldviz.models.protocol import LatentModel

__all__ = ["LatentDiffusionModel", "LatentModel", "load_model", "pick_device"]
