"""Lanes → ledger rows and new state, once the waves are done."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import NEVER, Array, Bools, Ints
from transforms.columns.ids import execution_id, message_id
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.alarms import dates
from transforms.engine.lanes.memory import PAUSED, PHASES, REFUSALS, RUNNING, STATUSES, Lanes
from transforms.engine.layout.lay_out import Opened
from transforms.program.model import FOLLOW_UP_PROPERTIES
from transforms.tables.frames import ALARMS, ATTRIBUTES, EVENT_PREFIX, EXECUTIONS, GOAL_HITS, INSTANT, TRIGGER

_TAKEN = ["execution_id", "workflow_id", "version", "customer_id", "entered_at", "branch"]
_OWN = ["execution_id", "customer_id", "entered_at", "branch"]
"""What of `_TAKEN` differs from execution to execution; the rest follows from the step."""


@dataclass(frozen=True)
class Decided:
    """What a tick decided, as rows.

    Attributes:
        executions: one row per execution that started, ended or went on: `frames.EXECUTIONS`; running and paused ones
            also have the `event.X` columns the next tick needs. `step` is where one stands, or stood when it ended.
        steps: one row per logged outcome of a step: execution_id, workflow_id, version, customer_id, entered_at,
            branch, step, action_type, at, outcome.
        messages: one row per accepted message: message_id, execution columns, step, at, template_id,
            transactional, channel, message_class.
        webhooks: one row per queued request: webhook_id, execution columns, step, at, url, transactional,
            channel (null: no message), message_class.
        goal_hits: one row per fact that reached the goal of a customer's latest entry: `frames.GOAL_HITS`.
        refusals: one row per refused entry: workflow_id, customer_id, at, reason.
        attributes: one row per applied write of an attribute that workflows see: `frames.ATTRIBUTES`, in order.
        tags: one row per real change of a tag: customer_id, tag, added, at, in order.
        alarms: one row per customer and schedule by a date attribute that was armed anew, fired or disarmed:
            `frames.ALARMS`.
        introduced: one row per customer whom an event made known: `frames.INTRODUCED`.
        entries: one row per new execution, held out or not: `frames.ENTRIES`; `properties` and the `event.X` columns
            are those of the starting fact where a goal refers to it, else null.
        facts: how many events and follow-up facts the waves processed; how time is cut into ticks doesn't change it.
        waves: how many waves it took.
    """

    executions: pl.DataFrame
    steps: pl.DataFrame
    messages: pl.DataFrame
    webhooks: pl.DataFrame
    goal_hits: pl.DataFrame
    refusals: pl.DataFrame
    attributes: pl.DataFrame
    tags: pl.DataFrame
    alarms: pl.DataFrame
    introduced: pl.DataFrame
    entries: pl.DataFrame
    facts: int
    waves: int


def read_back(opened: Opened) -> Decided:
    """Read what was decided from the lanes, with names and ids instead of numbers."""
    lanes = opened.lanes
    executions = _executions(opened)
    return Decided(
        executions=executions,
        steps=_steps(lanes, executions),
        messages=_messages(lanes, executions),
        webhooks=_webhooks(lanes, executions),
        goal_hits=_goal_hits(opened),
        refusals=_refusals(lanes),
        attributes=_attributes(opened),
        tags=_tags(lanes),
        alarms=_alarms(opened),
        introduced=opened.introduced,
        entries=_entries(opened, executions[len(opened.executions) :]),
        facts=lanes.processed,
        waves=lanes.waves,
    )


def _executions(opened: Opened) -> pl.DataFrame:
    lanes, ledger = opened.lanes, opened.lanes.ledgers.executions
    running = np.isin(ledger["status"], (RUNNING, PAUSED))
    lane, flow = ledger["lane"], ledger["flow"]
    slot = np.array([one.slot for one in lanes.tick.program.flows], np.int64)[flow]
    stands = np.where(running, lanes.executions.step[slot, lane], ledger["step"])
    phase = np.where(running, lanes.executions.phase[slot, lane], ledger["phase"])
    due = np.where(running, lanes.executions.due[slot, lane], NEVER)
    decision = np.where(running, lanes.executions.decision[slot, lane], ledger["decision"])
    variant = np.where(running, lanes.executions.variant[slot, lane], ledger["variant"])
    workflows = [one.workflow.workflow_id for one in lanes.tick.program.flows]
    frame = pl.DataFrame(
        {
            "workflow_id": _named(workflows, flow),
            "version": _named([one.version for one in lanes.tick.program.flows], flow),
            "customer_id": lanes.customers[lane],
            "entered_at": _instant(ledger["entered"]),
            "branch": _branches(opened),
            "status": _named(STATUSES, ledger["status"]),
            "ended_at": _instant(ledger["ended"]),
            "converted_at": _instant(ledger["converted"]),
            "step": _named(
                [None if one.action is None else one.name for one in lanes.tick.program.steps], stands
            ),
            "phase": _named([None, *PHASES[1:]], phase),
            "due_at": _instant(due),
            "decision": opened.dictionary["text"][decision],
            "variant": opened.dictionary["text"][variant],
        }
    )
    before, facts = opened.executions["execution_id"], ledger["fact"]
    new = frame[len(before) :].select(execution_id=execution_id()).to_series()
    frame = frame.hstack([pl.concat([before, new])]).hstack(_triggers(opened, facts))
    return frame.select(*EXECUTIONS).hstack(_contexts(opened, facts, running))


def _branches(opened: Opened) -> pl.Series:
    """Branch names: of executions from before as they were, of new ones by number."""
    lanes, ledger = opened.lanes, opened.lanes.ledgers.executions
    before = len(opened.executions)
    names = [[branch.name for branch in flow.branches] for flow in lanes.tick.program.flows]
    first = np.cumsum([0, *(len(some) for some in names)])
    flat = [name for some in names for name in some]
    number = first[ledger["flow"][before:]] + ledger["branch"][before:]
    return pl.concat([opened.executions["branch"], _named(flat, number)])


def _triggers(opened: Opened, facts: Ints) -> pl.DataFrame:
    """What `facts` were that started executions."""
    lanes = opened.lanes
    follow_ups = facts[facts >= _first_follow_up(opened)]
    events = opened.events.select(
        trigger_type="type", trigger_name="name", trigger_event_id="event_id", trigger_properties="properties"
    )
    kind = lanes.facts["kind"][follow_ups]
    told = pl.DataFrame(
        {
            "trigger_type": _named([one for one, _ in lanes.kinds], kind),
            "trigger_name": _named([name for _, name in lanes.kinds], kind),
            "trigger_event_id": pl.Series([None], dtype=pl.String).new_from_index(0, len(kind)),
            "trigger_properties": _properties(opened, lanes.facts["codes"][follow_ups]),
        }
    )
    every = pl.concat([opened.executions.select(*TRIGGER), events, told], rechunk=True)
    return every[_places(opened, facts)]


def _places(opened: Opened, facts: Ints) -> Ints:
    """The rows of `facts` among: executions from before, the events as given, the follow-up facts in `facts`."""
    before, is_event = len(opened.executions), _is_event(opened, facts)
    places = facts.copy()
    places[is_event] = before + opened.event_rows[facts[is_event] - opened.lanes.events.first_fact]
    follows = facts >= _first_follow_up(opened)
    places[follows] = before + len(opened.events) + np.arange(follows.sum())
    return places


def _is_event(opened: Opened, facts: Ints) -> Bools:
    """Which facts are events, or patterns that turned true."""
    is_event: Bools = (facts >= opened.lanes.events.first_fact) & (facts < _first_follow_up(opened))
    return is_event


def _first_follow_up(opened: Opened) -> int:
    """The first fact that is none of those before the waves."""
    return opened.lanes.events.first_fact + len(opened.event_rows)


def _properties(opened: Opened, codes: Array) -> pl.Series:
    """A follow-up fact's properties as a JSON object."""
    columns = [opened.lanes.tick.program.properties.index(name) for name in FOLLOW_UP_PROPERTIES]
    texts = pl.DataFrame(
        {
            name: _value(opened, codes[:, column])
            for name, column in zip(FOLLOW_UP_PROPERTIES, columns, strict=True)
        }
    )
    entries = [pl.concat_str(pl.lit(f'"{name}":'), name) for name in FOLLOW_UP_PROPERTIES]
    inside = pl.concat_str(*entries, separator=",", ignore_nulls=True)
    return texts.select(pl.concat_str(pl.lit("{"), inside, pl.lit("}"))).to_series()


