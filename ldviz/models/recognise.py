"""What a folder, a file or a hub id holds, told before any weights are read.  Imports no torch.

Only configs are read here.  Whatever asks for code of its own to be run is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ldviz.errors import ModelError

Role = Literal[
    "autoencoder",
    "denoiser",
    "scheduler",
    "text_encoder",
    "tokenizer",
    "text_encoder_2",
    "tokenizer_2",
]

AUTOENCODER_FOLDERS = ("vae", "vqvae")
DENOISER_FOLDERS = ("unet", "transformer")
FOLDERS: dict[Role, tuple[str, ...]] = {
    "autoencoder": AUTOENCODER_FOLDERS,
    "denoiser": DENOISER_FOLDERS,
    "scheduler": ("scheduler",),
    "text_encoder": ("text_encoder",),
    "tokenizer": ("tokenizer",),
    "text_encoder_2": ("text_encoder_2",),
    "tokenizer_2": ("tokenizer_2",),
}
TITLES: dict[Role, str] = {
    "text_encoder": "text encoder",
    "text_encoder_2": "second text encoder",
    "tokenizer_2": "second tokenizer",
}
"""Of the roles whose names are not words."""
CLASSES: dict[Role, tuple[str, ...]] = {
    "autoencoder": ("AutoencoderKL", "AutoencoderTiny", "VQModel", "AsymmetricAutoencoderKL"),
    "denoiser": (
        "UNet2DModel",
        "UNet2DConditionModel",
        "DiTTransformer2DModel",
        # What the first DiT checkpoints call the same class.
        "Transformer2DModel",
    ),
    "text_encoder": ("CLIPTextModel",),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "text_encoder_2": ("CLIPTextModelWithProjection",),
    "tokenizer_2": ("CLIPTokenizer", "CLIPTokenizerFast"),
}
CONFIGS: dict[Role, tuple[str, ...]] = {
    "autoencoder": ("config.json",),
    "denoiser": ("config.json",),
    "scheduler": ("scheduler_config.json", "config.json"),
    "text_encoder": ("config.json",),
    "tokenizer": ("tokenizer_config.json",),
    "text_encoder_2": ("config.json",),
    "tokenizer_2": ("tokenizer_config.json",),
}
LIBRARIES = ("diffusers", "transformers")
PAPER_AUTOENCODER, PAPER_DENOISER = "vae_last.pt", "unet_last.pt"
PAPER_SUFFIXES = (".pt", ".pth", ".safetensors")
_WEIGHTS = ("diffusion_pytorch_model", "model", "pytorch_model")


@dataclass(frozen=True)
class Part:
    """One part of a model: where it lies and what it is.

    Attributes:
        role: what it does.
        class_name: in diffusers or transformers; "PaperAutoencoder", "PaperDenoiser".
        path: its folder, or a checkpoint's file.
        config: as read; empty for a checkpoint.
    """

    role: Role
    class_name: str
    path: Path
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recognised:
    """What was found at one place.

    Attributes:
        place: as it was given.
        kind: the pipeline's class, the only part's class, or "parts" or "paper".
        parts: by role.
    """

    place: str
    kind: str
    parts: dict[Role, Part]

    @property
    def autoencoder(self) -> Part | None:
        return self.parts.get("autoencoder")

    @property
    def denoiser(self) -> Part | None:
        return self.parts.get("denoiser")


def recognise(place: str | Path) -> Recognised:
    """What a local folder or file holds.

    Args:
        place: a pipeline's folder (with ``model_index.json``); a folder with ``vae/`` and
            whatever else of a pipeline there is; one part's folder (with ``config.json``);
            a folder with ``vae_last.pt`` and ``unet_last.pt``; or one of these two files.

    Raises:
        ModelError: if there is none of these, if a part is of a class that ldviz does not
            read, or if anything asks for code of its own to be run.
    """
    path = Path(place)
    if path.is_file():
        return _recognise_file(path)
    if not path.is_dir():
        raise ModelError(
            f'There is no model "{place}": no such folder or file. '
            "Give a folder, a checkpoint's file, or a hub id such as owner/name."
        )
    if (path / "model_index.json").is_file():
        return _recognise_pipeline(path)
    if (path / "config.json").is_file():
        part = _single_part(path)
        return Recognised(str(place), part.class_name, {part.role: part})
    loose = _loose_parts(path)
    if loose:
        return Recognised(str(place), "parts", loose)
    checkpoints = _checkpoints(path)
    if checkpoints:
        return Recognised(str(place), "paper", checkpoints)
    there = ", ".join(sorted(entry.name for entry in path.iterdir())[:8]) or "nothing"
    raise ModelError(
        f'No model in "{path}": expected model_index.json, vae/config.json, config.json or '
        f"{PAPER_AUTOENCODER}; it holds {there}."
    )


def recognise_scheduler(place: Path) -> Part:
    """A noise schedule from its config's folder or file, or from a pipeline that holds one.

    Raises:
        ModelError: if there is none.
    """
    folder = place.parent if place.is_file() else place
    part = _part_in(folder, "scheduler") or _part_in(folder / "scheduler", "scheduler")
    if part is None:
        raise ModelError(
            f'No noise schedule in "{place}": expected scheduler_config.json. '
            "Give the folder that holds it."
        )
    return part


def scheduler_near(part: Part) -> Part | None:
    """The noise schedule that lies with a denoiser: in its folder, or beside it."""
    if part.path.is_file():
        return None
    return (
        _part_in(part.path / "scheduler", "scheduler")
        or _part_in(part.path, "scheduler", ("scheduler_config.json",))
        or _part_in(part.path.parent / "scheduler", "scheduler")
    )


def parts_near(part: Part, roles: tuple[Role, ...]) -> dict[Role, Part]:
    """Of the parts with these roles, those that lie beside a part's folder."""
    found = {role: _first_part(part.path.parent, role) for role in roles}
    return {role: there for role, there in found.items() if there is not None}


