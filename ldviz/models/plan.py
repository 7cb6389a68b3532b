"""Which parts a model is made of, put together from one place or several.  Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ldviz.errors import ModelError
from ldviz.models.hub import local_place
from ldviz.models.recognise import (
    TITLES,
    Part,
    Recognised,
    Role,
    parts_near,
    read_json,
    recognise,
    recognise_scheduler,
    scheduler_near,
    stored_dtype,
    weight_file,
)
from ldviz.models.scaling import latent_scaling
from ldviz.models.settings import ModelSettings, Precision
from ldviz.models.text_parts import TWO, check_text_parts, text_roles, zeros_for_empty

_DOWN_BLOCKS = (
    "down_block_out_channels",
    "encoder_block_out_channels",
    "block_out_channels",
)
_WITH_WEIGHTS: tuple[Role, ...] = (
    "autoencoder",
    "denoiser",
    "text_encoder",
    "text_encoder_2",
)


@dataclass(frozen=True)
class ModelPlan:
    """The parts of a model, found and checked, not yet loaded.

    Attributes:
        kind: what was recognised at the settings' source.
        parts: by role; an autoencoder always, a scheduler wherever there is a denoiser
            that is not the paper's.
        settings: what the plan was made from.
        empty_is_zero: whether zeros stand for the empty caption.
    """

    kind: str
    parts: dict[Role, Part]
    settings: ModelSettings
    empty_is_zero: bool = False

    @property
    def conditioning(self) -> str | None:
        """What the denoiser is conditioned on, by its config: "text", "class" or None."""
        denoiser = self.parts.get("denoiser")
        if denoiser is None:
            return None
        if denoiser.class_name == "UNet2DConditionModel":
            return "text"
        if denoiser.class_name.endswith("Transformer2DModel"):
            return "class"
        return "class" if denoiser.config.get("num_class_embeds") is not None else None

    @property
    def autoencoder_precision(self) -> Precision:
        """What the autoencoder computes in.

        Half precision is too small for some of Stable Diffusion XL's autoencoders, whose
        configs then ask for single; their pipelines go by it, those of others do not.
        """
        autoencoder = self.parts["autoencoder"]
        unsaid = autoencoder.class_name == "AutoencoderKL"
        asks = bool(autoencoder.config.get("force_upcast", unsaid))
        if asks and "text_encoder_2" in self.parts and self.settings.precision == "float16":
            return "float32"
        return self.settings.precision

    def image_size(self) -> int | None:
        """Side of the images that the model was made for; None where no config says."""
        config = self.parts["autoencoder"].config
        denoiser = self.parts.get("denoiser")
        latent_size = None if denoiser is None else denoiser.config.get("sample_size")
        blocks = next((config[name] for name in _DOWN_BLOCKS if name in config), None)
        if isinstance(latent_size, int) and blocks:
            return latent_size * 2 ** (len(blocks) - 1)
        size = config.get("sample_size")
        return size if isinstance(size, int) else None

    def image_channels(self) -> int | None:
        """1 for grey images, 3 for colour; None where no config says."""
        channels = self.parts["autoencoder"].config.get("in_channels")
        return channels if isinstance(channels, int) else None

    def lines(self) -> list[str]:
        """What was recognised, one line a part, for people."""
        found = [
            f"{TITLES.get(role, role)}: {part.class_name}"
            + (f" ({dtype})" if (dtype := self._dtype(role)) else "")
            for role, part in self.parts.items()
        ]
        if "denoiser" not in self.parts:
            found.append("no denoiser: geometry without attacks")
        return [f"recognised: {self.kind}", *found]

    def stored_precision(self) -> str | None:
        """What the weights are stored in: "float16", or "float16 and float32" where they differ."""
        kinds = {self._dtype(role) for role in ("autoencoder", "denoiser")} - {None}
        names = sorted({name for kind in kinds for name in kind.split(" and ")})
        return " and ".join(names) or None

    def files(self) -> list[tuple[str, Path]]:
        """Every file that the model depends on, as (name within the model, path), sorted."""
        found = []
        for role, part in self.parts.items():
            if part.path.is_file():
                found.append((f"{role}/{part.path.suffix}", part.path))
                continue
            names = {path.name for path in part.path.glob("*.json")}
            if role.startswith("tokenizer"):
                names |= {path.name for path in part.path.glob("*.txt")}
            if role in _WITH_WEIGHTS:
                names |= _weight_names(part, self.settings.variant)
            found += [(f"{role}/{name}", part.path / name) for name in names]
        return sorted(found)

    def _dtype(self, role: Role) -> str | None:
        part = self.parts.get(role)
        if part is None or role not in _WITH_WEIGHTS:
            return None
        return stored_dtype(part, self.settings.variant)


def plan_model(settings: ModelSettings) -> ModelPlan:
    """Find every part that a model needs; hub ids are fetched.

    Raises:
        ModelError: if a part is missing, unknown, or asks for code to be run.
    """
    found = _recognised(settings.source, settings)
    parts = dict(found.parts)
    if settings.denoiser is not None:
        parts |= _denoiser_parts(settings)
    denoiser = parts.get("denoiser")
    if "autoencoder" not in parts:
        raise ModelError(
            f'"{settings.source}" holds a denoiser ({parts["denoiser"].class_name}) and no '
            "autoencoder (vae/config.json). Give the autoencoder as the source and this as the "
            "denoiser."
        )
    if settings.scheduler is not None:
        place = local_place(settings.scheduler, settings.revision)
        parts["scheduler"] = recognise_scheduler(place)
    if denoiser is None:
        parts = {"autoencoder": parts["autoencoder"]}
    else:
        _complete(parts, denoiser)
    for role in _WITH_WEIGHTS:
        if role in parts:
            weight_file(parts[role], settings.variant)
    latent_scaling(parts["autoencoder"].config)
    return ModelPlan(found.kind, parts, settings, zeros_for_empty(parts))


def _recognised(place: str, settings: ModelSettings) -> Recognised:
    return recognise(local_place(place, settings.revision, settings.variant))


def _denoiser_parts(settings: ModelSettings) -> dict[Role, Part]:
    """The denoiser from its own place, and whatever of its company lies there."""
    path = local_place(settings.denoiser, settings.revision, settings.variant)
    if path.is_file():
        return {"denoiser": Part("denoiser", "PaperDenoiser", path)}
    found = recognise(path)
    if found.denoiser is None:
        raise ModelError(
            f'"{settings.denoiser}" holds no denoiser, but {found.kind}. Give the folder of a '
            "UNet2DModel, UNet2DConditionModel or DiTTransformer2DModel, or unet_last.pt."
        )
    return {role: part for role, part in found.parts.items() if role != "autoencoder"}


def _complete(parts: dict[Role, Part], denoiser: Part) -> None:
    """Add what lies beside the denoiser; raise ModelError if something is still missing."""
    if "scheduler" not in parts and (near := scheduler_near(denoiser)) is not None:
        parts["scheduler"] = near
    if "scheduler" not in parts and denoiser.class_name != "PaperDenoiser":
        raise ModelError(
            f'The denoiser in "{denoiser.path}" has no noise schedule: no scheduler/'
            "scheduler_config.json in it or beside it. Name its folder with `scheduler`."
        )
    needed = text_roles(denoiser)
    for role in TWO:
        if role not in needed:
            parts.pop(role, None)
    for role, part in parts_near(denoiser, needed).items():
        parts.setdefault(role, part)
    check_text_parts(parts)


def _weight_names(part: Part, variant: str | None) -> set[str]:
    """File names of a part's weights, shards included."""
    path, _ = weight_file(part, variant)
    if not path.name.endswith(".index.json"):
        return {path.name}
    return {path.name, *read_json(path).get("weight_map", {}).values()}