def _contexts(opened: Opened, facts: Ints, running: Bools) -> pl.DataFrame:
    """The `event.X` columns of running executions; null for others, which nothing reads any more."""
    names = opened.lanes.tick.program.properties
    codes = np.full((facts.size, len(names)), NULL_CODE, np.int32)
    codes[running] = opened.lanes.facts["codes"][facts[running]]
    columns = {f"{EVENT_PREFIX}{name}": codes[:, number] for number, name in enumerate(names)}
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, facts.size)
    return pl.DataFrame(
        {name: opened.texts[some] if some.any() else nothing for name, some in columns.items()}
    )


def _steps(lanes: Lanes, executions: pl.DataFrame) -> pl.DataFrame:
    ledger = lanes.ledgers.steps
    taken = _taken(lanes, executions, ledger["execution"], ledger["step"])
    actions = _coded([one.action_type for one in lanes.tick.program.steps], ledger["step"])
    return taken.with_columns(
        action_type=actions, at=_instant(ledger["at"]), outcome=_named(lanes.outcomes, ledger["outcome"])
    )


def _messages(lanes: Lanes, executions: pl.DataFrame) -> pl.DataFrame:
    ledger = lanes.ledgers.messages
    templates = [_config(one.action, "template_id") for one in lanes.tick.program.steps]
    return _taken(lanes, executions, ledger["execution"], ledger["step"]).with_columns(
        message_id=message_id(),
        at=_instant(ledger["at"]),
        template_id=_coded(templates, ledger["step"]),
        **_kinds(lanes, ledger["step"]),
    )


