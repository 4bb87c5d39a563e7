"""Messages made to be looked at or tried, for a customer of the store or somebody made up.

They are written as dispatch writes them, so what is looked at is what goes out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.definitions.templates import read_templates
from flows.delivery.chosen import with_choices
from flows.delivery.contents import ContentKey, read_contents
from flows.delivery.letters import Letter, write
from flows.delivery.planned import Planned
from flows.delivery.rules import load_rules
from flows.delivery.sources import writer_of
from flows.delivery.writer import Writer
from flows.errors import InputError
from flows.settings import Settings
from flows.store.winners import read_winners
from flows.warehouse import read_sql
from transforms.content.errors import ContentError
from transforms.content.samples import filters_by_name, sample_values
from transforms.content.templates import ContentSource, compile_content, used_names
from transforms.content.values import Values
from transforms.delivery.link_places import leading_nowhere
from transforms.delivery.steps import STEP
from transforms.people.addresses import AddressError
from transforms.tables.frames import INSTANT, Schema

_NOBODY = Values({}, {}, {})
_DUE: Schema = {
    **dict.fromkeys(("message_id", "execution_id", "workflow_id", "version", "branch", "step"), pl.String),
    **dict.fromkeys(("customer_id", "email", "template_id", "attributes", "trigger_properties"), pl.String),
    **dict.fromkeys(("at", "entered_at", "created_at"), INSTANT),
    "message_class": pl.String,
    "transactional": pl.Boolean,
    "tags": pl.List(pl.String),
}
"""The columns of `sql/delivery/messages.sql` that writing reads."""


@dataclass(frozen=True)
class Person:
    """A customer of the store, or somebody made up.

    Attributes:
        profile: `customer_id, email, attributes` (a JSON object), `created_at, tags`.
        executions: workflow → `execution_id, entered_at, trigger_properties` of the newest execution.
        items: what is recommended to somebody made up, a JSON array; None: what the table says.
    """

    profile: Mapping[str, Any]
    executions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    items: str | None = None


@dataclass(frozen=True)
class Made:
    """A message made of a plan, or why it can't be.

    Attributes:
        name: which one it is, in words.
        transactional: whether it may go without a way to unsubscribe.
        letter: the message.
        fault: why there is none.
    """

    name: str
    transactional: bool = False
    letter: Letter | None = None
    fault: str | None = None


def read_person(con: DuckDBPyConnection, customer_id: str) -> Person:
    """A customer of the store.

    Args:
        con: a connection to what is published.
        customer_id: whose profile to read.

    Raises:
        InputError: there is no such customer.
    """
    profiles = read_sql(con, "delivery/person.sql", customer=customer_id).to_dicts()
    if not profiles:
        raise InputError(
            f"--customer {customer_id}: no such customer; give the id of one that a run has loaded"
        )
    executions = read_sql(con, "delivery/newest_executions.sql", customer=customer_id).to_dicts()
    return Person(profiles[0], {one["workflow_id"]: one for one in executions})


def make_messages(
    settings: Settings, planned: Sequence[Planned], person: Person | None, at: datetime, prefix: str
) -> list[Made]:
    """Messages made as dispatch makes them, each variant for itself, first the one that dispatch would choose.

    Their links look like those that go out and lead nowhere: whoever follows one, or a program that looks through
    mails, unsubscribes nobody.

    Args:
        settings: whom messages are from, where templates and rules lie.
        planned: which messages.
        person: for whom; None: for somebody made up, who has something for every name that a message uses.
        at: the present, UTC.
        prefix: what the ids of the messages begin with.

    Raises:
        InputError: the templates or the content folder can't be read, or a secret of the links isn't there.
        ArchiveError: the winners can't be read.
    """
    messages = {one.key: one.message for one in planned}
    contents = read_contents(read_templates(settings.templates), messages)
    rules = load_rules(settings.content).rules
    writer = writer_of(settings, contents, rules)
    writer = replace(writer, places=leading_nowhere(writer.places), trap=lambda mail: mail)
    sampled = [person or _somebody(contents, one) for one in planned]
    rows = [
        _row(one, who, at, f"{prefix}-{n}") for n, (one, who) in enumerate(zip(planned, sampled, strict=True))
    ]
    due = pl.DataFrame(rows, _DUE, orient="row")
    chosen = with_choices(settings, due, messages, rules, read_winners(settings)).to_dicts()
    for row, who in zip(chosen, sampled, strict=True):
        row["items"] = who.items or row["items"]
    return [
        made
        for one, row in zip(planned, chosen, strict=True)
        for made in _made(writer, one, row, is_real=person is not None)
    ]


def _somebody(contents: Mapping[ContentKey, ContentSource | ContentError], planned: Planned) -> Person:
    """Somebody who has something for every name that the message, or its first variant, uses."""
    values = _NOBODY
    for (key, _), source in contents.items():
        if key == planned.key and isinstance(source, ContentSource):
            with suppress(ContentError):  # which writing it tells
                compiled = compile_content(source)
                values = sample_values(used_names(compiled), filters_by_name(compiled))
                break
    profile: dict[str, Any] = {
        "customer_id": "sample",
        "email": "anna@example.com",
        "attributes": json.dumps(dict(values.attributes)),
        "created_at": None,
        "tags": [],
    }
    started = {
        "execution_id": "sample",
        "entered_at": None,
        "trigger_properties": json.dumps(dict(values.event)),
    }
    return Person(profile, {planned.key[0]: started}, json.dumps(list(values.items)))


def _row(planned: Planned, person: Person, at: datetime, message_id: str) -> dict[str, Any]:
    """What a pending message's row would be."""
    workflow, execution = planned.workflow, person.executions.get(planned.key[0], {})
    return {
        **dict(zip(STEP, planned.key, strict=True)),
        **person.profile,
        "message_id": message_id,
        "execution_id": execution.get("execution_id", "sample"),
        "entered_at": execution.get("entered_at") or at,
        "trigger_properties": execution.get("trigger_properties"),
        "template_id": planned.message.template_id,
        "at": at,
        "message_class": workflow and workflow.message_class,
        "transactional": workflow is not None and workflow.transactional,
    }


def _made(writer: Writer, planned: Planned, row: dict[str, Any], *, is_real: bool) -> Iterator[Made]:
    """The message, or each of its variants, the customer's own first."""
    own = row["variant"]
    names = [own, *(one.name for one in planned.message.variants if one.name != own)]
    for number, variant in enumerate(names):
        given = {**row, "variant": variant, "message_id": f"{row['message_id']}-{number}"}
        which = "" if variant is None else f", variant {variant}"
        chosen = " (the one that this customer gets)" if variant and variant == own and is_real else ""
        yield _written(writer, given, f"{planned.name}{which}{chosen}")


def _written(writer: Writer, row: dict[str, Any], name: str) -> Made:
    try:
        return Made(name, row["transactional"], write(writer, row))
    except (AddressError, ContentError) as error:
        return Made(name, fault=str(error))
