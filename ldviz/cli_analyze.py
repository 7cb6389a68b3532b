"""``python -m ldviz analyze``: a trained study, a recipe, or a model and images of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldviz.errors import InputError, StudyError
from ldviz.study.cost import Cost
from ldviz.study.recipe import Recipe, load_recipe, recipe_names


def analyze(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY|RECIPE|MODEL",
            help="A study's folder or name; a recipe that names its model; or, with --images, "
            "a model: a folder, vae_last.pt, or a hub id.",
        ),
    ],
    images: Annotated[
        str | None,
        typer.Option(
            help="Images for a model of your own: a folder, zip or tar archive, saved data set, "
            "hub id, or the name of a recipe."
        ),
    ] = None,
    denoiser: Annotated[
        str | None, typer.Option(help="Where the denoiser comes from, if not from MODEL.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Where the noise schedule comes from.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="npz file with mia_train_idxs (members) and mia_eval_idxs (held-out)."),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(min=1, help="Side in pixels. Default: the model's.")
    ] = None,
    num_images: Annotated[
        int | None, typer.Option(min=2, help="Keep that many, evenly spaced. Default: all.")
    ] = None,
    caption_column: Annotated[
        str | None, typer.Option(help="Column of a data set with the captions.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Column of a data set with the classes.")
    ] = None,
    conditioning: Annotated[
        str | None,
        typer.Option(help='"own" captions or classes (the default), or "empty" ones for all.'),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help='Compute in "float32" (the default), "float16", "bfloat16".')
    ] = None,
    variant: Annotated[str | None, typer.Option(help='Of the weights, such as "fp16".')] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of hub ids.")] = None,
    timesteps: Annotated[
        str | None, typer.Option(help="Where SimA's vectors are stored, such as 0,50,100.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the new study.")] = None,
    out: Annotated[Path | None, typer.Option(help="Study folder; default: ./studies/NAME.")] = None,
    device: Annotated[
        str | None, typer.Option(help='"cpu", "cuda", "mps"; default: the best here.')
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would cost, from a short trial.")
    ] = False,
) -> None:
    """Compute geometry and attack vectors; resumes where interrupted."""
    own = {
        "--denoiser": denoiser,
        "--scheduler": scheduler,
        "--split": split,
        "--image-size": image_size,
        "--num-images": num_images,
        "--caption-column": caption_column,
        "--label-column": label_column,
        "--conditioning": conditioning,
        "--precision": precision,
        "--variant": variant,
        "--revision": revision,
        "--timesteps": timesteps,
        "--name": name,
    }
    given = [option for option, value in own.items() if value is not None]
    if images is None:
        if given:
            raise InputError(
                f"{given[0]} belongs to a model of your own: give its images too, with --images. "
                "A trained study and a recipe say these things themselves."
            )
        _analyze_named(study, out, device, dry_run)
        return
    from ldviz.study.own import model_settings, own_recipe
    from ldviz.study.report import parse_timesteps

    settings = model_settings(
        study,
        denoiser=denoiser,
        scheduler=scheduler,
        conditioning=conditioning,
        precision=precision,
        variant=variant,
        revision=revision,
    )
    recipe, plan = own_recipe(
        settings,
        images,
        name=name or (None if out is None else out.name),
        timesteps=parse_timesteps(timesteps),
        split_file=None if split is None else str(Path(split).expanduser().resolve()),
        image_size=image_size,
        num_images=num_images,
        caption_column=caption_column,
        label_column=label_column,
    )
    for line in plan.lines():
        typer.echo(line)
    _analyze_recipe(recipe, out, device, dry_run)


def _analyze_named(study: str, out: Path | None, device: str | None, dry_run: bool) -> None:
    """A study that is there, else a recipe that names its model."""
    from ldviz.study.places import resolve_study

    if study.endswith(".toml"):
        _analyze_recipe(load_recipe(study), out, device, dry_run)
        return
    try:
        folder = resolve_study(study)
    except StudyError:
        recipe = load_recipe(study) if study in recipe_names() else None
        if recipe is None or recipe.model is None:
            raise
        _analyze_recipe(recipe, out, device, dry_run)
        return
    if out is not None:
        raise InputError("--out belongs to a recipe or a model: a study stays in its folder.")
    from ldviz.jobs.terminal import terminal_progress

    if dry_run:
        from ldviz.study.build.analysis_cost import analysis_cost

        with terminal_progress() as progress:
            cost = analysis_cost(folder, device=device, progress=progress)
        say_cost(cost)
        return
    from ldviz.study.build.analyze import analyze_study

    with terminal_progress() as progress:
        finished = analyze_study(folder, device=device, progress=progress)
    _say(finished, folder)


def _analyze_recipe(recipe: Recipe, out: Path | None, device: str | None, dry_run: bool) -> None:
    folder = out or Path("studies") / recipe.name
    from ldviz.jobs.terminal import terminal_progress

    if dry_run:
        from ldviz.study.build.analysis_cost import own_cost

        with terminal_progress() as progress:
            cost = own_cost(recipe, folder, device=device, progress=progress)
        say_cost(cost)
        return
    from ldviz.study.build.analyze import analyze_own

    with terminal_progress() as progress:
        finished = analyze_own(recipe, folder, device=device, progress=progress)
    if finished.manifest.data.report is not None:
        for line in finished.manifest.data.report.lines():
            typer.echo(line)
    _say(finished, folder)


def say_cost(cost: Cost) -> None:
    """What something would cost, and that nothing has been done."""
    for line in cost.lines():
        typer.echo(line)
    typer.echo("Nothing was written: this was a dry run.")


def _say(finished, folder: Path) -> None:
    next_step = (
        f"python -m ldviz report {folder}"
        if finished.default_attack is not None
        else "open the dashboard: its geometry is there; without a denoiser nothing is attacked"
    )
    typer.echo(
        f"Analysed {finished.name}: {finished.num_samples} samples, d = {finished.latent_dim}. "
        f"Next: {next_step}"
    )
