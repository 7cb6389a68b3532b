"""What an analysis starts from: a trained folder, or a model and images of one's own."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ldviz.attacks.registry import check_timestep_in_range
from ldviz.errors import DataError, InputError, LdvizError, StudyError
from ldviz.models.card import ModelCard, model_card
from ldviz.models.digest import model_digest, plan_digest
from ldviz.models.fingerprint import model_fingerprint
from ldviz.models.load import load_model, load_plan
from ldviz.models.plan import plan_model
from ldviz.models.protocol import LatentModel, check_model
from ldviz.progress import Progress, no_progress
from ldviz.study.blocks import write_atomically
from ldviz.study.build.images import SplitImages, load_split
from ldviz.study.build.train import TrainingRecord
from ldviz.study.conditioning import sample_conditioning
from ldviz.study.recipe import Recipe
from ldviz.study.schema import ModelEntry

SETTINGS_FILE = "settings.json"
"""In a study of a model of one's own: what it was made from, so that it can be continued."""


@dataclass(frozen=True)
class Analysis:
    """Everything that an analysis starts from.

    Attributes:
        folder: of the study.
        recipe: all settings.
        record: of the training; None for a model that was there already.
        split: images and who is a member.
        model: ready to compute.
        entry: what the manifest says of the model.
        conditioning: one caption or class per image, in their order, or None.
    """

    folder: Path
    recipe: Recipe
    record: TrainingRecord | None
    split: SplitImages
    model: LatentModel
    entry: ModelEntry
    conditioning: np.ndarray | None = None

    @property
    def conditioning_sha256(self) -> str | None:
        """Digest of the captions or classes; None where there are none."""
        if self.conditioning is None:
            return None
        return hashlib.sha256(json.dumps(self.conditioning.tolist()).encode()).hexdigest()

    @property
    def has_denoiser(self) -> bool:
        """Whether there is anything to attack."""
        return self.model.num_train_timesteps > 0


def prepare_analysis(
    folder: Path, *, device: str | None = None, progress: Progress = no_progress
) -> Analysis:
    """Read a folder that ``train`` or an earlier ``analyze`` left, checked to be unchanged.

    Raises:
        StudyError: if the folder holds neither a finished training nor such settings.
        DataError: if the images or the split are no longer the ones trained on.
        ModelError: if the weights cannot be read.
    """
    own = _read_settings(folder)
    if own is not None:
        return prepare_own(own, folder, device=device, progress=progress)
    file = folder / "training.json"
    if not file.is_file():
        raise StudyError(
            f'"{folder}" holds no finished training (training.json). '
            "Run: python -m ldviz train NAME"
        )
    try:
        record = TrainingRecord.model_validate_json(file.read_text())
        recipe = Recipe.model_validate(record.recipe)
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise StudyError(
            f'"{file}" cannot be read: {error}. Restore it, or train again.'
        ) from error
    split = load_split(recipe.data, folder, device=device)
    for name, now, then in (
        ("images", split.images_sha256, record.images_sha256),
        ("split", split.split_sha256, record.split_sha256),
    ):
        if now != then:
            raise DataError(
                f'The {name} of "{recipe.name}" are not the ones that it was trained on '
                f"(SHA-256 {now[:12]}…, then {then[:12]}…). Membership would be meaningless; "
                "install the pinned requirements, or train again."
            )
    model = load_model(folder, image_shape=split.images.image_shape, device=device)
    entry = ModelEntry(**model_card(model).model_dump(), sha256=model_digest(folder))
    return Analysis(folder, recipe, record, split, model, entry)


