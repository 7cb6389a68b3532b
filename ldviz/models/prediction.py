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
        alphas_cumprod: (n,) or scalar, at the sample's timestep, in float64 on the CPU: its
            roots are taken there, since 1 - alpha loses digits in float32.
        prediction_type: one of PREDICTION_TYPES.

    Returns:
        (n, C, h, w) in units of the noise.

    Raises:
        ModelError: for an unknown prediction type.
    """
    check_prediction_type(prediction_type)
    if prediction_type == "epsilon":
        return output
    roots = (alphas_cumprod.sqrt(), (1.0 - alphas_cumprod).sqrt())
    signal, noise = (
        root.to(dtype=output.dtype).to(output.device).reshape(-1, 1, 1, 1) for root in roots
    )
    if prediction_type == "v_prediction":
        return signal * output + noise * noisy_latents
    return (noisy_latents - signal * output) / noise


def check_prediction_type(prediction_type: str) -> None:
    """Raise ModelError unless the type is one of PREDICTION_TYPES."""
    if prediction_type not in PREDICTION_TYPES:
        raise ModelError(
            f'The scheduler\'s prediction type is "{prediction_type}"; '
            f"ldviz reads {', '.join(PREDICTION_TYPES)}."
        )
