"""Which model, from where, and how it is run.  Imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Precision = Literal["float32", "float16", "bfloat16"]
Conditioning = Literal["own", "empty"]


class ModelSettings(BaseModel):
    """A model of one's own: a folder, a file or a hub id, and what overrides its parts.

    Attributes:
        source: a pipeline's folder or hub id, or an autoencoder's; or ``vae_last.pt``.
        denoiser: where the denoiser comes from, if not from ``source``.
        scheduler: where the noise schedule comes from, if not from beside the denoiser.
        revision: branch, tag or commit of hub ids.
        variant: of the weights' files, such as "fp16"; None takes the plain ones, else the
            only variant that there is.
        precision: what the weights are computed in, whatever they are stored in.
        conditioning: "own" gives the denoiser each sample's caption or class; "empty" the
            empty caption or the class that stands for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1)
    denoiser: str | None = None
    scheduler: str | None = None
    revision: str | None = None
    variant: str | None = None
    precision: Precision = "float32"
    conditioning: Conditioning = "own"
