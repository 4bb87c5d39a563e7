"""Pending messages → letters, in the bytes of their sender, with what is noted of each."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import polars as pl

from flows.delivery.dispatch import Channel, Composed
from flows.delivery.kept import compressed, json_bytes
from flows.delivery.kinds import MESSAGES
from flows.delivery.letters import Letter, write
from flows.delivery.send_ledger import Part
from flows.delivery.senders.base import Outgoing, Sender
from flows.delivery.writer import Writer
from flows.errors import InputError
from transforms.content.errors import ContentError
from transforms.people.addresses import AddressError
from transforms.tables.frames import Schema

RECORDED: Schema = {
    **dict.fromkeys(("subject", "content_hash", "template_version", "variant"), pl.String),
    "rules": pl.List(pl.String),
    "sender": pl.String,
}
"""What the send ledger notes of each message, and the table of messages shows."""


def message_channel(writer: Writer, sender: Sender) -> Channel:
    """How messages go out: written one by one, and sent by `sender`.

    What is due has the columns of `sql/delivery/messages.sql`, and `variant`, `rules`, `items`.

    Args:
        writer: what letters are written with.
        sender: who carries the messages.
    """
    return Channel(MESSAGES, partial(_composed, writer, Bytes(sender.name, sender.prepare)), sender)


class Bytes(NamedTuple):
    """How a sender's messages become bytes."""

    sender: str
    prepare: Callable[[Sequence[Outgoing]], bytes]


def _composed(writer: Writer, made_by: Bytes, due: pl.DataFrame, limit: int) -> Composed:
    letters: list[Letter] = []
    failures: dict[str, str] = {}
    held_back: dict[str, str] = {}
    for row in due.to_dicts():
        try:
            letters.append(write(writer, row))
        except AddressError as error:
            held_back[row["message_id"]] = str(error)
        except ContentError as error:
            failures[row["message_id"]] = str(error)
    parts: list[Part] = []
    for start in range(0, len(letters), limit):
        parts += _parts(letters[start : start + limit], made_by, failures)
    return Composed(parts, failures, held_back)


def _parts(letters: Sequence[Letter], made_by: Bytes, failures: dict[str, str]) -> list[Part]:
    """Some letters in the bytes of their sender; one that has none is among the `failures`, and keeps no other back."""
    try:
        return [_part(letters, made_by)]
    except (InputError, ValueError) as error:
        if len(letters) == 1:
            failures[letters[0].mail.message_id] = str(error)
            return []
    half = len(letters) // 2
    return [part for some in (letters[:half], letters[half:]) for part in _parts(some, made_by, failures)]


def _part(letters: Sequence[Letter], made_by: Bytes) -> Part:
    return Part(
        made_by.prepare([one.mail for one in letters]),
        notes={one.mail.message_id: one.note for one in letters},
        recorded={one.mail.message_id: _noted(one, made_by.sender) for one in letters},
        domains={one.mail.message_id: one.mail.to.rpartition("@")[2] for one in letters},
        said=compressed([one.said for one in letters]),
    )


def _noted(letter: Letter, sender: str) -> str:
    return json_bytes({**letter.recorded, "sender": sender}).decode()
