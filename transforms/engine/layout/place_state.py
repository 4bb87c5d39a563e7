"""State frames → their places in the lanes."""

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, NEVER, Ints, instants, positions
from transforms.columns.json_values import Codes
from transforms.engine.lanes.alarms import arm_dates, set_crons
from transforms.engine.lanes.customer_zones import read_clocks
from transforms.engine.lanes.memory import PAUSED, PHASES, STATUSES, Lanes
from transforms.engine.layout.encode import Values
from transforms.engine.layout.placed import Placed
from transforms.program.model import ZONE, Program


def put_state(lanes: Lanes, placed: Placed, values: Values) -> None:
    """What customers are, have and stand at; their schedules need zones and come later."""
    _put_customers(lanes, placed.customers)
    _put_attributes(lanes, placed.attributes, values.attributes)
    _put_tags(lanes, placed.tags)
    _put_entries(lanes, placed.entries)
    _put_sends(lanes, placed.sends)
    _put_executions(lanes, placed.executions, values)


def _put_customers(lanes: Lanes, customers: pl.DataFrame) -> None:
    """Since when customers are known."""
    known = customers.filter("known")
    lanes.known_from[known["lane"]] = instants(known["created_at"], ALWAYS)


def _put_attributes(lanes: Lanes, owned: pl.DataFrame, codes: Codes) -> None:
    """The present attributes, by their value codes."""
    column = positions(owned["attribute"], lanes.attribute_names)
    lanes.attributes[owned["lane"], column] = codes
    lanes.set_at[owned["lane"], column] = instants(owned["set_at"], ALWAYS)


def _put_tags(lanes: Lanes, tags: pl.DataFrame) -> None:
    """The present tags: how many, and which of those that workflows name."""
    lanes.tag_count += np.bincount(tags["lane"], minlength=len(lanes.customers))
    live = tags.filter(pl.col("tag").is_in(lanes.program.tags))
    lanes.tags[live["lane"], positions(live["tag"], lanes.program.tags)] = True


def _put_entries(lanes: Lanes, entries: pl.DataFrame) -> None:
    """When customers last entered workflows."""
    known = entries.filter(pl.col("workflow_id").is_in(lanes.program.slots))
    slot = positions(known["workflow_id"], lanes.program.slots)
    np.maximum.at(lanes.last_entry, (known["lane"].to_numpy(), slot), instants(known["entered_at"], ALWAYS))


def _put_sends(lanes: Lanes, sends: pl.DataFrame) -> None:
    """For each cap the newest accepted messages it counts, as many as it allows."""
    for cap, places in zip(lanes.caps, lanes.sends, strict=True):
        counted = sends.filter(_same("channel", cap.channel), _same("message_class", cap.message_class))
        newest = counted.sort("at", descending=True)
        placed = newest.select("lane", "at", place=pl.int_range(pl.len()).over("lane"))
        kept = placed.filter(pl.col("place") < cap.messages)
        places[kept["lane"], kept["place"]] = instants(kept["at"], ALWAYS)


def _same(column: str, wanted: str | None) -> pl.Expr:
    return pl.lit(value=True) if wanted is None else pl.col(column).eq_missing(wanted)


def put_clocks(lanes: Lanes, placed: Placed, writes: pl.DataFrame, values: Values, default: str) -> None:
    """The zones: of the customer file, and those that the attribute `timezone` may name in the tick."""
    told = [values.literals]
    for frame, codes in ((placed.attributes, values.attributes), (writes, values.writes)):
        told.append(codes[(frame["attribute"] == ZONE).to_numpy()])
    homes = pl.Series([None], dtype=pl.String).new_from_index(0, len(lanes.customers))
    homes = homes.scatter(placed.customers["lane"], placed.customers["timezone"])
    lanes.clocks = read_clocks(default, lanes.program.zones, homes, values.dictionary, np.concatenate(told))


def put_alarms(lanes: Lanes, alarms: pl.DataFrame, codes: Codes) -> None:
    """When schedules fire next: crons by the clock, dates as they were armed, or by values not looked at yet."""
    set_crons(lanes)
    for number, alarm in enumerate(lanes.program.alarms):
        if not alarm.is_cron:
            armed = np.full(len(lanes.customers), -1)
            own = (alarms["key"] == alarm.key).to_numpy()
            lane = alarms["lane"].to_numpy()[own]
            lanes.alarm[lane, number] = instants(alarms["at"], NEVER)[own]
            armed[lane] = codes[own]
            anew = np.flatnonzero(lanes.attributes[:, alarm.column] != armed)
            arm_dates(lanes, number, anew, lanes.set_at[anew, alarm.column])


def _put_executions(lanes: Lanes, running: pl.DataFrame, values: Values) -> None:
    """The executions that ran before: the first rows of the executions ledger and of the facts.

    What fell due before the tick's start, while it was paused, is due then; what is still paused keeps its instant.
    """
    flow, step = _where(lanes.program, running)
    lane = running["lane"].to_numpy()
    slot = np.array([one.slot for one in lanes.program.flows], np.int64)[flow]
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
    place = (lane, slot)
    lanes.due[place] = np.where(paused, due, np.maximum(due, lanes.since))
    lanes.paused = sorted(set(slot[paused].tolist()))
    lanes.step[place], lanes.phase[place] = step, phase
    lanes.execution[place], lanes.context[place] = rows, facts
    lanes.decision[place] = values.decisions
    lanes.last_entry[place] = np.maximum(lanes.last_entry[place], entered)


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
