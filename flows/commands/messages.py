"""Single messages: message."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import SettingsFile, settings_of
from flows.errors import InputError


def message_command(
    message_id: Annotated[
        str, typer.Argument(metavar="ID", help="The message's id, as in the table messages.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write its HTML part to a file.")
    ] = None,
    erase: Annotated[
        bool,
        typer.Option("--erase", help="Forget what it said of its customer; that it went out stays known."),
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Show a message as it went out: what it said, what of whom it was made, what became of it."""
    from flows.delivery.went_out import erase_message, read_message

    if erase:
        erase_message(settings_of(settings), message_id)
        typer.echo(
            f"{message_id}: what it said is erased from the send ledger; its subject stays in the tables"
        )
        return
    found = read_message(settings_of(settings), message_id)
    said = found.rendered
    if html and (said is None or said.html is None):
        raise InputError(f"--html {html}: the message has no HTML part, or what it was made of wasn't kept")
    told = {
        "message_id": found.message_id,
        "status": found.status,
        "reason": found.reason,
        "at": found.at,
        "provider_id": found.provider_id,
        **found.addressed,
        **found.recorded,
    }
    if as_json:
        parts = {"text": said and said.text, "html": said and said.html, "same_as_sent": found.is_same}
        typer.echo(json.dumps({**told, **parts}, ensure_ascii=False))
    else:
        for name, value in told.items():
            if value not in (None, []):
                typer.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
        typer.echo(f"\n{said.text}" if said else "\nwhat it was made of wasn't kept, or was erased")
        if said and not found.is_same:
            typer.echo(
                "note: this isn't exactly what went out; it was made by another version of Onward", err=True
            )
    if html and said and said.html is not None:
        html.write_text(said.html, encoding="utf-8")
        typer.echo(f"Written to {html}")
