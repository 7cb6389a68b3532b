"""Jobs that make a study: look at what a model and images are, then analyse them."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ldviz.jobs.record import JobRecord, find_records
from ldviz.jobs.start import start_job
from ldviz.progress import Progress
from ldviz.study.recipe import Recipe

Publish = Callable[[dict[str, Any]], None]
"""Told what a job has found out so far."""

ANALYSES = "analyze-"
_LOOKS = "look-"
_QUEUE = "studies"
"""Analyses wait for one another: each takes all cores, or the whole accelerator."""


def start_look(model: dict[str, Any], images: str, studies: Path, **data: Any) -> JobRecord:
    """Find out in the background what a model and images are, and what a study will cost.

    Args:
        model: fields of ModelSettings; ``source`` at least.
        images: a place, or the name of a recipe.
        studies: folder that the study would go to.
        data: further arguments of ``own_recipe``.

    Returns:
        The job's record; its ``result`` is what ``look_job`` publishes.
    """
    arguments = {
        "model": model,
        "images": images,
        "studies": str(studies.absolute()),
        "data": data,
    }
    key = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()
    return start_job(f"{_LOOKS}{key[:40]}", "look", arguments, model=f"{_LOOKS}{key[:20]}")


def start_analysis(
    folder: Path, recipe: Recipe | None = None, *, title: str | None = None
) -> JobRecord:
    """Analyse a model and images of one's own in the background, or continue where it stopped.

    Args:
        folder: of the study; one analysis at a time each.
        recipe: what to make; None takes the settings that the folder holds.
        title: for people; None takes the recipe's, else the folder's name.
    """
    arguments = {
        "folder": str(folder.absolute()),
        "title": title or (folder.name if recipe is None else recipe.title),
        "recipe": None if recipe is None else recipe.model_dump(mode="json"),
    }
    return start_job(analysis_key(folder), "analyze", arguments, model=_QUEUE)


def analysis_key(folder: Path) -> str:
    """Key of the job that analyses into a folder."""
    return ANALYSES + hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:40]


def analysis_records() -> list[JobRecord]:
    """Every analysis that this server or an earlier one started, the latest first."""
    return find_records(ANALYSES)


def look_job(arguments: dict[str, Any], progress: Progress, publish: Publish) -> None:
    """Publish the settings of the study, what was recognised, and what it will cost."""
    import numpy as np

    from ldviz.data.choose import choose_rows
    from ldviz.data.places import list_place
    from ldviz.data.sources import load_images
    from ldviz.data.splits import stratified_split
    from ldviz.models.card import ModelCard
    from ldviz.study.conditioning import sample_conditioning
    from ldviz.study.own import model_settings, own_recipe

    progress(0, 4, "looking at the model")
    model = model_settings(**arguments["model"])
    recipe, plan = own_recipe(model, arguments["images"], **arguments["data"])
    progress(1, 4, "looking at the images")
    data = recipe.data
    scratch = Path(tempfile.mkdtemp(prefix="ldviz-look-"))
    try:
        if data.is_own:
            listing = list_place(data, scratch)
            _, is_member = choose_rows(listing, data)
            place, ignored = listing.place, listing.ignored or {}
            has_captions, has_labels = listing.has_captions, listing.labels is not None
        else:
            images = load_images(data.source, data.image_size, data.num_images)
            is_member = stratified_split(
                images.sample_ids,
                images.labels,
                member_fraction=data.member_fraction,
                seed=data.seed,
            )
            place, ignored = "comes with ldviz", {}
            has_captions, has_labels = False, images.labels is not None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    card = ModelCard(conditioning=plan.conditioning, conditioning_used=model.conditioning)
    sample_conditioning(
        card, () if has_captions else None, np.empty(0, dtype=int) if has_labels else None
    )
    found = {
        "recipe": recipe.model_dump(mode="json"),
        "model": plan.lines(),
        "place": place,
        "members": int(is_member.sum()),
        "held_out": int((~is_member).sum()),
        "captions": has_captions,
        "classes": has_labels,
        "ignored": ignored,
        "cost": [],
    }
    publish(found)
    # Only from here on is the model loaded, and torch with it.
    from ldviz.study.build.analysis_cost import own_cost

    progress(1, 2, "trying some images, to see what it will cost")
    cost = own_cost(
        recipe,
        Path(arguments["studies"]) / recipe.name,
        progress=lambda done, total, what: progress(total + done, 2 * total, what),
    )
    publish(found | {"cost": cost.lines()})


def analyze_job(arguments: dict[str, Any], progress: Progress, publish: Publish) -> None:
    """Make or continue a study; blocks that are finished stay, whatever happens."""
    from ldviz.jobs.uploads import drop_upload
    from ldviz.study.build.analyze import analyze_own, analyze_study

    folder = Path(arguments["folder"])
    if arguments["recipe"] is None:
        study = analyze_study(folder, progress=progress)
    else:
        study = analyze_own(Recipe.model_validate(arguments["recipe"]), folder, progress=progress)
    drop_upload(study.manifest.data.settings.get("place"))
