"""A project's beginning: init."""

import json
from pathlib import Path
from typing import Annotated

import typer


def init_command(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="[DIR]",
            help="The folder, made if it isn't there. [default: this one]",
            show_default=False,
        ),
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Begin a project: settings, one workflow with its template and test, and sample data; all of it works at once.

    Nothing is replaced. The messages of the sample are files in data/outbox; nobody gets them.
    """
    from flows.definitions.folder import SCHEMAS, write_schemas
    from flows.project.begin import begin_project
    from flows.session import wall_clock

    beside = [f"data/{name}.schema.json" for name in SCHEMAS]
    written = [*begin_project(folder, wall_clock(), beside), *write_schemas(folder / "data")]
    steps = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    steps += ["onward validate", "onward test", "onward run", "onward report", "onward status"]
    if as_json:
        typer.echo(json.dumps({"written": [str(one) for one in written], "next": steps}, ensure_ascii=False))
        return
    typer.echo("Written:\n" + "\n".join(f"  {one}" for one in written))
    typer.echo("Next:\n" + "\n".join(f"  {one}" for one in steps))
