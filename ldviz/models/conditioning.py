"""Captions and classes, as denoisers take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch

from ldviz.errors import ModelError
from ldviz.models.autoencoders import frozen


class Conditioning(Protocol):
    """What a denoiser is conditioned on.

    Attributes:
        kind: "text" or "class".
    """

    kind: str

    def prepare(self, values: Any) -> Any:
        """One value per sample to what the denoiser takes, in the same order; has a length."""
        ...

    def empty(self, count: int) -> Any:
        """The same for samples without a value."""
        ...

    def arguments(
        self, prepared: Any, *, dtype: torch.dtype, image_size: tuple[int, int]
    ) -> dict[str, Any]:
        """What ``prepare`` returned, as keyword arguments of the denoiser.

        Args:
            prepared: of n samples.
            dtype: what the denoiser computes in.
            image_size: (H, W) of the samples' images.
        """
        ...


class TextConditioning:
    """Captions through a CLIP text encoder, as Stable Diffusion's pipelines put them.

    Captions are padded or cut to the tokenizer's longest; the last hidden state is used.

    Args:
        tokenizer, text_encoder: ``CLIPTokenizer`` and ``CLIPTextModel``.
        device: where the text encoder computes.
        dtype: in what.
    """

    kind = "text"
    num_text_encoders = 1

    def __init__(
        self,
        tokenizer: Any,
        text_encoder: Any,
        *,
        device: torch.device | str,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._tokenizer = tokenizer
        self._encoder = frozen(text_encoder, device, dtype)
        self._device = device
        self._empty: torch.Tensor | None = None

    @torch.no_grad()
    def prepare(self, values: Sequence[str] | torch.Tensor) -> torch.Tensor:
        """(n,) captions to (n, length, width) embeddings; embeddings stay as they are."""
        if torch.is_tensor(values):
            return values.to(self._device)
        tokens = caption_tokens(self._tokenizer, values)
        uses_mask = getattr(self._encoder.config, "use_attention_mask", False)
        mask = tokens.attention_mask.to(self._device) if uses_mask else None
        return self._encoder(tokens.input_ids.to(self._device), attention_mask=mask)[0]

    def empty(self, count: int) -> torch.Tensor:
        """(count, length, width) embeddings of the empty caption."""
        if self._empty is None:
            self._empty = self.prepare([""])
        return self._empty.expand(count, -1, -1)

    def arguments(
        self, prepared: torch.Tensor, *, dtype: torch.dtype, image_size: tuple[int, int]
    ) -> dict[str, torch.Tensor]:
        """Keyword arguments of a ``UNet2DConditionModel``."""
        return {"encoder_hidden_states": prepared.to(dtype)}


def caption_tokens(tokenizer: Any, captions: Sequence[str]) -> Any:
    """Tokens of (n,) captions, padded or cut to the tokenizer's longest; raises ModelError."""
    if not all(isinstance(caption, str) for caption in captions):
        raise ModelError(
            f"This denoiser is conditioned on text, got {type(captions[0]).__name__} values. "
            "Give one caption per image."
        )
    return tokenizer(
        list(map(str, captions)),
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )


class ClassConditioning:
    """Classes by number.

    Args:
        num_classes: classes are 0 ... num_classes - 1.
        empty_class: the number that stands for no class; None where there is none.
        device: where the denoiser computes.
    """

    kind = "class"

    def __init__(
        self, num_classes: int, empty_class: int | None, *, device: torch.device | str
    ) -> None:
        self.num_classes = num_classes
        self.empty_class = empty_class
        self._device = device

    def prepare(self, values: Sequence[int] | np.ndarray | torch.Tensor) -> torch.Tensor:
        """(n,) classes as int64 on the denoiser's device; raises ModelError if one is unknown."""
        numbers = torch.as_tensor(np.asarray(values) if not torch.is_tensor(values) else values)
        if numbers.is_floating_point() or numbers.ndim != 1:
            raise ModelError(
                f"This denoiser is conditioned on classes, got {numbers.dtype} of shape "
                f"{tuple(numbers.shape)}. Give one whole number per image."
            )
        last = self.num_classes - 1 if self.empty_class is None else self.empty_class
        known = (numbers >= 0) & ((numbers < self.num_classes) | (numbers == last))
        if not bool(known.all()):
            raise ModelError(
                f"This denoiser knows the classes 0 ... {self.num_classes - 1}, got "
                f"{int(numbers[~known][0])}. Are these the classes that it was trained with?"
            )
        return numbers.to(self._device, torch.long)

    def empty(self, count: int) -> torch.Tensor:
        """(count,) of the class that stands for none; raises ModelError where there is none."""
        if self.empty_class is None:
            raise ModelError(
                "This denoiser is conditioned on classes and has none that stands for no class. "
                "Give images with classes."
            )
        return torch.full((count,), self.empty_class, dtype=torch.long, device=self._device)

    def arguments(
        self, prepared: torch.Tensor, *, dtype: torch.dtype, image_size: tuple[int, int]
    ) -> dict[str, torch.Tensor]:
        """Keyword arguments of a ``UNet2DModel`` or ``DiTTransformer2DModel``."""
        return {"class_labels": prepared}


def class_conditioning(denoiser: Any, device: torch.device | str) -> ClassConditioning | None:
    """The classes that a denoiser's own config asks for; None if it takes none.

    Raises:
        ModelError: for conditioning of other kinds.
    """
    config, name = denoiser.config, type(denoiser).__name__
    if name in ("DiTTransformer2DModel", "Transformer2DModel"):
        # The label embedding keeps one row more than there are classes, for none of them.
        return ClassConditioning(
            int(config.num_embeds_ada_norm), int(config.num_embeds_ada_norm), device=device
        )
    kind = getattr(config, "class_embed_type", None)
    added = getattr(config, "addition_embed_type", None)
    if kind is not None or added is not None:
        raise ModelError(
            f'The denoiser is conditioned by "{added or kind}"; ldviz reads CLIP text and class '
            "numbers."
        )
    count = getattr(config, "num_class_embeds", None)
    if count is None:
        return None
    if name == "UNet2DConditionModel":
        raise ModelError(
            "The denoiser is conditioned on text and on classes at once; ldviz reads either."
        )
    return ClassConditioning(int(count), None, device=device)
