"""Settings of a study: what ``train`` and ``analyze`` do, read from a TOML file."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from ldviz.data.settings import OWN_IMAGES, DataSettings, place_title
from ldviz.errors import InputError
from ldviz.models.settings import ModelSettings

Positive = Annotated[int, Field(gt=0)]

GROUPS = {".": "", "paper": "the paper's data sets"}
"""Folders of recipes, and what those in each have in common."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _TrainingSettings(_Settings):
    """What the training of both models has in common.

    Attributes:
        shards: pieces into which every batch is cut, each the work of one process, their
            gradients summed in this order; so weights depend on it, and not on the number
            of processes.  Written down only where it is not 1: what was trained before it
            could be chosen keeps its settings to the letter.
    """

    shards: Positive = 1

    @model_validator(mode="after")
    def _check_shards(self) -> _TrainingSettings:
        if self.shards > self.batch_size:
            raise ValueError(
                f"`shards` = {self.shards} is more than there are samples in a batch "
                f"(`batch_size` = {self.batch_size}); give at most that many"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_one_shard(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = dump(self)
        if content.get("shards") == 1:
            del content["shards"]
        return content


class AutoencoderSettings(_TrainingSettings):
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


class DenoiserSettings(_TrainingSettings):
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
    ``analyze`` takes; with neither the model is an object in Python.
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
        trained = {self.autoencoder is not None, self.denoiser is not None}
        if len(trained) == 2 or (True in trained and self.model is not None):
            raise ValueError(
                "give either [autoencoder] and [denoiser], to be trained, or [model], "
                "which is there already"
            )
        return self

    @model_validator(mode="after")
    def _check_images(self) -> Recipe:
        if self.data.is_own and not self.analysis.stores_images:
            raise ValueError(
                "`analysis.stores_images = false` draws images anew from a source that comes "
                "with ldviz; images of your own have to be stored"
            )
        return self

    @property
    def num_train_timesteps(self) -> int:
        """Length of the noise schedule: the denoiser's, or the usual 1,000 of a model given."""
        return 1000 if self.denoiser is None else self.denoiser.num_train_timesteps


def recipe_names(group: str | None = None) -> tuple[str, ...]:
    """Names of the recipes that come with ldviz: of one of the ``GROUPS``, or all."""
    groups = GROUPS if group is None else (group,)
    return tuple(sorted(name for folder in groups for name in _recipe_files(folder)))


def recipes_text() -> str:
    """Every name, group by group, for messages: "digits, photos; the paper's data sets: ..."."""
    parts = []
    for group, words in GROUPS.items():
        names = ", ".join(recipe_names(group))
        parts.append(f"{words}: {names}" if words else names)
    return "; ".join(parts)


def _recipe_files(group: str) -> dict[str, Traversable]:
    """Name to file, of the recipes in one folder."""
    folder = resources.files("ldviz") / "recipes" / group
    return {
        entry.name.removesuffix(".toml"): entry
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by its name, or from a TOML file of one's own.

    Raises:
        InputError: if there is none, or a setting is missing, unknown or out of range.
    """
    path = Path(name_or_path)
    files = {name: file for group in GROUPS for name, file in _recipe_files(group).items()}
    if path.suffix == ".toml":
        if not path.is_file():
            raise InputError(f'There is no recipe file "{path}".')
        text = path.read_text()
    elif name_or_path in files:
        text = files[name_or_path].read_text()
    else:
        raise InputError(
            f'There is no recipe "{name_or_path}". '
            f"Known: {recipes_text()}; or give the path of a .toml file."
        )
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f'The recipe "{name_or_path}" is not valid TOML: {error}.') from error
    return _validated(content, name_or_path)


def _validated(content: dict[str, Any], origin: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise _wrong_setting(origin, error) from error


def _wrong_setting(origin: str, error: ValidationError) -> InputError:
    """The first wrong setting, named."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    got = "" if isinstance(first.get("input"), dict) else f" (got {first.get('input')!r})"
    return InputError(f'The recipe "{origin}" has a wrong setting: `{where}`: {first["msg"]}{got}.')


def with_images(
    recipe: Recipe, place: str | None, *, split_file: str | None = None, name: str | None = None
) -> Recipe:
    """A recipe's settings for images at another place.

    What a recipe for images of one's own says of size, cropping and columns stays; one of a
    set that comes with ldviz keeps its size, share of members and seed.

    Args:
        recipe: the settings to start from.
        place: folder, archive or hub id, or None for the recipe's own; a path that is there
            is made absolute.
        split_file: npz file that says who is a member, or None for the recipe's way.
        name: of the study; None makes one of the place's.

    Raises:
        InputError: if the two do not go together.
    """
    content = recipe.model_dump()
    if place is not None:
        title = place_title(place)
        content["data"] |= {"source": OWN_IMAGES, "place": _absolute(place)}
        if not recipe.data.is_own:
            content["data"]["num_images"] = None
            content["analysis"]["stores_images"] = True
        content |= {
            "name": slug(title),
            "title": title,
            "description": f'Images of "{title}", by the settings of "{recipe.title}".',
        }
    if split_file is not None:
        content["data"]["split_file"] = _absolute(split_file)
    if name is not None:
        content["name"] = slug(name)
    return _validated(content, recipe.name)


def data_settings_for(name_or_place: str, /, **overrides: Any) -> DataSettings:
    """Settings of images by a recipe's name, a TOML file, or a place.

    Args:
        name_or_place: a folder or file that is there goes before a recipe of that name.
        overrides: fields of DataSettings that are set whatever the recipe says; None leaves
            them alone.

    Raises:
        InputError: if a setting is out of range.
    """
    path = Path(name_or_place)
    if path.suffix == ".toml" or (not path.exists() and name_or_place in recipe_names()):
        start = load_recipe(name_or_place).data.model_dump()
    else:
        start = {"place": name_or_place}
    start |= {key: value for key, value in overrides.items() if value is not None}
    for key in ("place", "split_file"):
        if start.get(key) is not None:
            start[key] = _absolute(start[key])
    try:
        return DataSettings.model_validate(start)
    except ValidationError as error:
        raise _wrong_setting(name_or_place, error) from error


def _absolute(place: str) -> str:
    """A path that is there, made absolute, so that the study can be continued from anywhere."""
    path = Path(place).expanduser()
    return str(path.resolve()) if path.exists() else place


def slug(title: str) -> str:
    """A title as a recipe's name: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or OWN_IMAGES
