"""A message as it went out: made again of the sources and values that were kept of it, and held against its hash."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import zstandard

from flows.delivery.kept import compressed, content_hash, said_lines
from flows.delivery.letters import with_rules
from flows.delivery.open_ledger import ledger_file
from flows.delivery.policies import Way
from flows.delivery.send_ledger import SendLedger
from flows.delivery.writer import Prepared, Writer
from flows.errors import InputError
from flows.settings import Settings
from transforms.content.errors import ContentError
from transforms.content.templates import ContentSource, Rendered
from transforms.content.values import Values
from transforms.definitions.content_rules import Rule
from transforms.timing.durations import EPOCH

_ASKED = """
select sends.status, sends.state, coalesce(sends.detail, sends.note), sends.at, sends.recorded, sends.provider_id, said
from sends left join batches using (key) where sends.id = ? and sends.kind = 'message'
"""
_SAID_WITH = "select key, said from batches where key in (select key from sends where id = ?)"
_FORGET_SUBJECT = """
update sends set recorded = json_remove(recorded, '$.subject') where id = ? and recorded is not null
"""


@dataclass(frozen=True)
class WentOut:
    """A message as it went out.

    Attributes:
        message_id: its id.
        status: sent, failed, unknown, or how far it came.
        reason: what is to be said of that.
        at: when that was noted.
        provider_id: what the provider calls it.
        addressed: whom it went to and why: customer_id, to, workflow_id, branch; none where it was erased.
        recorded: subject, content_hash, template_version, variant, rules, sender.
        rendered: the message; None where nothing was kept of it, or it was erased.
        is_same: whether it is what the hash says that went out.
    """

    message_id: str
    status: str
    reason: str | None
    at: str
    provider_id: str | None
    addressed: dict[str, Any]
    recorded: dict[str, Any]
    rendered: Rendered | None
    is_same: bool


def read_message(settings: Settings, message_id: str) -> WentOut:
    """A message as it went out.

    Raises:
        InputError: nothing was handed over under that id.
        OnwardError: the send ledger can't be read.
    """
    with _handed_over(settings, message_id) as (ledger, found):
        status, state, reason, at, recorded, provider_id, said = found
        noted = json.loads(recorded or "{}")
        line = next((one for one in said_lines(said) if one["id"] == message_id), None)
        values = line and line["values"]
        rendered = _made_again(ledger, line) if line and values else None
    same = rendered is not None and content_hash(rendered) == noted.get("content_hash")
    when = (EPOCH + timedelta(microseconds=at)).isoformat()
    return WentOut(
        message_id,
        status or state.replace("_", " "),
        reason,
        when,
        provider_id,
        _addressed(values) if values else {},
        noted,
        rendered,
        same,
    )


def read_messages(settings: Settings, ids: Sequence[str]) -> dict[str, Rendered]:
    """Messages as they went out, by their ids; without those of which nothing is kept, or which can't be made again.

    Args:
        settings: where the send ledger lies.
        ids: of messages, as in the table.

    Raises:
        OnwardError: the send ledger can't be read.
    """
    file = ledger_file(settings)
    if not ids or not file.exists():
        return {}
    with SendLedger(file) as ledger:
        made = {one: _made_of(ledger, one) for one in ids}
    return {one: rendered for one, rendered in made.items() if rendered}


def _made_of(ledger: SendLedger, message_id: str) -> Rendered | None:
    lines = [one for _, said in ledger.query(_SAID_WITH, message_id) for one in said_lines(said)]
    line = next((one for one in lines if one["id"] == message_id and one["values"]), None)
    with suppress(ContentError):
        return _made_again(ledger, line) if line else None
    return None


def erase_message(settings: Settings, message_id: str) -> None:
    """Forget what a message said of its customer, in the send ledger.

    Raises:
        InputError: nothing was handed over under that id.
        OnwardError: the send ledger can't be written.
    """
    with _handed_over(settings, message_id) as (ledger, _):
        erase_values(ledger, [message_id])


@contextmanager
def _handed_over(settings: Settings, message_id: str) -> Generator[tuple[SendLedger, tuple[Any, ...]]]:
    """The open ledger, and what it has of a message.

    Raises:
        InputError: nothing was handed over under that id.
        OnwardError: the send ledger can't be read.
    """
    file = ledger_file(settings)
    if not file.exists():
        raise InputError(f"message {message_id!r}: nothing was ever handed over")
    with SendLedger(file) as ledger:
        found = ledger.query(_ASKED, message_id)
        if not found:
            raise InputError(
                f"message {message_id!r}: nothing was handed over under that id; ids are in the table messages"
            )
        yield ledger, found[0]


def _addressed(values: dict[str, Any]) -> dict[str, Any]:
    customer, execution = values["customer"], values["execution"]
    return {
        "customer_id": customer["customer_id"],
        "to": customer["email"],
        "workflow_id": execution["workflow_id"],
        "branch": execution["branch"],
    }


def erase_values(ledger: SendLedger, ids: Sequence[str]) -> int:
    """Forget what messages said of their customers: the values that were kept, and the subjects; how many that were.

    What became of them, and the hash of what they said, stays.
    """
    erased = 0
    with ledger.transaction():
        for name in ids:
            for key, said in ledger.query(_SAID_WITH, name):
                kept = [{**one, "values": None} if one["id"] == name else one for one in said_lines(said)]
                ledger.change("update batches set said = ? where key = ?", [(compressed(kept), key)])
            erased += ledger.change(_FORGET_SUBJECT, [(name,)])
    return erased


def _made_again(ledger: SendLedger, line: dict[str, Any]) -> Rendered:
    source = json.loads(_kept(ledger, line["template"]))
    rules = json.loads(_kept(ledger, line["rules_version"])) if line["rules_version"] else []
    source["attachments"] = tuple(source["attachments"])
    content = Prepared.of(ContentSource(**source)).content
    writer = Writer({}, _no_way, rules=[Rule.model_validate(one) for one in rules])
    rendered, _ = with_rules(writer, content, Values(**line["values"]), line["rules"])
    return rendered


def _kept(ledger: SendLedger, version: str) -> str:
    ((text,),) = ledger.query("select source from templates where version = ?", version)
    return zstandard.decompress(text).decode()


def _no_way(*_: str | None) -> Way:
    raise AssertionError("what is shown goes nowhere")