def weight_file(part: Part, variant: str | None = None) -> tuple[Path, str | None]:
    """The file (or index of shards) that a part's weights are read from, and its variant.

    Safetensors are preferred; of pickles only tensors are ever read.

    Raises:
        ModelError: if there is none, or several variants and none named.
    """
    if part.path.is_file():
        return part.path, None
    found = weight_names([path.name for path in part.path.iterdir()])
    if variant in found:
        return part.path / found[variant], variant
    if variant is None and len(found) == 1:
        only = next(iter(found))
        return part.path / found[only], only
    if variant is None and found:
        raise ModelError(
            f'"{part.path}" has weights in several variants '
            f"({', '.join(sorted(str(name) for name in found))}). Choose one with `variant`."
        )
    asked = f' of variant "{variant}"' if variant else ""
    raise ModelError(
        f'The {part.class_name} in "{part.path}" has no weights{asked}: expected '
        "diffusion_pytorch_model.safetensors (or model.safetensors, or .bin). "
        "Was the download complete?"
    )


def weight_names(names: list[str]) -> dict[str | None, str]:
    """Of a folder's file names, those of weights: by variant, None for the plain ones.

    Safetensors hide pickles; an index of shards stands for its shards.
    """
    for suffix in (".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json"):
        found: dict[str | None, str] = {}
        for name in sorted(names):
            stem, _, _ = name.partition(".")
            if stem in _WEIGHTS and name.endswith(suffix):
                # "model.fp16.safetensors" has a variant; shards have "-of-" in their stem.
                found.setdefault(name[len(stem) : -len(suffix)].lstrip(".") or None, name)
        if found:
            return found
    return {}


