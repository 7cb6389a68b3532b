"""What a study says about its model.  Imports no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class ModelCard(BaseModel):
    """Facts about a model, none of them measured.

    Attributes:
        kind: what was recognised: a pipeline's class, an autoencoder's, "paper" ...
        autoencoder, denoiser, scheduler: class names; None where there is none.
        scaling_factor, shift_factor: s and shift of z = s (mean - shift).
        latents_mean, latents_std: one number a channel, as the autoencoder's config has them;
            with both, z = s (mean - latents_mean) / latents_std; one alone is not used.
        prediction_type: what the denoiser predicts; None without one.
        num_train_timesteps: T; 0 without a denoiser.
        zero_terminal_snr: whether nothing of the image is left at the last timestep.
        conditioning: what the denoiser is conditioned on.
        conditioning_used: each sample's own caption or class, or the empty one.
        num_text_encoders: that captions go through.
        empty_is_zero: whether zeros stand for the empty caption, in place of its embedding.
        autoencoder_parameters, denoiser_parameters: numbers of weights.
        stored_precision: of the weights' files; None where they do not say.
        precision: what is computed in.
        autoencoder_precision: the autoencoder's, where it is another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = "parts"
    autoencoder: str | None = None
    denoiser: str | None = None
    scheduler: str | None = None
    scaling_factor: float = 1.0
    shift_factor: float = 0.0
    latents_mean: tuple[float, ...] | None = None
    latents_std: tuple[float, ...] | None = None
    prediction_type: str | None = None
    num_train_timesteps: int = 0
    zero_terminal_snr: bool = False
    conditioning: Literal["text", "class"] | None = None
    conditioning_used: Literal["own", "empty"] | None = None
    num_text_encoders: int = 0
    empty_is_zero: bool = False
    autoencoder_parameters: int = 0
    denoiser_parameters: int = 0
    stored_precision: str | None = None
    precision: str = "float32"
    autoencoder_precision: str | None = None


def model_card(model: Any) -> ModelCard:
    """A model's own card, or what its protocol's attributes say of an object without one."""
    card = getattr(model, "card", None)
    if isinstance(card, ModelCard):
        return card
    alphas = model.alphas_cumprod
    return ModelCard(
        kind=f"{type(model).__name__} (Python object)",
        num_train_timesteps=int(model.num_train_timesteps),
        zero_terminal_snr=bool(len(alphas) and float(alphas[-1]) == 0.0),
        prediction_type="epsilon" if len(alphas) else None,
        conditioning=getattr(model, "conditioning", None),
    )
