"""Settings of a study of a model and images of one's own, from as little as two places.

Imports no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ldviz.data.settings import DataSettings, place_title
from ldviz.errors import InputError
from ldviz.models.plan import ModelPlan, plan_model
from ldviz.models.settings import ModelSettings
from ldviz.study.recipe import (
    AnalysisSettings,
    Recipe,
    data_settings_for,
    load_recipe,
    recipe_names,
    slug,
)

_COLOURS = {1: "grey", 3: "rgb"}


def model_settings(source: str, **settings: Any) -> ModelSettings:
    """Settings of a model; paths that are there are made absolute, None leaves the default.

    Raises:
        InputError: if one is unknown or out of range.
    """
    given = {"source": source, **settings}
    for name in ("source", "denoiser", "scheduler"):
        if given.get(name) and Path(given[name]).expanduser().exists():
            given[name] = str(Path(given[name]).expanduser().resolve())
    try:
        return ModelSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"`{where}`: {first['msg']} (got {first['input']!r}).") from error


def own_recipe(
    model: ModelSettings,
    images: str,
    *,
    name: str | None = None,
    timesteps: tuple[int, ...] | None = None,
    **data: Any,
) -> tuple[Recipe, ModelPlan]:
    """All settings of a study of one's own.

    What neither the caller nor a recipe says is taken from the model: the size of its images
    and whether they are grey.

    Args:
        model: which one.
        images: a place, or the name or path of a recipe whose images, split and analysis
            are taken.
        name: of the study; None makes one of the two places'.
        timesteps: where SimA's vectors are stored; None takes the recipe's or the default.
        data: fields of DataSettings that are set whatever the recipe says.

    Returns:
        The settings, and the parts that the model was found to have.

    Raises:
        ModelError: if the model is incomplete or cannot be used.
        InputError: if a setting is out of range.
    """
    plan = plan_model(model)
    known = _recipe(images)
    chosen = data_settings_for(images, **data)
    analysis = known.analysis if known is not None else AnalysisSettings()
    if known is None:
        chosen = _as_the_model_takes_them(chosen, plan)
    if timesteps is not None:
        analysis = analysis.model_copy(update={"timesteps": timesteps})
    title = f"{_model_title(model)} on {known.title if known else place_title(images)}"
    return (
        Recipe(
            name=slug(name or title),
            title=name or title,
            description=_description(plan, model),
            data=chosen,
            model=model,
            analysis=analysis,
        ),
        plan,
    )


def _recipe(images: str) -> Recipe | None:
    """The recipe that ``images`` names, by the rules of ``data_settings_for``."""
    is_file = images.endswith(".toml") and Path(images).is_file()
    if is_file or (not Path(images).exists() and images in recipe_names()):
        return load_recipe(images)
    return None


def _as_the_model_takes_them(chosen: DataSettings, plan: ModelPlan) -> DataSettings:
    said, changes = chosen.model_fields_set, {}
    if "image_size" not in said and plan.image_size() is not None:
        changes["image_size"] = plan.image_size()
    if "colour" not in said and plan.image_channels() in _COLOURS:
        changes["colour"] = _COLOURS[plan.image_channels()]
    return chosen.model_copy(update=changes)


def _model_title(model: ModelSettings) -> str:
    """The last part of the source's place that says something."""
    parts = [part for part in Path(model.source).parts if part not in ("/", "vae", "vqvae")]
    return Path(parts[-1]).stem if parts else model.source


def _description(plan: ModelPlan, model: ModelSettings) -> str:
    told = {"text": ", conditioned on captions", "class": ", conditioned on classes"}
    if plan.conditioning is None:
        words = ""
    elif model.conditioning == "empty":
        words = ", given none of the captions or classes that it is conditioned on"
    else:
        words = told[plan.conditioning]
    kind = {"paper": "checkpoints in the paper's layout", "parts": "parts of diffusers"}
    what = kind.get(plan.kind, f"a {plan.kind}")
    if "denoiser" not in plan.parts:
        words = ", without a denoiser: geometry alone"
    return f"A model that was there already: {what}{words}."
