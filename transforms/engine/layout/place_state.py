"""State frames → their places in the lanes."""

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, NEVER, Ints, instants, places, positions
from transforms.columns.json_values import Codes
from transforms.engine.lanes.alarms import dates, next_cron, next_date
from transforms.engine.lanes.lookups import last_set
from transforms.engine.lanes.memory import IDLE, NO_FLOW, PAUSED, PHASES, STATUSES, Lanes
from transforms.engine.layout.cron_entry import without_cron_entry
from transforms.engine.layout.encode import Values
from transforms.engine.layout.placed import Placed
from transforms.program.model import Program


def put_state(lanes: Lanes, placed: Placed, values: Values) -> None:
    """What customers are, have and stand at; their schedules need zones and come later."""
    _put_customers(lanes, placed.customers)
    _put_attributes(lanes, placed.attributes, values.attributes)
    _put_tags(lanes, placed.tags)
    _put_entries(lanes, placed.entries)
    _put_sends(lanes, placed.sends)
    _put_executions(lanes, placed.executions, values)
    _put_starts(lanes, placed.starts, values)


def _put_customers(lanes: Lanes, customers: pl.DataFrame) -> None:
    """Since when customers are known."""
    known = customers.filter("known")
    since = known.select(pl.coalesce("since", "created_at")).to_series()
    lanes.profiles.known_from[known["lane"]] = instants(since, ALWAYS)


def _put_attributes(lanes: Lanes, owned: pl.DataFrame, codes: Codes) -> None:
    """The present attributes, by their value codes."""
    column = positions(owned["attribute"], lanes.tick.attribute_names)
    lanes.profiles.attributes[owned["lane"], column] = codes
    lanes.profiles.set_at[owned["lane"], column] = instants(owned["set_at"], ALWAYS)


def _put_tags(lanes: Lanes, tags: pl.DataFrame) -> None:
    """The present tags: how many, and which of those that workflows name."""
    lanes.profiles.tag_count += np.bincount(tags["lane"], minlength=len(lanes.customers))
    live = tags.filter(pl.col("tag").is_in(lanes.tick.program.tags))
    lanes.profiles.tags[live["lane"], positions(live["tag"], lanes.tick.program.tags)] = True


def _put_entries(lanes: Lanes, entries: pl.DataFrame) -> None:
    """When customers last entered workflows, and which versions of them."""
    known = entries.filter(pl.col("workflow_id").is_in(lanes.tick.program.slots))
    slot = positions(known["workflow_id"], lanes.tick.program.slots)
    stand, place = lanes.executions, (slot, known["lane"].to_numpy())
    stand.last_entry[place] = instants(known["entered_at"], ALWAYS)
    stand.entry_flow[place] = _flows(lanes.tick.program, known["version"])


def _flows(program: Program, versions: pl.Series) -> Ints:
    """The flows of versions; `NO_FLOW` of those that the program hasn't."""
    return positions(versions, [one.version for one in program.flows], NO_FLOW)


def _put_starts(lanes: Lanes, starts: pl.DataFrame, values: Values) -> None:
    """What the latest entries came of, where a goal refers to it and they aren't running."""
    program, stand = lanes.tick.program, lanes.executions
    facts = lanes.facts.append(len(starts), codes=values.starts)
    flow, lane = _flows(program, starts["version"]), starts["lane"].to_numpy()
    slot = np.array([*(one.slot for one in program.flows), 0])[flow]  # the last is that of `NO_FLOW`
    free = places((flow != NO_FLOW) & (stand.phase[slot, lane] == IDLE))
    stand.context[slot[free], lane[free]] = facts[free]


def _put_sends(lanes: Lanes, sends: pl.DataFrame) -> None:
    """For each cap the newest accepted messages it counts, as many as it allows."""
    for cap, newest_first in zip(lanes.tick.caps, lanes.profiles.sends, strict=True):
        counted = sends.filter(_same("channel", cap.channel), _same("message_class", cap.message_class))
        newest = counted.sort("at", descending=True)
        placed = newest.select("lane", "at", place=pl.int_range(pl.len()).over("lane"))
        kept = placed.filter(pl.col("place") < cap.messages)
        newest_first[kept["lane"], kept["place"]] = instants(kept["at"], ALWAYS)


