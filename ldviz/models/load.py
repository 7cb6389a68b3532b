"""One door to models: pipelines, parts, the paper's checkpoints, and Python objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ldviz.errors import ModelError
from ldviz.models.conditioning import Conditioning, TextConditioning
from ldviz.models.device import pick_device
from ldviz.models.latent_diffusion import LatentDiffusionModel
from ldviz.models.plan import ModelPlan, plan_model
from ldviz.models.protocol import LatentModel, check_model
from ldviz.models.recognise import CLASSES, Part, weight_file
from ldviz.models.settings import ModelSettings
from ldviz.models.state_dict import asks_for_code
from ldviz.models.text_pair import TextPairConditioning


def load_model(
    source: str | Path | ModelSettings | LatentModel,
    *,
    image_shape: tuple[int, int, int] | None = None,
    device: str | None = None,
    **settings: Any,
) -> LatentModel:
    """A latent diffusion model, recognised from what is there.

    Args:
        source: a folder or hub id of a pipeline (Stable Diffusion and its relatives with one
            CLIP text encoder, Stable Diffusion XL, ``LDMPipeline``, ``DiTPipeline``), of an
            autoencoder alone, or with ``vae/`` and whatever else of a pipeline there is; a
            folder with the paper's ``vae_last.pt`` and ``unet_last.pt``; all settings at
            once; or a Python object that follows
            :class:`ldviz.models.protocol.LatentModel`, which is checked and returned.
        image_shape: (c, H, W) of the images that it is to see; None takes the size in the
            autoencoder's config.
        device: "cpu", "cuda", "mps" ...; None picks the best there is.
        settings: fields of :class:`ldviz.models.settings.ModelSettings`: ``denoiser``,
            ``scheduler``, ``revision``, ``variant``, ``precision``, ``conditioning``.

    Returns:
        The model; without a denoiser its geometry can be computed, and no attack.

    Raises:
        ModelError: if a part is missing, damaged, of a class that ldviz does not read, does
            not fit the others, or asks for code of its own to be run.  Nothing that comes
            with a model is ever executed.
    """
    if isinstance(source, ModelSettings):
        chosen = source.model_copy(update=settings)
    elif isinstance(source, str | Path):
        chosen = ModelSettings(source=str(source), **settings)
    else:
        return check_model(source)
    return load_plan(plan_model(chosen), image_shape=image_shape, device=device)


def load_plan(
    plan: ModelPlan,
    *,
    image_shape: tuple[int, int, int] | None = None,
    device: str | None = None,
) -> LatentDiffusionModel:
    """The model of a plan; arguments and errors as ``load_model``."""
    where = pick_device(device)
    dtype = getattr(torch, plan.settings.precision)
    parts, variant = plan.parts, plan.settings.variant
    denoiser = scheduler = None
    autoencoder_dtype = getattr(torch, plan.autoencoder_precision)
    autoencoder = _load_weights(parts["autoencoder"], variant, autoencoder_dtype)
    if "denoiser" in parts:
        denoiser = _load_weights(parts["denoiser"], variant, dtype)
        scheduler = _load_scheduler(parts.get("scheduler"))
    return LatentDiffusionModel(
        autoencoder,
        denoiser,
        scheduler,
        image_shape=image_shape,
        conditioning=_load_text(plan, where, dtype),
        device=where,
        dtype=dtype,
        autoencoder_dtype=autoencoder_dtype,
        kind=plan.kind,
        stored_precision=plan.stored_precision(),
        conditioning_used=plan.settings.conditioning,
    )


def _load_text(plan: ModelPlan, device: torch.device, dtype: torch.dtype) -> Conditioning | None:
    """One text encoder or two, where the denoiser takes captions."""
    parts, variant = plan.parts, plan.settings.variant
    if "text_encoder" not in parts:
        return None
    tokenizer = _load_tokenizer(parts["tokenizer"])
    encoder = _load_weights(parts["text_encoder"], variant, dtype)
    if "text_encoder_2" not in parts:
        return TextConditioning(tokenizer, encoder, device=device, dtype=dtype)
    return TextPairConditioning(
        (tokenizer, _load_tokenizer(parts["tokenizer_2"])),
        (encoder, _load_weights(parts["text_encoder_2"], variant, dtype)),
        empty_is_zero=plan.empty_is_zero,
        device=device,
        dtype=dtype,
    )


def _load_weights(part: Part, variant: str | None, dtype: torch.dtype) -> Any:
    """One part with its weights, none of them missing."""
    if part.class_name == "PaperAutoencoder":
        from ldviz.models.paper.load import load_paper_autoencoder

        return load_paper_autoencoder(part.path)
    if part.class_name == "PaperDenoiser":
        from ldviz.models.paper.load import load_paper_denoiser

        return load_paper_denoiser(part.path)
    path, variant = weight_file(part, variant)
    options = {
        "local_files_only": True,
        "use_safetensors": ".safetensors" in path.name,
        "variant": variant,
        "output_loading_info": True,
    }
    with _reading(part):
        if part.role.startswith("text_encoder"):
            import transformers

            kind = getattr(transformers, part.class_name)
            with _without_bars(transformers.utils.logging):
                model, info = kind.from_pretrained(part.path, dtype=dtype, **options)
        else:
            import diffusers

            kind = getattr(diffusers, part.class_name)
            model, info = kind.from_pretrained(part.path, torch_dtype=dtype, **options)
    missing = sorted(info["missing_keys"])
    wrong = [str(entry[0]) for entry in info["mismatched_keys"]]
    if missing or wrong:
        raise ModelError(
            f'The weights of the {part.class_name} in "{part.path}" do not fit its config: '
            f"{len(missing)} missing, {len(wrong)} of another shape "
            f"(first: {(missing + wrong)[0]}). Restore both from the same place."
        )
    return model


def _load_scheduler(part: Part | None) -> Any:
    """A scheduler by its class's name; without a config, the paper's."""
    if part is None:
        from ldviz.models.paper.load import paper_scheduler

        return paper_scheduler()
    import diffusers

    kind = getattr(diffusers, part.class_name, None)
    if not isinstance(kind, type) or not issubclass(kind, diffusers.SchedulerMixin):
        raise ModelError(
            f'The scheduler in "{part.path}" is a {part.class_name}, which is none of diffusers\'. '
            "ldviz runs no code that comes with a model; name another with `scheduler`."
        )
    with _reading(part):
        return kind.from_config({**part.config})


def _load_tokenizer(part: Part) -> Any:
    import transformers

    assert part.class_name in CLASSES["tokenizer"]
    with _reading(part):
        return transformers.CLIPTokenizer.from_pretrained(part.path, local_files_only=True)


@contextmanager
def _reading(part: Part) -> Iterator[None]:
    """Turn whatever the libraries raise for damaged files into one ModelError."""
    try:
        yield
    except Exception as error:
        if asks_for_code(error):
            raise ModelError(
                f'The weights in "{part.path}" hold more than tensors: a pickle that asks for '
                "code to be run. Nothing in it was executed. Save them as safetensors."
            ) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f'The {part.class_name} in "{part.path}" cannot be read: {reason}'
        ) from error


@contextmanager
def _without_bars(logging: Any) -> Iterator[None]:
    """No progress bars for what takes a moment."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
