"""``python -m ldviz findings``: what all studies at hand show, as text or JSON."""

from __future__ import annotations

from typing import Annotated

import typer


def findings(
    study: Annotated[
        list[str] | None,
        typer.Argument(help="Studies by name or path. Default: every one that can be found."),
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute everything, whatever is kept.")
    ] = False,
    compute: Annotated[
        bool,
        typer.Option("--compute", help="Run the model for attacks that nothing is stored of."),
    ] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the result beside each study, to travel with it.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help='For --compute: "cpu", "cuda", "mps"; default: the best.')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what the studies find: quartiles, masks, beta, complexity, with intervals."""
    from ldviz.jobs.terminal import terminal_progress
    from ldviz.study.findings_set import build_findings, save_findings
    from ldviz.study.findings_text import findings_text
    from ldviz.study.places import resolve_study, study_folders
    from ldviz.study.store import open_studies, open_study

    if study:
        opened = [open_study(resolve_study(name)) for name in study]
        studies, failures = {one.name: one for one in opened}, {}
    else:
        studies, failures = open_studies(study_folders())
    with terminal_progress() as progress:
        result = build_findings(
            studies,
            failures,
            num_resamples=resamples,
            seed=seed,
            fresh=fresh,
            compute=compute,
            device=device,
            progress=progress,
        )
    if save:
        for name, found in result.studies.items():
            save_findings(studies[name], found, result)
    typer.echo(result.model_dump_json(indent=1) if as_json else findings_text(result))