def _same(column: str, wanted: str | None) -> pl.Expr:
    return pl.lit(value=True) if wanted is None else pl.col(column).eq_missing(wanted)


def put_alarms(lanes: Lanes, alarms: pl.DataFrame, codes: Codes, by_crons: Ints) -> None:
    """When schedules fire next.

    Args:
        lanes: where; all else is there already.
        alarms: `frames.ALARMS`, with lanes.
        codes: of the values they were armed for.
        by_crons: the customers who have a lane only because a cron may let them enter; those whom none lets lose it.
    """
    is_cron = np.array([alarm.is_cron for alarm in lanes.tick.program.alarms], np.bool_)
    for number, cron in enumerate(is_cron):
        if cron:
            _put_cron(lanes, number)
        else:
            _put_dates(lanes, number, alarms, codes)
    lanes.queue.alarm[np.ix_(without_cron_entry(lanes, by_crons), np.flatnonzero(is_cron))] = NEVER


def _put_cron(lanes: Lanes, number: int) -> None:
    everybody = np.arange(len(lanes.customers))
    first = np.full(everybody.size, lanes.tick.cron_since + 1)
    lanes.queue.alarm[:, number] = next_cron(lanes, number, everybody, first)


def _put_dates(lanes: Lanes, number: int, alarms: pl.DataFrame, codes: Codes) -> None:
    """As they were armed, or by values not looked at yet."""
    profiles, alarm = lanes.profiles, lanes.tick.program.alarms[number]
    own = (alarms["key"] == alarm.key).to_numpy()
    lane = alarms["lane"].to_numpy()[own]
    armed = np.full(len(lanes.customers), -1)
    armed[lane] = codes[own]
    lanes.queue.alarm[lane, number] = instants(alarms["at"], NEVER)[own]
    now = dates(lanes, number, np.arange(armed.size))
    anew = np.flatnonzero((armed < 0) | lanes.tick.changed(armed, now))
    since = last_set(profiles.set_at, profiles.attributes, anew, alarm)
    lanes.queue.alarm[anew, number] = next_date(lanes, number, anew, since)


def _put_executions(lanes: Lanes, running: pl.DataFrame, values: Values) -> None:
    """The executions that ran before: the first rows of the executions ledger and of the facts.

    What fell due before the tick's start, while it was paused, is due then; what is still paused keeps its instant.
    """
    flow, step = _where(lanes.tick.program, running)
    lane = running["lane"].to_numpy()
    slot = np.array([one.slot for one in lanes.tick.program.flows], np.int64)[flow]
    phase = positions(running["phase"], PHASES)
    status = positions(running["status"], STATUSES)
    paused = status == PAUSED
    due = instants(running["due_at"], NEVER)
    converted = instants(running["converted_at"], NEVER)
    entered, branch = instants(running["entered_at"], ALWAYS), np.zeros(len(running), np.int64)
    rows = lanes.ledgers.executions.append(
        len(running),
        lane=lane,
        flow=flow,
        entered=entered,
        branch=branch,
        status=status,
        ended=NEVER,
        converted=converted,
        step=step,
        phase=phase,
    )
    facts = lanes.facts.append(len(running), codes=values.contexts)
    lanes.ledgers.executions["fact"][rows] = facts
    stand, place = lanes.executions, (slot, lane)
    stand.due[place] = np.where(paused, due, np.maximum(due, lanes.tick.since))
    stand.step[place], stand.phase[place] = step, phase
    stand.execution[place], stand.context[place] = rows, facts
    stand.decision[place], stand.variant[place] = values.decisions, values.variants
    stand.last_entry[place], stand.entry_flow[place] = np.maximum(stand.last_entry[place], entered), flow


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
                step.index,
            )
            for step in program.steps
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
