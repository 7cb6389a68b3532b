"""Settings of a study: what ``train`` and ``analyze`` do, read from a TOML file."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ldviz.errors import InputError
from ldviz.models.settings import ModelSettings

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(_Settings):
    """Which images, at what size, and who is a member.

    ``num_images`` keeps that many, evenly spaced through the source; None keeps all.
    """

    source: str
    image_size: Positive = 32
    num_images: Positive | None = None
    member_fraction: Fraction = 0.5
    seed: int = 0


class AutoencoderSettings(_Settings):
    """A diffusers AutoencoderKL trained with L1 + kl_weight * mean KL."""

    block_out_channels: tuple[Positive, ...] = (16, 32, 32)
    layers_per_block: Positive = 1
    latent_channels: Positive = 4
    norm_num_groups: Positive = 8
    kl_weight: float = Field(default=1e-2, ge=0.0)
    epochs: Positive
    batch_size: Positive = 32
    learning_rate: float = Field(default=2e-4, gt=0.0)
    weight_decay: float = Field(default=1e-4, ge=0.0)
    gradient_clip: float = Field(default=1.0, gt=0.0)
    seed: int = 0


class DenoiserSettings(_Settings):
    """A diffusers UNet2DModel trained to predict noise on the members' latents.

    Over the last ``decay_epochs`` epochs the learning rate falls linearly towards zero.
    """

    block_out_channels: tuple[Positive, ...] = (64, 96)
    layers_per_block: Positive = 2
    norm_num_groups: Positive = 16
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    num_train_timesteps: Positive = 1000
    beta_start: float = Field(default=1e-4, gt=0.0)
    beta_end: float = Field(default=2e-2, gt=0.0)
    epochs: Positive
    decay_epochs: int = Field(default=0, ge=0)
    batch_size: Positive = 64
    learning_rate: float = Field(default=2e-4, gt=0.0)
    weight_decay: float = Field(default=1e-4, ge=0.0)
    gradient_clip: float = Field(default=1.0, gt=0.0)
    seed: int = 0


class SelectionSettings(_Settings):
    """Which denoiser checkpoint to keep: the one whose attack is nearest a target.

    A model that has not overfitted has nothing to show and a saturated one hides every
    difference, so the epoch is chosen by SimA's AUC at its best timestep, and the whole
    curve is stored with the study.
    """

    evaluate_every: Positive = 20
    timesteps: tuple[int, ...] = (0, 20, 50, 80, 110, 140, 170, 200, 240, 290)
    target_auc: float = Field(default=0.85, gt=0.5, lt=1.0)
    stop_auc: float = Field(default=0.95, gt=0.5, le=1.0)


class AnalysisSettings(_Settings):
    """What ``analyze`` computes and stores.

    Attributes:
        timesteps: where SimA's vectors are stored.
        rank, num_probes, seed, block_size: of the geometry and the blocks.
        influence_dtype: of the exact influence.
        latents_dtype: latents are rounded to it before anything is computed from them.
        stores_images: False draws them anew from their source when they are asked for.
        stores_estimate: whether Hutchinson's estimate is stored beside the exact influence.
        ranks: attack to timesteps where only the order of its scores is stored.
        scores_further: whether further held-out images, where the source has them, are scored.
    """

    timesteps: tuple[int, ...] = (0, 20, 50, 80, 110, 140, 170, 200, 240, 290)
    rank: Positive = 20
    num_probes: Positive = 16
    seed: int = 0
    block_size: Positive = 512
    influence_dtype: Literal["float32", "float16"] = "float32"
    latents_dtype: Literal["float32", "float16"] = "float32"
    stores_images: bool = True
    stores_estimate: bool = True
    ranks: dict[str, tuple[int, ...]] = {}
    scores_further: bool = True


class Recipe(_Settings):
    """All settings of one study: of models to train, or of a model that is there already.

    Either ``autoencoder`` and ``denoiser`` say what ``train`` makes, or ``model`` says what
    ``analyze`` takes.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    description: str
    data: DataSettings
    autoencoder: AutoencoderSettings | None = None
    denoiser: DenoiserSettings | None = None
    model: ModelSettings | None = None
    selection: SelectionSettings = SelectionSettings()
    analysis: AnalysisSettings = AnalysisSettings()

    @model_validator(mode="after")
    def _check_models(self) -> Recipe:
        trained = (self.autoencoder is not None, self.denoiser is not None)
        if trained != (self.model is None,) * 2:
            raise ValueError(
                "give either [autoencoder] and [denoiser], to be trained, or [model], "
                "which is there already"
            )
        return self


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with ldviz."""
    folder = resources.files("ldviz") / "recipes"
    return tuple(
        sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by its name, or from a TOML file of one's own.

    Raises:
        InputError: if there is none, or a setting is missing, unknown or out of range.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        if not path.is_file():
            raise InputError(f'There is no recipe file "{path}".')
        text = path.read_text()
    elif name_or_path in recipe_names():
        text = (resources.files("ldviz") / "recipes" / f"{name_or_path}.toml").read_text()
    else:
        raise InputError(
            f'There is no recipe "{name_or_path}". '
            f"Known: {', '.join(recipe_names())}; or give the path of a .toml file."
        )
    try:
        return Recipe.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f'The recipe "{name_or_path}" is not valid TOML: {error}.') from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f'The recipe "{name_or_path}" has a wrong setting: `{where}`: {first["msg"]} '
            f"(got {first.get('input')!r})."
        ) from error
