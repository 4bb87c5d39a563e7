"""What waits to be sent, and what people decide about it: outbox and its commands."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.commands.shared import SettingsFile, counted, settings_of
from flows.delivery.kinds import EVERYTHING
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
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@app.callback(invoke_without_command=True)
def outbox_command(context: typer.Context, as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """What waits to be sent, what isn't sent and why, and what to do about it."""
    if context.invoked_subcommand:
        context.obj = _Given(settings, as_json)
        return
    from flows.delivery.standing import read_standing

    standing = read_standing(settings_of(settings))
    typer.echo(_as_json(standing) if as_json else _in_words(standing))


@app.command("retry")
def retry_command(
    context: typer.Context, ids: Ids = None, as_json: AsJson = False, settings: SettingsFile = None
) -> None:
    """Try again, with the next run, what has failed or was put off by its provider."""
    from flows.delivery.standing import retry

    given = _given(context, settings, as_json)
    things = retry(settings_of(given.settings), ids or ())
    given.say({"retried": things}, f"{counted(things, 'thing')} will be tried by the next run")


@app.command("resolve")
def resolve_command(
    context: typer.Context,
    became: Annotated[
        Literal["sent", "failed", "again"],
        typer.Option(
            "--as",
            help="What you found out: it was sent, it failed, or it surely wasn't taken and shall go out again.",
        ),
    ],
    ids: Ids = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """Say what became of messages that were handed over without an answer, and are held as unknown."""
    from flows.delivery.standing import resolve

    given = _given(context, settings, as_json)
    things = resolve(settings_of(given.settings), ids or (), became)
    given.say({"resolved": things, "as": became}, f"{counted(things, 'thing')} resolved as: {became}")


@app.command("hold")
def hold_command(
    context: typer.Context, scopes: Scopes = None, as_json: AsJson = False, settings: SettingsFile = None
) -> None:
    """Let nothing of a workflow, or nothing at all, go out until it is released; it expires by max_send_delay."""
    from flows.delivery.standing import hold

    given = _given(context, settings, as_json)
    hold(settings_of(given.settings), scopes or ())
    given.say({"held": scopes or [EVERYTHING]}, f"held: {', '.join(scopes or ['everything'])}")


@app.command("release")
def release_command(
    context: typer.Context, scopes: Scopes = None, as_json: AsJson = False, settings: SettingsFile = None
) -> None:
    """Let go out again what was held."""
    from flows.delivery.standing import release

    given = _given(context, settings, as_json)
    freed = release(settings_of(given.settings), scopes or ())
    if not freed:
        raise InputError("nothing is held")
    given.say({"released": freed}, f"released: {_named(freed)}")


@dataclass(frozen=True)
class _Given:
    """Options that may stand before a command's name or after it."""

    settings: Path | None
    as_json: bool

    def say(self, told: dict[str, Any], sentence: str) -> None:
        typer.echo(json.dumps(told, ensure_ascii=False) if self.as_json else sentence)


def _given(context: typer.Context, settings: Path | None, as_json: bool) -> _Given:
    before: _Given = context.obj
    return _Given(settings or before.settings, as_json or before.as_json)


def _named(scopes: Sequence[str]) -> str:
    return ", ".join("everything" if one == EVERYTHING else one for one in scopes)


def _as_json(standing: "Standing") -> str:
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
        lines.append(f"held: {_named(standing.held)}")
    return "\n".join(lines) or "nothing was ever handed over, and nothing waits"
