"""The engine behind the oracle's interface: a `Case` in, a `Result` out, in one tick or many."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from pydantic import TypeAdapter

from tests.semantics.cases import Case, Result, Row
from transforms.definitions.patterns import Pattern
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.definitions.triggers import Goal
from transforms.definitions.workflow import Workflow
from transforms.engine.decide import decide as decide_tick
from transforms.engine.fold import fold, fold_attributes, replaced
from transforms.engine.lanes.memory import Observer
from transforms.engine.state import Cap, Facts, State, Tick, empty_state
from transforms.engine.tally import Tally
from transforms.program.compile import compile_program
from transforms.program.model import Program
from transforms.signals.evaluate import evaluate_signals
from transforms.tables.frames import (
    AMOUNTS,
    ATTRIBUTES,
    BEHAVIORS,
    CUSTOMERS,
    EVENTS,
    INTRODUCTIONS,
    TAGS,
    WRITES,
)
from transforms.timing.instants import BLANKS, instant_of

MICROSECOND = timedelta(microseconds=1)
FIRST, LAST = (one.replace(tzinfo=UTC) for one in (datetime.min, datetime.max))
COLUMNS = ("email", "timezone")
NO_ATTRIBUTES = ("customer_id", "created_at")


def decide(case: Case, boundaries: Sequence[datetime] = (), observer: Observer | None = None) -> Result:
    """Decide the case with ticks that end at `boundaries` and at its end; an observer notes what they ask.

    What a tally counted is in the result, too.
    """
    program = program_of(case)
    events = [one for one in first_of_each_id(case.events) if one["ts"] <= case.end]
    history = [one for one in events if case.start and one["ts"] < case.start]
    state, amounts = with_history(state_of(case.customers), history), pl.DataFrame(schema=AMOUNTS)
    caps = [Cap(*one) for one in case.caps]
    result = Result(counts=counted(case, events))
    left = [one for one in events if not (case.start and one["ts"] < case.start)]
    before, began = None, case.start or min((one["ts"] for one in events), default=None)
    since = case.start - MICROSECOND if case.start else None
    for now in sorted({one for one in boundaries if began is None or one >= began} | {case.end}):
        present, left = [one for one in left if one["ts"] <= now], [one for one in left if one["ts"] > now]
        fresh = present if before else [*history, *present]
        signals = evaluate_signals(
            program.signals, behaviors(program, events, fresh, before, now, case.start), amounts,
            since=before, until=now, emit_from=before or case.start,
        )  # fmt: skip
        amounts = replaced(amounts, signals.amounts(), ["customer_id", "key"])
        facts, tick = (
            facts_of(present, program, [] if before else history),
            Tick(now, since, began, caps, case.timezone),
        )
        decided = decide_tick(program, state, facts, signals, tick, observer)
        state = fold(state, decided, facts.writes, tick)
        collect(result, decided)
        before = since = now
    if isinstance(observer, Tally):
        result.considered.update(
            {(row["workflow_id"], row["place"]): row["facts"] for row in observer.counted().to_dicts()}
        )
    return finished(case, result, state)


def program_of(case: Case) -> Program:
    patterns = TypeAdapter(dict[str, Pattern]).validate_python(case.patterns)
    quiet = [QuietHours.model_validate(case.quiet_hours)] if case.quiet_hours else []
    window = [SendWindow.model_validate(case.send_window)] if case.send_window else []
    files = [{key: value for key, value in one.items() if key != "counted"} for one in case.workflows]
    workflows = [Workflow.model_validate(one) for one in files]
    counted = {
        one["workflow_id"]: Goal.model_validate(one["counted"]) for one in case.workflows if "counted" in one
    }
    return compile_program(workflows, (), patterns, [*quiet, *window], counted)


def behaviors(
    program: Program,
    events: list[Row],
    fresh: list[Row],
    since: datetime | None,
    until: datetime,
    start: datetime | None,
) -> pl.DataFrame:
    """The events that act in the tick, and those of before that enter or leave a window in it."""
    again = [
        one
        for one in events
        if since and one["ts"] <= since
        if any(
            one["name"] in names and since < one["ts"] + timedelta(microseconds=shift) <= until
            for shift, names in program.signals.shifts().items()
        )
    ]
    rows = [
        {name: one.get(name) for name in BEHAVIORS}
        | {"at": one["ts"], "acts": not (start and one["ts"] < start), "fresh": is_fresh}
        for is_fresh, some in ((True, fresh), (False, again))
        for one in some
        if one["type"] == "behavioral"
    ]
    return pl.DataFrame(rows, schema=BEHAVIORS)


def first_of_each_id(events: list[Row]) -> list[Row]:
    seen: dict[str, Row] = {}
    for one in events:
        seen.setdefault(one["event_id"], one)
    return list(seen.values())


def with_history(state: State, history: list[Row]) -> State:
    attributes = fold_attributes(state.attributes, write_frame(history))
    return State(**{**state.__dict__, "attributes": attributes})


def state_of(customers: list[Row]) -> State:
    rows = [
        {"customer_id": one["customer_id"], "known": True, "created_at": one["created_at"], "since": None}
        for one in customers
    ]
    attributes = [
        {"customer_id": one["customer_id"], "attribute": key, "value": json.dumps(value), "set_at": None}
        for one in customers
        for key, value in {**(one["attributes"] or {}), **columns_of(one)}.items()
    ]
    tags = [{"customer_id": one["customer_id"], "tag": tag} for one in customers for tag in set(one["tags"])]
    fresh = empty_state()
    return State(
        pl.DataFrame(rows, schema=CUSTOMERS),
        pl.DataFrame(attributes, schema=ATTRIBUTES),
        pl.DataFrame(tags, schema=TAGS),
        fresh.executions,
        fresh.entries,
        fresh.sends,
    )


def columns_of(customer: Row) -> Row:
    """What a customer file has columns for, and is an attribute like others."""
    return {name: customer[name] for name in COLUMNS if customer.get(name) is not None}


def facts_of(events: list[Row], program: Program, history: Sequence[Row] = ()) -> Facts:
    """The facts of a tick; of the history, which the first one has, only whom it introduces."""
    return Facts(event_frame(events, program), write_frame(events), introductions([*history, *events]))


def introductions(events: list[Row]) -> pl.DataFrame:
    rows = [
        {name: one[name] for name in ("event_id", "customer_id", "ts")}
        | {"at": one.get("at", one["ts"]), "created_at": earliest(one["attributes"] or {})}
        for one in events
        if introduces(one)
    ]
    return pl.DataFrame(rows, schema=INTRODUCTIONS)


def introduces(event: Row) -> bool:
    email = (event["attributes"] or {}).get("email")
    called = event["type"] == "behavioral" and event["name"] == "identify"
    return called or (isinstance(email, str) and bool(email.strip(BLANKS)))


def earliest(traits: Row) -> datetime | None:
    found = [instant_of(traits.get(name)) for name in ("createdAt", "created_at")]
    return min((one for one in found if one), default=None)


def event_frame(events: list[Row], program: Program) -> pl.DataFrame:
    rows = [
        {**one, "at": one.get("at", one["ts"]), "properties": json.dumps(one["properties"])}
        | {f"event.{name}": prop(one, name) for name in program.properties}
        for one in events
    ]
    schema = {**EVENTS, **{f"event.{name}": pl.String for name in program.properties}}
    return pl.DataFrame([{key: row[key] for key in schema} for row in rows], schema=schema)


def prop(event: Row, name: str) -> str | None:
    given: Any = (event["properties"] or {}).get(name)
    if given is None and name == "value":
        given = event["value"]
    return None if given is None else json.dumps(given)


def write_frame(events: list[Row]) -> pl.DataFrame:
    rows = [
        {
            "event_id": one["event_id"],
            "customer_id": one["customer_id"],
            "ts": one["ts"],
            "at": one.get("at", one["ts"]),
        }
        | {"ordinal": ordinal, "attribute": name, "value": json.dumps(value)}
        for one in events
        for ordinal, name, value in writes_of(one)
    ]
    return pl.DataFrame(rows, schema=WRITES)


def writes_of(event: Row) -> list[tuple[int, str, Any]]:
    own = [(0, event["name"], (event["properties"] or {}).get("new_value"))]
    carried = sorted((event["attributes"] or {}).items())
    every = own * (event["type"] == "attribute_change") + [(1 + i, *one) for i, one in enumerate(carried)]
    return [one for one in every if one[1] not in NO_ATTRIBUTES]


def counted(case: Case, events: list[Row]) -> dict[str, int]:
    known: dict[str, datetime] = {}
    for one in events:
        if introduces(one):
            known[one["customer_id"]] = min(one["ts"], known.get(one["customer_id"], one["ts"]))
    known |= {one["customer_id"]: one["created_at"] or FIRST for one in case.customers}
    acting = [one for one in events if not (case.start and one["ts"] < case.start)]
    return {"unknown_customer": sum(one["ts"] < known.get(one["customer_id"], LAST) for one in acting)}


def collect(result: Result, decided: Any) -> None:
    ended = {row["execution_id"]: row for row in decided.executions.to_dicts()}
    result.executions = [one for one in result.executions if one["execution_id"] not in ended] + list(
        ended.values()
    )
    for table in ("steps", "messages", "webhooks", "refusals", "goal_hits"):
        getattr(result, table).extend(getattr(decided, table).to_dicts())


def finished(case: Case, result: Result, state: State) -> Result:
    frames = (state.customers, state.attributes, state.tags)
    owners = [one for frame in frames for one in frame["customer_id"].to_list()]
    given = {one["customer_id"]: one["attributes"] or {} for one in case.customers}
    result.profiles = {one: {"attributes": {}, "tags": []} for one in owners}
    for row in state.attributes.filter(
        pl.col("value").is_not_null() & (pl.col("value") != "null")
    ).to_dicts():
        owner, name = row["customer_id"], row["attribute"]
        value = json.loads(row["value"]) if row["set_at"] else given[owner].get(name)
        if value is not None:
            result.profiles[owner]["attributes"][name] = value
    for row in state.tags.sort("tag").to_dicts():
        result.profiles[row["customer_id"]]["tags"].append(row["tag"])
    return result