def prepare_own(
    recipe: Recipe,
    folder: Path,
    *,
    model: LatentModel | None = None,
    split: SplitImages | None = None,
    device: str | None = None,
    progress: Progress = no_progress,
) -> Analysis:
    """A model that is there already and images of one's own; settings are kept in the folder.

    Args:
        recipe: with ``model``; that of ``data`` is used unless ``split`` is given.
        folder: of the study, made if missing; what this call made is removed if it fails.
        model: a Python object that takes the place of ``recipe.model``.
        split: images that are in memory already.
        device, progress: as for ``analyze_own``.

    Raises:
        InputError: if the recipe names no model, or lacks what the model is conditioned on.
        StudyError: if the folder holds another study.
        ModelError, DataError: if the model or the images cannot be read or do not fit.
    """
    check_claim(folder, recipe)
    with _removed_on_failure(folder):
        if model is not None:
            loaded = check_model(model)
            split = split or load_split(recipe.data, folder, device=device, progress=progress)
            _check_shape(loaded, split)
            entry = _object_entry(loaded)
        else:
            if recipe.model is None:
                raise InputError(_no_model(recipe))
            # Whatever is wrong with the model is told before a single image is read.
            plan = plan_model(recipe.model)
            split = split or load_split(recipe.data, folder, device=device, progress=progress)
            loaded = load_plan(plan, image_shape=split.images.image_shape, device=device)
            entry = ModelEntry(
                **loaded.card.model_dump(),
                sha256=plan_digest(plan),
                origin="settings",
                settings=recipe.model,
            )
        conditioning = sample_conditioning(entry, split.images.captions, split.images.labels)
        if loaded.num_train_timesteps:
            for timestep in recipe.analysis.timesteps:
                check_timestep_in_range(timestep, loaded.num_train_timesteps)
        write_atomically(folder / SETTINGS_FILE, recipe.model_dump_json(indent=1).encode())
    return Analysis(folder, recipe, None, split, loaded, entry, conditioning)


def _no_model(recipe: Recipe) -> str:
    """Why a recipe cannot be analysed without further ado."""
    if recipe.autoencoder is not None:
        return (
            f'The recipe "{recipe.name}" trains its own models. '
            f"Run: python -m ldviz train {recipe.name}"
        )
    return (
        f'The recipe "{recipe.name}" names no model. Add a [model] section; a Python object is '
        "analysed from Python (docs/models.md)."
    )


def _object_entry(model: LatentModel) -> ModelEntry:
    """A Python object is told by its own digest, or by what it computes."""
    digest = getattr(model, "digest", None) or model_fingerprint(model)
    card: ModelCard = model_card(model)
    return ModelEntry(**card.model_dump(), sha256=str(digest), origin="object")


def _check_shape(model: LatentModel, split: SplitImages) -> None:
    if tuple(model.image_shape) != tuple(split.images.image_shape):
        raise InputError(
            f"The model takes images of shape {tuple(model.image_shape)}, these have "
            f"{tuple(split.images.image_shape)} (channels, height, width). Resize or convert them."
        )


def _read_settings(folder: Path) -> Recipe | None:
    """The settings that an analysis of a model of one's own left; None if there are none."""
    file = folder / SETTINGS_FILE
    if not file.is_file():
        return None
    try:
        return Recipe.model_validate_json(file.read_text())
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise StudyError(
            f'"{file}" cannot be read: {error}. Restore it, or analyse into another folder.'
        ) from error


def check_claim(folder: Path, recipe: Recipe) -> None:
    """Raise StudyError if the folder holds a study of another model or of other images."""
    if (folder / "training.json").is_file():
        raise StudyError(
            f'"{folder}" holds a trained study. Choose another folder with --out or --name.'
        )
    present = _read_settings(folder)
    if present is not None and _source(present) != _source(recipe):
        raise StudyError(
            f'"{folder}" holds a study of another model or of other images. '
            "Choose another folder with --out or --name, or delete it."
        )
    if present is None and (folder / "manifest.json").exists():
        raise StudyError(
            f'"{folder}" holds a study that was not made this way. '
            "Choose another folder with --out or --name."
        )


def _source(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", include={"data", "model"})


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    """Leave nothing behind where bad input made a folder that was not there before."""
    was_there = folder.exists()
    try:
        yield
    except LdvizError:
        if not was_there:
            shutil.rmtree(folder, ignore_errors=True)
        raise
