"""The command line: ``python -m ldviz train|analyze|report|findings``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ldviz.cli_analyze import analyze, say_cost
from ldviz.cli_findings import findings
from ldviz.errors import CancelledError, LdvizError
from ldviz.study.recipe import load_recipe, recipes_text, with_images

app = typer.Typer(
    help="See how a latent diffusion model's memory follows the geometry of its decoder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Device = Annotated[str | None, typer.Option(help='"cpu", "cuda", "mps"; default: the best here.')]


@app.callback()
def options() -> None:
    """See how a latent diffusion model's memory follows the geometry of its decoder."""


@app.command()
def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help=f"Name of a recipe, or path of a .toml file. Recipes: {recipes_text()}."
        ),
    ],
    images: Annotated[
        str | None,
        typer.Option(help="Folder, zip or tar archive, saved data set or hub id to train on."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="npz file with mia_train_idxs (members) and mia_eval_idxs (held-out)."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Study folder; default: ./studies/NAME.")] = None,
    device: Device = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would cost, from a short trial.")
    ] = False,
) -> None:
    """Train the models of a study; resumes where it was interrupted."""
    from ldviz.jobs.terminal import terminal_progress

    settings = load_recipe(recipe)
    if images is not None or split is not None:
        settings = with_images(
            settings, images, split_file=split, name=None if out is None else out.name
        )
    folder = out or Path("studies") / settings.name
    if dry_run:
        from ldviz.study.build.training_cost import training_cost

        with terminal_progress() as progress:
            cost = training_cost(settings, folder, device=device, progress=progress)
        say_cost(cost)
        return
    from ldviz.study.build.train import train_study

    with terminal_progress() as progress:
        record = train_study(settings, folder, device=device, progress=progress)
    if record.images is not None:
        for line in record.images.lines():
            typer.echo(line)
    kept = next(entry for entry in record.evaluations if entry["kept"])
    typer.echo(
        f"Trained {settings.name} in {record.seconds:.0f} s; kept epoch {kept['epoch']} "
        f"(SimA AUC {kept['best_auc']:.3f} at its best timestep). "
        f"Next: python -m ldviz analyze {folder}"
    )


@app.command()
def report(
    study: Annotated[str, typer.Argument(help="A study's folder, or its name.")],
    drop_fraction: Annotated[
        float, typer.Option(help="Share of latent dimensions dropped, in [0, 1).")
    ] = 0.4,
    attack: Annotated[
        list[str] | None,
        typer.Option(help='Attack to report; repeatable; "all". Default: the stored ones.'),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(help="influence, random or highest; repeatable. Default: influence, random."),
    ] = None,
    timesteps: Annotated[
        str | None, typer.Option(help="Such as 0,50,100. Default: the stored ones.")
    ] = None,
    positive: Annotated[
        str, typer.Option(help='"member", or "held_out" for the paper code\'s convention.')
    ] = "member",
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    plugin: Annotated[
        list[str] | None, typer.Option(help="Module that registers further attacks; repeatable.")
    ] = None,
    device: Device = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX table.")] = False,
) -> None:
    """Print AUC, ASR and TPR at 1% FPR of each attack under each mask, with intervals."""
    import json

    from ldviz.attacks import load_plugins
    from ldviz.jobs.terminal import terminal_progress
    from ldviz.study.places import resolve_study
    from ldviz.study.report import (
        build_report,
        parse_attacks,
        parse_masks,
        parse_positive,
        parse_timesteps,
    )
    from ldviz.study.report_text import report_csv, report_latex, report_text
    from ldviz.study.store import open_study

    load_plugins(plugin or ())
    opened = open_study(resolve_study(study))
    with terminal_progress() as progress:
        result = build_report(
            opened,
            drop_fraction=drop_fraction,
            attacks=parse_attacks(attack or ()),
            timesteps=parse_timesteps(timesteps),
            masks=parse_masks(mask or ()),
            positive=parse_positive(positive),
            num_resamples=resamples,
            seed=seed,
            device=device,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(result, indent=1))
    elif as_csv:
        typer.echo(report_csv(result), nl=False)
    elif as_latex:
        typer.echo(report_latex(result))
    else:
        typer.echo(report_text(result))


app.command()(analyze)
app.command()(findings)


def main() -> None:
    """Run the command line; input at fault ends with one message and exit code 2."""
    from ldviz.jobs.terminal import is_main_process

    if not is_main_process():
        # One of several processes speaks for all; what goes wrong is told by each, on stderr.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    try:
        app()
    except CancelledError as error:
        typer.echo(str(error), err=True)
        sys.exit(130)
    except LdvizError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