def stored_dtype(part: Part, variant: str | None = None) -> str | None:
    """What the weights are stored in, such as "float16"; None where only loading would tell."""
    path, _ = weight_file(part, variant)
    if path.name.endswith(".index.json"):
        names = sorted(set(read_json(path).get("weight_map", {}).values()))
        path = path.parent / names[0] if names else path
    if path.suffix != ".safetensors":
        return None
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, 100_000_000)))
        kinds = {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    names = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
    return " and ".join(sorted(names[kind] for kind in kinds if kind in names)) or None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; raises ModelError if it is not one."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f'"{path}" cannot be read: {error}. Was the download complete?') from error
    if not isinstance(content, dict):
        raise ModelError(f'"{path}" is not a config: expected a JSON object.')
    return content


def _recognise_file(path: Path) -> Recognised:
    """A checkpoint of the paper's, named for what it is by its tensors or its name."""
    if path.suffix not in PAPER_SUFFIXES:
        raise ModelError(
            f'"{path.name}" is not a model that ldviz reads. Files may be the paper\'s '
            f"{PAPER_AUTOENCODER} and {PAPER_DENOISER}; everything else is a folder in diffusers' "
            "layout (convert a single-file checkpoint with diffusers' from_single_file and "
            "save_pretrained)."
        )
    is_denoiser = "unet" in path.name.lower() or "denoiser" in path.name.lower()
    role: Role = "denoiser" if is_denoiser else "autoencoder"
    name = "PaperDenoiser" if is_denoiser else "PaperAutoencoder"
    return Recognised(str(path), "paper", {role: Part(role, name, path)})


def _checkpoints(folder: Path) -> dict[Role, Part]:
    parts: dict[Role, Part] = {}
    for role, name, class_name in (
        ("autoencoder", PAPER_AUTOENCODER, "PaperAutoencoder"),
        ("denoiser", PAPER_DENOISER, "PaperDenoiser"),
    ):
        if (folder / name).is_file():
            parts[role] = Part(role, class_name, folder / name)
    return parts


def _recognise_pipeline(folder: Path) -> Recognised:
    """A pipeline by its index; parts that ldviz has no use for are left alone."""
    index = read_json(folder / "model_index.json")
    kind = index.get("_class_name")
    if not isinstance(kind, str) or (folder / "pipeline.py").is_file():
        raise _asks_for_code(folder, "a pipeline of its own (pipeline.py)")
    if _is_listed(index.get("text_encoder_3")):
        raise ModelError(
            f'"{folder}" is a {kind} with three text encoders; ldviz reads pipelines with one CLIP '
            "text encoder, or two as Stable Diffusion XL has them. Its autoencoder alone can be "
            f'analysed: point to "{folder / "vae"}".'
        )
    parts: dict[Role, Part] = {}
    for role, names in FOLDERS.items():
        name = next((name for name in names if _is_listed(index.get(name))), None)
        if name is None:
            continue
        library, class_name = index[name]
        if library not in LIBRARIES:
            raise _asks_for_code(folder, f'"{name}" from the module "{library}"')
        part = _part_in(folder / name, role)
        if part is None:
            raise ModelError(
                f'"{folder}" names a {class_name} in {name}/, but {name}/{CONFIGS[role][0]} is '
                "missing. Was the download complete?"
            )
        parts[role] = part
    if index.get("requires_aesthetics_score"):
        raise ModelError(
            f'"{folder}" is a {kind} that refines images: it is told an aesthetics score of each, '
            "and images of one's own have none. ldviz reads the base models of Stable Diffusion "
            f'XL. Its autoencoder alone can be analysed: point to "{folder / "vae"}".'
        )
    if "autoencoder" not in parts:
        raise ModelError(
            f'"{folder}" is a {kind} without an autoencoder (vae/ or vqvae/): nothing decodes '
            "its latents. ldviz reads latent diffusion models."
        )
    return Recognised(str(folder), kind, parts)


def _is_listed(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 2 and entry[1] is not None


def _loose_parts(folder: Path) -> dict[Role, Part]:
    found = {role: _first_part(folder, role) for role in FOLDERS}
    parts = {role: part for role, part in found.items() if part is not None}
    return parts if {"autoencoder", "denoiser"} & set(parts) else {}


def _first_part(folder: Path, role: Role) -> Part | None:
    parts = (_part_in(folder / name, role) for name in FOLDERS[role])
    return next((part for part in parts if part is not None), None)


def _single_part(folder: Path) -> Part:
    """An autoencoder's or a denoiser's own folder."""
    name = read_json(folder / "config.json").get("_class_name")
    for role in ("autoencoder", "denoiser"):
        if name in CLASSES[role]:
            part = _part_in(folder, role)
            assert part is not None
            return part
    known = ", ".join((*CLASSES["autoencoder"], *CLASSES["denoiser"][:-1]))
    _check_config(folder, read_json(folder / "config.json"))
    raise ModelError(
        f'"{folder}" holds a {name or "model without a _class_name"}; as a part by itself ldviz '
        f"reads {known}."
    )


def _part_in(folder: Path, role: Role, configs: tuple[str, ...] = ()) -> Part | None:
    """A part from its folder, checked to be of a class that is read; None if it is not there."""
    names = configs or CONFIGS[role]
    file = next((folder / name for name in names if (folder / name).is_file()), None)
    if file is None:
        return None
    config = read_json(file)
    _check_config(folder, config)
    if role.startswith("tokenizer"):
        name = config.get("tokenizer_class") or "CLIPTokenizer"
    elif role.startswith("text_encoder"):
        name = (config.get("architectures") or ["nothing that is named"])[0]
    else:
        name = config.get("_class_name")
    if not isinstance(name, str):
        raise _asks_for_code(folder, f"a class of its own ({name})")
    if role in CLASSES and name not in CLASSES[role]:
        raise ModelError(
            f'The {TITLES.get(role, role)} in "{folder}" is a {name}; ldviz reads '
            f"{', '.join(CLASSES[role])}. It runs no code that comes with a model."
        )
    return Part(role, name, folder, config)


def _check_config(folder: Path, config: dict[str, Any]) -> None:
    """Raise ModelError if a config, or a module beside it, asks for code to be run."""
    if "auto_map" in config:
        raise _asks_for_code(folder, "an auto_map")
    modules = sorted(path.name for path in folder.glob("*.py"))
    if modules:
        raise _asks_for_code(folder, f"a module of its own ({modules[0]})")


def _asks_for_code(folder: Path, what: str) -> ModelError:
    return ModelError(
        f'"{folder}" asks for remote code: {what}. ldviz runs no code that comes with a model; '
        "nothing was executed. Save the model with diffusers' own classes."
    )
