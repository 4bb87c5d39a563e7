"""What waits to be sent, and what people decide about it: outbox and its commands."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.commands.shared import SettingsFile, counted, settings_of
from flows.errors import InputError

if TYPE_CHECKING:
    from flows.delivery.standing import Standing

app = typer.Typer(help="What waits to be sent, what isn't sent and why, and what to do about it.")
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Ids of messages or webhook requests. [default: all]"),
]
Scopes = Annotated[
    list[str] | None,
    typer.Argument(metavar="[WORKFLOW|ID]...", help="Ids of workflows or messages. [default: everything]"),
]


@app.callback(invoke_without_command=True)
def outbox_command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """What waits to be sent, what isn't sent and why, and what to do about it."""
    if context.invoked_subcommand:
        return
    from flows.delivery.standing import read_standing

    standing = read_standing(settings_of(settings))
    typer.echo(_as_json(standing) if as_json else _in_words(standing))


@app.command("retry")
def retry_command(ids: Ids = None, settings: SettingsFile = None) -> None:
    """Try again, with the next run, what has failed or was put off by its provider."""
    from flows.delivery.standing import retry

    typer.echo(f"{counted(retry(settings_of(settings), ids or ()), 'thing')} will be tried by the next run")


@app.command("resolve")
def resolve_command(
    became: Annotated[
        Literal["sent", "failed", "again"],
        typer.Option(
            "--as",
            help="What you found out: it was sent, it failed, or it surely wasn't taken and shall go out again.",
        ),
    ],
    ids: Ids = None,
    settings: SettingsFile = None,
) -> None:
    """Say what became of messages that were handed over without an answer, and are held as unknown."""
    from flows.delivery.standing import resolve

    typer.echo(f"{counted(resolve(settings_of(settings), ids or (), became), 'thing')} resolved as: {became}")


@app.command("hold")
def hold_command(scopes: Scopes = None, settings: SettingsFile = None) -> None:
    """Let nothing of a workflow, or nothing at all, go out until it is released; it expires by max_send_delay."""
    from flows.delivery.standing import hold

    hold(settings_of(settings), scopes or ())
    typer.echo(f"held: {', '.join(scopes or ['everything'])}")


@app.command("release")
def release_command(scopes: Scopes = None, settings: SettingsFile = None) -> None:
    """Let go out again what was held."""
    from flows.delivery.standing import release

    freed = release(settings_of(settings), scopes or ())
    if not freed:
        raise InputError("nothing is held")
    typer.echo(f"released: {', '.join('everything' if one == '*' else one for one in freed)}")


def _as_json(standing: "Standing") -> str:
    import json

    told = {
        "counts": json.loads(standing.counts.write_json()),
        "reasons": json.loads(standing.reasons.write_json()),
        "held": standing.held,
    }
    return json.dumps(told, ensure_ascii=False)


def _in_words(standing: "Standing") -> str:
    lines = [
        f"{counted(things, kind)} {state}, the oldest of {oldest:%Y-%m-%d %H:%M:%S}"
        for kind, state, things, oldest in standing.counts.iter_rows()
    ]
    lines += [
        f"  {state}: {reason} — {things:,}, such as {example}"
        for _, state, reason, things, _, example in standing.reasons.iter_rows()
    ]
    if standing.held:
        lines.append(f"held: {', '.join('everything' if one == '*' else one for one in standing.held)}")
    return "\n".join(lines) or "nothing was ever handed over, and nothing waits"