def _webhooks(lanes: Lanes, executions: pl.DataFrame) -> pl.DataFrame:
    ledger = lanes.ledgers.webhooks
    urls = [_config(one.action, "url") for one in lanes.tick.program.steps]
    return _taken(lanes, executions, ledger["execution"], ledger["step"]).with_columns(
        webhook_id=message_id(),
        at=_instant(ledger["at"]),
        url=_named(urls, ledger["step"]),
        **_kinds(lanes, ledger["step"]),
    )


def _kinds(lanes: Lanes, steps: Ints) -> dict[str, pl.Series]:
    """What caps look at."""
    workflows = [lanes.tick.program.flows[one.flow].workflow for one in lanes.tick.program.steps]
    return {
        "transactional": pl.Series([one.transactional for one in workflows], dtype=pl.Boolean)[steps],
        "channel": _named([one.channel for one in lanes.tick.program.steps], steps),
        "message_class": _named([one.message_class for one in workflows], steps),
    }


def _alarms(opened: Opened) -> pl.DataFrame:
    """When dates fire that weren't armed so before."""
    lanes, found = opened.lanes, [pl.DataFrame(schema=ALARMS)]
    if all(one.is_cron for one in lanes.tick.program.alarms):
        return found[0]
    for number, alarm in enumerate(lanes.tick.program.alarms):
        if not alarm.is_cron:
            codes = dates(lanes, number, np.arange(len(lanes.customers)))
            armed = {
                "customer_id": lanes.customers,
                "key": pl.Series([alarm.key], dtype=pl.String).new_from_index(0, codes.size),
                "value": _value(opened, codes),
                "at": _instant(lanes.queue.alarm[:, number]),
            }
            found.append(pl.DataFrame(armed))
    every, before = pl.concat(found), opened.alarms.select(*ALARMS)
    given, gone = every.filter(pl.col("value").is_not_null()), every.filter(pl.col("value").is_null())
    disarmed = gone.join(before, on=["customer_id", "key"], how="semi", maintain_order="left")
    now = pl.concat([given, disarmed])
    return now.join(before, on=[*ALARMS], how="anti", nulls_equal=True, maintain_order="left")


