"""Which text encoders a denoiser needs, and whether they fit it.  Imports no torch."""

from __future__ import annotations

from ldviz.errors import ModelError
from ldviz.models.recognise import TITLES, Part, Role, read_json

ONE: tuple[Role, ...] = ("text_encoder", "tokenizer")
TWO: tuple[Role, ...] = (*ONE, "text_encoder_2", "tokenizer_2")
NUM_SIZES = 6
"""What a denoiser is told of the images' size: original (H, W), corner, target (H, W)."""


def text_roles(denoiser: Part) -> tuple[Role, ...]:
    """The parts through which captions reach a denoiser; none if it takes no captions.

    Raises:
        ModelError: if it is told something that ldviz does not read.
    """
    if denoiser.class_name != "UNet2DConditionModel":
        return ()
    config = denoiser.config
    added, kind = config.get("addition_embed_type"), config.get("class_embed_type")
    if kind is not None or added not in (None, "text_time"):
        raise ModelError(
            f'The denoiser in "{denoiser.path}" is conditioned by "{kind or added}" besides text; '
            "ldviz reads CLIP text, with or without the images' size."
        )
    if config.get("num_class_embeds") is not None:
        raise ModelError(
            f'The denoiser in "{denoiser.path}" is conditioned on text and on classes at once; '
            "ldviz reads either."
        )
    return ONE if added is None else TWO


def check_text_parts(parts: dict[Role, Part]) -> None:
    """Raise ModelError where the captions' parts are missing or too narrow for the denoiser.

    Sizes that a config leaves out are not checked here.
    """
    denoiser = parts["denoiser"]
    roles = text_roles(denoiser)
    if roles == TWO:
        _check_sizes(denoiser, parts.get("text_encoder_2"))
    missing = [TITLES.get(role, role) for role in roles if role not in parts]
    if missing:
        raise ModelError(
            f'The denoiser in "{denoiser.path}" is conditioned on text, and there is no '
            f"{' and no '.join(missing)} with it. Give the whole pipeline as the source."
        )
    encoders = [parts[role] for role in roles if role.startswith("text_encoder")]
    widths = [_number(encoder, "hidden_size") for encoder in encoders]
    taken = _number(denoiser, "cross_attention_dim")
    projected = denoiser.config.get("encoder_hid_dim") is not None
    if encoders and taken and all(widths) and not projected and sum(widths) != taken:
        raise ModelError(
            f'The denoiser in "{denoiser.path}" takes text embeddings of width {taken}, and '
            f"{' + '.join(str(width) for width in widths)} come from "
            f"{' and '.join(encoder.class_name for encoder in encoders)}: "
            "they do not belong together. Give the text encoders that it was trained with."
        )


def zeros_for_empty(parts: dict[Role, Part]) -> bool:
    """Whether zeros stand for the empty caption: as the pipeline of the text encoders has it.

    Its index is beside the second encoder's folder; without one, as diffusers has it where
    an index does not say.  With one text encoder the empty caption is always encoded.
    """
    if "text_encoder_2" not in parts:
        return False
    index = parts["text_encoder_2"].path.parent / "model_index.json"
    content = read_json(index) if index.is_file() else {}
    return bool(content.get("force_zeros_for_empty_prompt", True))


def _check_sizes(denoiser: Part, encoder: Part | None) -> None:
    """Raise ModelError unless pooled text and six sizes are what the denoiser takes besides."""
    taken = _number(denoiser, "projection_class_embeddings_input_dim")
    each = _number(denoiser, "addition_time_embed_dim")
    pooled = None if encoder is None else _number(encoder, "projection_dim")
    if not (taken and each and pooled):
        return
    if taken == pooled + (NUM_SIZES - 1) * each:
        raise ModelError(
            f'The denoiser in "{denoiser.path}" is one that refines images: it is told an '
            "aesthetics score of each, and images of one's own have none. ldviz reads the base "
            "models of Stable Diffusion XL."
        )
    if taken != pooled + NUM_SIZES * each:
        raise ModelError(
            f'The denoiser in "{denoiser.path}" takes {taken} numbers besides the text, and '
            f"{pooled} of the second text encoder with {NUM_SIZES} sizes of {each} make "
            f"{pooled + NUM_SIZES * each}: they do not belong together. Give the text encoders "
            "that it was trained with."
        )


def _number(part: Part, name: str) -> int | None:
    value = part.config.get(name)
    return value if isinstance(value, int) else None
