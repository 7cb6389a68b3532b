"""The identity of a model that has no files: what it computes."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from ldviz.models.protocol import LatentModel
from ldviz.randomness import keyed_normal

_TIMESTEPS = 3


@torch.no_grad()
def model_fingerprint(model: LatentModel) -> str:
    """SHA-256 over a model's images and noise for one fixed latent, rounded to 4 digits.

    Objects that compute the same have the same fingerprint; weights that differ in what
    does not show there do not change it, so a ``digest`` of one's own is better.

    Cost: one decoder pass, and three denoiser passes without conditioning where there are
    timesteps.
    """
    shape = tuple(model.latent_shape)
    draw = keyed_normal("fingerprint", 0, np.zeros(1, dtype=np.int64), 0, shape)
    latent = torch.from_numpy(draw).to(model.device)
    digest = hashlib.sha256(repr((shape, tuple(model.image_shape))).encode())
    outputs = [model.decode(latent)]
    for timestep in np.linspace(0, model.num_train_timesteps - 1, _TIMESTEPS).astype(int):
        if timestep >= 0:
            outputs.append(model.predict_noise(latent, int(timestep)))
    for output in outputs:
        rounded = np.round(output.detach().float().cpu().numpy(), 4) + 0.0
        digest.update(np.ascontiguousarray(rounded).tobytes())
    digest.update(model.alphas_cumprod.double().cpu().numpy().tobytes())
    return digest.hexdigest()
