"""State and event frames → lanes: the one vectorized pass before the waves.

Everything that needs no feedback happens here: values become codes, conditions a truth table, triggers' static
parts are matched against all events at once, and events that no workflow can see are dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from transforms.durations import microseconds
from transforms.growing import Growing
from transforms.lanes import ALWAYS, IDLE, NEVER, PHASES, Array, Bools, Ints, Lanes, Ledgers, match_codes
from transforms.program import Program
from transforms.state import EVENT_PREFIX, Cap, State
from transforms.values import Codes, intern

_CUSTOMER = "customer_id"


@dataclass(frozen=True)
class Opened:
    """The lanes, and the frames their numbers point into."""

    lanes: Lanes
    dictionary: pl.DataFrame  # value codes
    events: pl.DataFrame  # facts from lanes.first_event on
    executions: pl.DataFrame  # the first facts and the first executions: those that ran before


@dataclass(frozen=True)
class _Values:
    """Frames of one tick as codes."""

    dictionary: pl.DataFrame
    truth: Bools
    literals: Ints
    events: Codes  # [event, property]
    contexts: Codes  # [running execution, property]
    decisions: Codes
    writes: Codes
    attributes: Codes


def open_lanes(
    program: Program,
    state: State,
    events: pl.DataFrame,
    writes: pl.DataFrame,
    caps: Sequence[Cap],
    now: datetime,
) -> Opened:
    """Lay out the lanes of all customers with something to do until `now`.

    Args:
        program: the compiled workflows.
        state: see `State`.
        events: columns of `state.EVENTS` plus `event.X` (JSON text) per property X of the program; `at` is the
            instant an event acts at, `ts` its own time.
        writes: columns of `state.WRITES`: the profile updates that events carry; `ordinal` is 0 for the change
            an `attribute_change` event itself is, then 1, 2, … in name order.
        caps: frequency caps.
        now: the tick's end; all events act by then.
    """
    attributes = _live_attributes(program, writes)
    writes = writes.filter(pl.col("attribute").is_in(attributes))
    events = _visible(program, events, writes)
    customers = _present(state, events, now)
    events = events.with_columns(lane=_lane(events, customers)).sort("lane", "at", "ts", "event_id")
    running = _of_present(state.executions, customers)
    owned = _of_present(state.attributes.filter(pl.col("attribute").is_in(attributes)), customers)
    values = _as_codes(program, events, running, writes, owned)
    match = _match_events(program, events, values)
    writing = events["event_id"].is_in(writes["event_id"].implode()).to_numpy() if len(writes) else np.False_
    kept = np.flatnonzero(match.any(axis=1) | writing)
    events, event_codes, match = events[kept], values.events[kept], match[kept]

    lanes = _empty_lanes(program, customers, attributes, values, caps)
    _put_customers(lanes, _of_present(state.customers, customers))
    _put_attributes(lanes, owned, values.attributes)
    _put_tags(lanes, _of_present(state.tags, customers))
    _put_entries(lanes, _of_present(state.entries, customers))
    _put_sends(lanes, _of_present(state.sends, customers))
    _put_executions(lanes, running, values)
    _put_events(lanes, events, event_codes, match)
    _put_writes(lanes, events, writes, values.writes)
    return Opened(lanes, values.dictionary, events, running)


def _live_attributes(program: Program, writes: pl.DataFrame) -> tuple[str, ...]:
    if not program.watches_every_attribute:
        return program.attributes
    further = set(writes["attribute"].unique()) - set(program.attributes)
    return (*program.attributes, *sorted(further))


def _visible(program: Program, events: pl.DataFrame, writes: pl.DataFrame) -> pl.DataFrame:
    """The events whose type and name some workflow looks for, or that write what some workflow reads."""
    names = {one.name for one in program.matchers if one.name is not None}
    any_name = {one.type for one in program.matchers if one.name is None}
    seen = pl.col("name").is_in(sorted(names)) | pl.col("type").is_in(sorted(any_name))
    if len(writes):
        seen |= pl.col("event_id").is_in(writes["event_id"].implode())
    return events.filter(seen)


def _present(state: State, events: pl.DataFrame, now: datetime) -> pl.Series:
    due = state.executions.filter(pl.col("due_at") <= now)
    return pl.concat([events[_CUSTOMER], due[_CUSTOMER]]).unique().sort()


def _of_present(frame: pl.DataFrame, customers: pl.Series) -> pl.DataFrame:
    return frame.with_columns(lane=_lane(frame, customers)).filter(pl.col("lane").is_not_null())


def _lane(frame: pl.DataFrame, customers: pl.Series) -> pl.Series:
    return frame[_CUSTOMER].cast(pl.Enum(customers), strict=False).to_physical().cast(pl.Int64)


def _as_codes(
    program: Program, events: pl.DataFrame, running: pl.DataFrame, writes: pl.DataFrame, owned: pl.DataFrame
) -> _Values:
    quoted = running.select(pl.concat_str(pl.lit('"'), "decision", pl.lit('"'))).to_series()
    columns = {"write": writes["value"], "attribute": owned["value"], "decision": quoted}
    for name in program.properties:
        columns[f"event {name}"] = _property(events, name)
        columns[f"context {name}"] = _property(running, name)
    dictionary, codes = intern(columns, tuple(program.literals))
    return _Values(
        dictionary,
        _truth_table(program, dictionary),
        codes[""].astype(np.int64),
        _stacked([codes[f"event {name}"] for name in program.properties]),
        _stacked([codes[f"context {name}"] for name in program.properties]),
        codes["decision"],
        codes["write"],
        codes["attribute"],
    )


def _property(frame: pl.DataFrame, name: str) -> pl.Series:
    column = f"{EVENT_PREFIX}{name}"
    return (
        frame[column]
        if column in frame.columns
        else pl.Series(column, [None], pl.String).new_from_index(0, len(frame))
    )


def _stacked(columns: Sequence[Codes]) -> Codes:
    return np.column_stack(columns)


def _truth_table(program: Program, dictionary: pl.DataFrame) -> Bools:
    verdicts = dictionary.select(one.alias(str(index)) for index, one in enumerate(program.truths))
    table = np.zeros((len(program.truths), len(dictionary)), np.bool_)
    for index, column in enumerate(verdicts):
        table[index] = column.to_numpy()
    return table


def _match_events(program: Program, events: pl.DataFrame, values: _Values) -> Bools:
    kinds = events.select("type", "name").unique(maintain_order=True).with_row_index("kind")
    kind = events.join(kinds, on=["type", "name"], how="left", maintain_order="left")["kind"].to_numpy()
    match = np.zeros((len(events), len(program.matchers)), np.bool_)
    for number, fact_type, name in kinds.iter_rows():
        matchers = program.matchers_of(fact_type, name)
        if matchers:
            rows = np.flatnonzero(kind == number)
            match[rows] = match_codes(program, values.truth, values.events[rows], matchers)
    return match


def _empty_lanes(
    program: Program,
    customers: pl.Series,
    attributes: tuple[str, ...],
    values: _Values,
    caps: Sequence[Cap],
) -> Lanes:
    count, slots = len(customers), len(program.slots)
    recent = max((cap.messages for cap in caps), default=0)
    nothing = np.zeros(0, np.int64)
    return Lanes(
        program=program,
        customers=customers,
        attribute_names=attributes,
        truth=values.truth,
        literals=values.literals,
        caps=[(cap.messages, microseconds(cap.window)) for cap in caps],
        known_from=np.full(count, NEVER),
        attributes=np.zeros((count, len(attributes)), np.int32),
        set_at=np.full((count, len(attributes)), ALWAYS),
        tags=np.zeros((count, len(program.tags)), np.bool_),
        tag_count=np.zeros(count, np.int64),
        sends=np.full((count, recent), ALWAYS),
        due=np.full((count, slots), NEVER),
        step=np.zeros((count, slots), np.int64),
        phase=np.full((count, slots), IDLE, np.int8),
        execution=np.zeros((count, slots), np.int64),
        context=np.zeros((count, slots), np.int64),
        decision=np.zeros((count, slots), np.int32),
        last_entry=np.full((count, slots), ALWAYS),
        clock=np.full(count, ALWAYS),
        next_due=np.full(count, NEVER),
        next_event=np.full(count, NEVER),
        cursor=np.zeros(count, np.int64),
        cursor_end=np.zeros(count, np.int64),
        head=np.full(count, -1),
        tail=np.full(count, -1),
        events_at=nothing,
        first_event=0,
        write_from=nothing,
        write_attribute=nothing,
        write_code=nothing,
        write_ts=nothing,
        write_silent=nothing.astype(np.bool_),
        facts=_empty_facts(program),
        ledgers=_empty_ledgers(),
    )


def _empty_facts(program: Program) -> Growing:
    codes, match = (len(program.properties),), (len(program.matchers),)
    return Growing(
        {
            "codes": (np.int32, codes),
            "match": (np.bool_, match),
            "next": (np.int64, ()),
            "kind": (np.int32, ()),
        }
    )


def _empty_ledgers() -> Ledgers:
    def table(*names: str) -> Growing:
        return Growing(dict.fromkeys(names, (np.int64, ())))

    return Ledgers(
        executions=table(
            "lane", "flow", "entered", "branch", "fact", "status", "ended", "converted", "step", "phase"
        ),
        steps=table("execution", "step", "at", "outcome"),
        messages=table("execution", "step", "at"),
        webhooks=table("execution", "step", "at"),
        refusals=table("flow", "lane", "at", "reason"),
        writes=table("lane", "attribute", "code", "set_at"),
        tags=table("lane", "tag", "added", "at"),
    )


def _put_customers(lanes: Lanes, customers: pl.DataFrame) -> None:
    known = customers.filter("known")
    lanes.known_from[known["lane"]] = _instants(known["created_at"], ALWAYS)


def _put_attributes(lanes: Lanes, owned: pl.DataFrame, codes: Codes) -> None:
    column = _positions(owned["attribute"], lanes.attribute_names)
    lanes.attributes[owned["lane"], column] = codes
    lanes.set_at[owned["lane"], column] = _instants(owned["set_at"], ALWAYS)


def _put_tags(lanes: Lanes, tags: pl.DataFrame) -> None:
    lanes.tag_count += np.bincount(tags["lane"], minlength=len(lanes.customers))
    live = tags.filter(pl.col("tag").is_in(lanes.program.tags))
    lanes.tags[live["lane"], _positions(live["tag"], lanes.program.tags)] = True


def _put_entries(lanes: Lanes, entries: pl.DataFrame) -> None:
    known = entries.filter(pl.col("workflow_id").is_in(lanes.program.slots))
    slot = _positions(known["workflow_id"], lanes.program.slots)
    np.maximum.at(lanes.last_entry, (known["lane"].to_numpy(), slot), _instants(known["entered_at"], ALWAYS))


def _put_sends(lanes: Lanes, sends: pl.DataFrame) -> None:
    newest = sends.sort("at", descending=True).select("lane", "at", place=pl.int_range(pl.len()).over("lane"))
    kept = newest.filter(pl.col("place") < lanes.sends.shape[1])
    lanes.sends[kept["lane"], kept["place"]] = _instants(kept["at"], ALWAYS)


def _put_executions(lanes: Lanes, running: pl.DataFrame, values: _Values) -> None:
    """The executions that ran before: the first rows of the executions ledger and of the facts."""
    flow, step = _where(lanes.program, running)
    lane = running["lane"].to_numpy()
    slot = np.array([one.slot for one in lanes.program.flows], np.int64)[flow]
    phase = _positions(running["phase"], PHASES)
    converted = _instants(running["converted_at"], NEVER)
    entered, branch = _instants(running["entered_at"], ALWAYS), np.zeros(len(running), np.int64)
    rows = lanes.ledgers.executions.append(
        len(running),
        lane=lane,
        flow=flow,
        entered=entered,
        branch=branch,
        ended=NEVER,
        converted=converted,
        step=step,
        phase=phase,
    )
    facts = lanes.facts.append(len(running), codes=values.contexts)
    lanes.ledgers.executions["fact"][rows] = facts
    place = (lane, slot)
    lanes.due[place] = _instants(running["due_at"], NEVER)
    lanes.step[place], lanes.phase[place] = step, phase
    lanes.execution[place], lanes.context[place] = rows, facts
    lanes.decision[place] = values.decisions
    lanes.last_entry[place] = np.maximum(lanes.last_entry[place], entered)
    lanes.next_due = lanes.due.min(axis=1, initial=NEVER)


def _where(program: Program, running: pl.DataFrame) -> tuple[Ints, Ints]:
    """The flow and the step each running execution stands at (no step: past the last one)."""
    places = pl.DataFrame(
        [
            (
                flow.workflow.workflow_id,
                flow.version,
                step.branch or None,
                None if step.action is None else step.name,
                flow.index,
                number,
            )
            for number, step in enumerate(program.steps)
            for flow in [program.flows[step.flow]]
        ],
        schema={
            "workflow_id": pl.String,
            "version": pl.String,
            "branch": pl.String,
            "step": pl.String,
            "flow": pl.Int64,
            "place": pl.Int64,
        },
        orient="row",
    )
    key = ["workflow_id", "version", "branch", "step"]
    stand = running.with_columns(branch=pl.when(pl.col("step").is_not_null()).then("branch"))
    found = stand.select(key).join(places, on=key, how="left", nulls_equal=True, maintain_order="left")
    if found["place"].null_count():
        lost = found.filter(pl.col("place").is_null()).row(0, named=True)
        raise ValueError(f"no program for a running execution: {lost}")
    return found["flow"].to_numpy(), found["place"].to_numpy()


def _put_events(lanes: Lanes, events: pl.DataFrame, codes: Codes, match: Bools) -> None:
    lanes.first_event = len(lanes.facts["kind"])
    lanes.facts.append(len(events), codes=codes, match=match)
    lanes.events_at = np.append(_instants(events["at"], NEVER), NEVER)
    bounds = np.searchsorted(events["lane"].to_numpy(), np.arange(len(lanes.customers) + 1))
    lanes.cursor, lanes.cursor_end = bounds[:-1].copy(), bounds[1:].copy()
    lanes.next_event = np.where(lanes.cursor < lanes.cursor_end, lanes.events_at[lanes.cursor], NEVER)


def _put_writes(lanes: Lanes, events: pl.DataFrame, writes: pl.DataFrame, codes: Codes) -> None:
    rows = events.select("event_id").with_row_index("event")
    numbered = writes.with_columns(code=pl.Series(codes)).join(rows, on="event_id").sort("event", "ordinal")
    event = numbered["event"].to_numpy()
    lanes.write_from = np.searchsorted(event, np.arange(len(events) + 1))
    lanes.write_attribute = _positions(numbered["attribute"], lanes.attribute_names)
    lanes.write_code = numbered["code"].to_numpy()
    lanes.write_ts = _instants(numbered["ts"], ALWAYS)
    lanes.write_silent = numbered["ordinal"].to_numpy() == 0


def _positions(names: pl.Series, among: Sequence[str]) -> Ints:
    return names.cast(pl.Enum(among)).to_physical().to_numpy().astype(np.int64)


def _instants(instants: pl.Series, missing: int) -> Array:
    micros: Array = instants.dt.epoch("us").fill_null(missing).to_numpy()
    return micros