def _taken(lanes: Lanes, executions: pl.DataFrame, rows: Ints, steps: Ints) -> pl.DataFrame:
    """Which step was taken by whom: `_TAKEN`, and the step's name."""
    program = lanes.tick.program
    flows = [program.flows[one.flow] for one in program.steps]
    return (
        executions.select(_OWN)[rows]
        .with_columns(
            workflow_id=_coded([one.workflow.workflow_id for one in flows], steps),
            version=_coded([one.version for one in flows], steps),
            step=_coded([one.name for one in program.steps], steps),
        )
        .select(*_TAKEN, "step")
    )


def _entries(opened: Opened, new: pl.DataFrame) -> pl.DataFrame:
    ledger = opened.lanes.ledgers.executions
    flow, fact = (ledger[name][len(opened.executions) :] for name in ("flow", "fact"))
    flows = opened.lanes.tick.program.flows
    refers = np.array([bool(one.counted and one.counted.references) for one in flows], np.bool_)[flow]
    properties = pl.when(pl.Series(refers)).then("trigger_properties")
    told = new.select("workflow_id", "version", "customer_id", "entered_at", properties=properties)
    return told.hstack(_contexts(opened, fact, refers)) if refers.any() else told


def _goal_hits(opened: Opened) -> pl.DataFrame:
    lanes, ledger = opened.lanes, opened.lanes.ledgers.goal_hits
    is_event = _is_event(opened, ledger["fact"])
    row = pl.Series(np.where(is_event, ledger["fact"] - lanes.events.first_fact, 0)).set(
        pl.Series(~is_event), None
    )
    ids = opened.events["event_id"].gather(opened.event_rows)
    workflows = [one.workflow.workflow_id for one in lanes.tick.program.flows]
    hits = pl.DataFrame(
        {
            "workflow_id": _named(workflows, ledger["flow"]),
            "customer_id": lanes.customers[ledger["lane"]],
            "entered_at": _instant(ledger["entered"]),
            "at": _instant(ledger["at"]),
            "event_id": ids.gather(row),
        }
    )
    return hits.with_columns(execution_id=execution_id()).select(*GOAL_HITS)


def _refusals(lanes: Lanes) -> pl.DataFrame:
    ledger = lanes.ledgers.refusals
    workflows = [one.workflow.workflow_id for one in lanes.tick.program.flows]
    return pl.DataFrame(
        {
            "workflow_id": _named(workflows, ledger["flow"]),
            "customer_id": lanes.customers[ledger["lane"]],
            "at": _instant(ledger["at"]),
            "reason": _named(REFUSALS, ledger["reason"]),
        }
    )


def _attributes(opened: Opened) -> pl.DataFrame:
    lanes, ledger = opened.lanes, opened.lanes.ledgers.writes
    return pl.DataFrame(
        {
            "customer_id": lanes.customers[ledger["lane"]],
            "attribute": _named(lanes.tick.attribute_names, ledger["attribute"]),
            "value": _value(opened, ledger["code"]),
            "set_at": _instant(ledger["set_at"]),
        },
        schema_overrides=ATTRIBUTES,
    )


def _tags(lanes: Lanes) -> pl.DataFrame:
    ledger = lanes.ledgers.tags
    return pl.DataFrame(
        {
            "customer_id": lanes.customers[ledger["lane"]],
            "tag": _named(lanes.tick.program.tags, ledger["tag"]),
            "added": ledger["added"] == 1,
            "at": _instant(ledger["at"]),
        }
    )


def _value(opened: Opened, codes: Array) -> pl.Series:
    """JSON texts of value codes; null for null."""
    return opened.texts[codes]


def _named(names: list[str] | list[str | None] | tuple[str, ...], numbers: Array) -> pl.Series:
    return pl.Series(names, dtype=pl.String)[numbers]


def _coded(names: Sequence[str | None], numbers: Array) -> pl.Series:
    """Names by their numbers, as an Enum: a row takes a byte instead of sixteen, and files of them are made sooner."""
    distinct = [name for name in dict.fromkeys(names) if name is not None]
    return pl.Series(names, dtype=pl.Enum(distinct))[numbers]


def _instant(micros: Array) -> pl.Series:
    never = micros == NEVER
    if not never.any():
        return pl.Series(micros).cast(INSTANT)
    return pl.Series(np.where(never, 0, micros)).cast(INSTANT).set(pl.Series(never), None)


def _config(action: object, name: str) -> str | None:
    return getattr(getattr(action, "config", None), name, None)
