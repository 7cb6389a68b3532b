"""The command line: ``python -m ldviz train|analyze|report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ldviz.errors import CancelledError, LdvizError

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
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or path of a .toml file.")],
    out: Annotated[Path | None, typer.Option(help="Study folder; default: ./studies/NAME.")] = None,
    device: Device = None,
) -> None:
    """Train the models of a study; resumes where it was interrupted."""
    from ldviz.jobs.terminal import terminal_progress
    from ldviz.study.recipe import load_recipe

    settings = load_recipe(recipe)
    folder = out or Path("studies") / settings.name
    from ldviz.study.build.train import train_study

    with terminal_progress() as progress:
        record = train_study(settings, folder, device=device, progress=progress)
    kept = next(entry for entry in record.evaluations if entry["kept"])
    typer.echo(
        f"Trained {settings.name} in {record.seconds:.0f} s; kept epoch {kept['epoch']} "
        f"(SimA AUC {kept['best_auc']:.3f} at its best timestep). "
        f"Next: python -m ldviz analyze {folder}"
    )


@app.command()
def analyze(
    study: Annotated[str, typer.Argument(help="A study's folder, or its name.")],
    device: Device = None,
) -> None:
    """Compute geometry and attack vectors of a trained study; resumes where interrupted."""
    from ldviz.jobs.terminal import terminal_progress
    from ldviz.study.places import resolve_study

    folder = resolve_study(study)
    from ldviz.study.build.analyze import analyze_study

    with terminal_progress() as progress:
        finished = analyze_study(folder, device=device, progress=progress)
    typer.echo(
        f"Analysed {finished.name}: {finished.num_samples} samples, d = {finished.latent_dim}. "
        f"Next: python -m ldviz report {folder}"
    )


def main() -> None:
    """Run the command line; input at fault ends with one message and exit code 2."""
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
