"""Captions through two text encoders, with the images' size: Stable Diffusion XL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ldviz.errors import ModelError
from ldviz.models.autoencoders import frozen
from ldviz.models.conditioning import caption_tokens


@dataclass(frozen=True)
class TextPair:
    """What two text encoders make of n captions.

    Attributes:
        hidden_states: (n, length, w1 + w2), of both.
        pooled: (n, p), of the second.
    """

    hidden_states: torch.Tensor
    pooled: torch.Tensor

    def __len__(self) -> int:
        return len(self.hidden_states)


class TextPairConditioning:
    """Captions through two CLIP text encoders, as Stable Diffusion XL's pipelines put them.

    Captions are padded or cut to each tokenizer's longest; the last hidden states but one of
    both encoders are joined, and the second one's projection goes with them.  The denoiser is
    told the images' size as well: as their original and their target size, from (0, 0).

    Args:
        tokenizers: two ``CLIPTokenizer``, of the same longest caption.
        text_encoders: ``CLIPTextModel`` and ``CLIPTextModelWithProjection``.
        empty_is_zero: whether zeros stand for the empty caption where samples have none
            (the pipeline's ``force_zeros_for_empty_prompt``); a sample's own caption goes
            through the encoders even if it is empty.
        device: where the text encoders compute.
        dtype: in what.

    Raises:
        ModelError: if the tokenizers differ in length.

    Source: Podell et al. 2023 (arXiv:2307.01952), section 2.2, and diffusers 0.42,
    StableDiffusionXLPipeline.encode_prompt and ._get_add_time_ids.
    """

    kind = "text"
    num_text_encoders = 2

    def __init__(
        self,
        tokenizers: tuple[Any, Any],
        text_encoders: tuple[Any, Any],
        *,
        empty_is_zero: bool,
        device: torch.device | str,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        lengths = [tokenizer.model_max_length for tokenizer in tokenizers]
        if lengths[0] != lengths[1]:
            raise ModelError(
                f"The two tokenizers cut captions at {lengths[0]} and {lengths[1]} tokens, so "
                "their embeddings cannot be joined. Give `model_max_length` of their configs the "
                "same value."
            )
        self.empty_is_zero = empty_is_zero
        self._tokenizers = tokenizers
        self._encoders = tuple(frozen(encoder, device, dtype) for encoder in text_encoders)
        self._device = device
        self._empty: TextPair | None = None

    @torch.no_grad()
    def prepare(self, values: Sequence[str] | TextPair) -> TextPair:
        """(n,) captions to what the encoders make of them; that stays as it is."""
        if isinstance(values, TextPair):
            return values
        outputs = [
            encoder(
                caption_tokens(tokenizer, values).input_ids.to(self._device),
                output_hidden_states=True,
            )
            for tokenizer, encoder in zip(self._tokenizers, self._encoders, strict=True)
        ]
        hidden_states = torch.cat([output.hidden_states[-2] for output in outputs], dim=-1)
        return TextPair(hidden_states, outputs[1].text_embeds)

    def empty(self, count: int) -> TextPair:
        """What stands for the empty caption, for ``count`` samples."""
        if self._empty is None:
            pair = self.prepare([""])
            if self.empty_is_zero:
                pair = TextPair(torch.zeros_like(pair.hidden_states), torch.zeros_like(pair.pooled))
            self._empty = pair
        return TextPair(
            self._empty.hidden_states.expand(count, -1, -1), self._empty.pooled.expand(count, -1)
        )

    def arguments(
        self, prepared: TextPair, *, dtype: torch.dtype, image_size: tuple[int, int]
    ) -> dict[str, Any]:
        """Keyword arguments of a ``UNet2DConditionModel`` that takes text and sizes."""
        sizes = (*image_size, 0, 0, *image_size)
        # In the denoiser's precision, as the pipeline has them.
        time_ids = torch.tensor([sizes], dtype=dtype, device=self._device)
        return {
            "encoder_hidden_states": prepared.hidden_states.to(dtype),
            "added_cond_kwargs": {
                "text_embeds": prepared.pooled.to(dtype),
                "time_ids": time_ids.expand(len(prepared), -1),
            },
        }
