"""What a denoiser predicts, converted to noise.

Source: Salimans and Ho 2022 (arXiv:2202.00512) for v; z_t = a z + b e throughout,
with a = sqrt(alphas_cumprod), b = sqrt(1 - alphas_cumprod).
"""

from __future__ import annotations

import torch

from ldviz.errors import ModelError

PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")


def to_noise(
    output: torch.Tensor,
    noisy_latents: torch.Tensor,
    alphas_cumprod: torch.Tensor,
    prediction_type: str,
) -> torch.Tensor:
    """Noise prediction from a denoiser's output of any of the three kinds.

    Args:
        output, noisy_latents: (n, C, h, w).
        alphas_cumprod: (n,) or scalar, at the sample's timestep, on the same device.
        prediction_type: one of PREDICTION_TYPES.

    Returns:
        (n, C, h, w) in units of the noise.

    Raises:
        ModelError: for an unknown prediction type.
    """
    if prediction_type == "epsilon":
        return output
    signal = alphas_cumprod.sqrt().to(output.dtype).reshape(-1, 1, 1, 1)
    noise = (1.0 - alphas_cumprod).sqrt().to(output.dtype).reshape(-1, 1, 1, 1)
    if prediction_type == "v_prediction":
        return signal * output + noise * noisy_latents
    if prediction_type == "sample":
        return (noisy_latents - signal * output) / noise
    raise ModelError(
        f'The scheduler\'s prediction type is "{prediction_type}"; '
        f"ldviz reads {', '.join(PREDICTION_TYPES)}."
    )
