"""Decide what a tick's events, due steps, windows and schedules bring, over the store.

Imported only when there is something to decide: an idle run shall not pay for importing the engine.
"""

from collections import Counter
from dataclasses import dataclass, replace

import polars as pl
from duckdb import DuckDBPyConnection

from flows.buckets.partition import Bucket, how_many
from flows.buckets.tick import by_bucket
from flows.decide.amounts import events_again, keep_track, read_amounts, write_amounts
from flows.decide.caps import keep_sends
from flows.decide.facts import Incoming, read_facts
from flows.decide.reached import bring_in_reached
from flows.decide.state import (
    Reach,
    add_active_customers,
    changed_attributes,
    find_active_customers,
    reach_of,
    read_state,
    write_decided,
)
from flows.decide.zones import unknown_zones, zone_warnings
from flows.definitions.rules import Rules
from flows.definitions.versions import older_versions
from flows.store.store import Store
from flows.summary import TickSummary
from flows.warehouse import count, frame, make_table, run_sql, shown
from transforms.engine.decide import decide
from transforms.engine.fold import fold_attributes
from transforms.engine.layout.reach import date_attributes
from transforms.engine.ledger import Decided
from transforms.engine.state import Cap, Tick
from transforms.engine.tally import Tally, together
from transforms.program.compile import compile_program
from transforms.program.model import Program
from transforms.signals.evaluate import evaluate_signals
from transforms.signals.results import Signals


@dataclass(frozen=True)
class _Scene:
    """What is the same for all buckets of a tick."""

    con: DuckDBPyConnection
    program: Program
    tick: Tick
    tick_id: int
    reach: Reach


def decide_pending(store: Store, rules: Rules, loaded: TickSummary, *, new_customers: bool) -> TickSummary:
    """Decide what `tick_events` and whatever is due bring until the tick's end, and write it down.

    Args:
        store: the store, in the tick's transaction.
        rules: what to decide by; executions of older versions finish on theirs (semantics.md §9).
        loaded: the summary so far, with the tick's number and bounds.
        new_customers: whether customer files came in, whose dates may arm schedules.
    """
    con, settings, say = store.con, store.settings, store.say
    scene = _scene(store, rules, loaded)
    unarmed = keep_track(store, scene.program, loaded.previous)
    _unarmed_keys(scene, None if new_customers else unarmed)
    dated = [one for one, key, _ in date_attributes(scene.program) if key in unarmed]
    bring_in_reached(store, scene.program, scene.tick, scene.reach, dated)
    keep_sends(store, scene.tick)
    again = events_again(store, scene.program.signals, scene.tick)
    store.bring_in(again["customer_id"])
    buckets = how_many(_size(scene, loaded), settings.memory_bytes // 2, 1)
    summary, zones, considered = loaded, Counter[str](), list[pl.DataFrame]()
    with shown(con, events_again=again), by_bucket(store, buckets) as lay_out:
        for bucket in (Bucket(number, buckets) for number in range(buckets)):
            say("Deciding" if buckets == 1 else f"Deciding, bucket {bucket.number + 1} of {buckets}")
            lay_out(bucket)
            tally = Tally(scene.program)
            decided, unknown = _decide_bucket(scene, bucket, tally)
            considered.append(tally.counted())
            summary, zones = _with(summary, decided), zones + unknown
    store.state.append(
        "considered", together(considered).select(pl.lit(loaded.tick_id).alias("tick_id"), pl.all())
    )
    return replace(summary, warnings=[*summary.warnings, *zone_warnings(zones, rules.timezone)])


def _scene(store: Store, rules: Rules, loaded: TickSummary) -> _Scene:
    con = store.con
    older = older_versions(store.state, rules.workflows, loaded.previous, rules.counted)
    program = compile_program(rules.workflows, older, rules.patterns, rules.send_times, rules.counted)
    ((first,),) = run_sql(con, "decide/first_event.sql").fetchall()
    caps = [Cap(*one) for one in rules.caps]
    tick = Tick(loaded.now, loaded.previous, first, caps, rules.timezone)
    return _Scene(con, program, tick, loaded.tick_id, reach_of(program, tick))


def _unarmed_keys(scene: _Scene, new: list[str] | None) -> None:
    """The schedules whose attributes are to be looked at for everybody: those in `new`, or all of them."""
    rows = [
        (attribute, key) for attribute, key, _ in date_attributes(scene.program) if new is None or key in new
    ]
    keys = pl.DataFrame(rows, schema={"attribute": pl.String, "key": pl.String}, orient="row")
    with shown(scene.con, unarmed=keys):
        make_table(scene.con, "unarmed_keys", "from unarmed")


def _size(scene: _Scene, loaded: TickSummary) -> int:
    """About how many rows the tick looks at."""
    customers = count(scene.con, "profiles") if scene.reach.everybody else 0
    return max(loaded.events, customers)


def _decide_bucket(scene: _Scene, bucket: Bucket, tally: Tally) -> tuple[Decided, Counter[str]]:
    """What was decided in a bucket, and whose zones nobody knows; what triggers asked is counted."""
    con, program, tick = scene.con, scene.program, scene.tick
    incoming = read_facts(con, "bucket_events", "profiles where known", program)
    find_active_customers(con, incoming, bucket, scene.reach)
    signals = _signals(scene, incoming, bucket)
    add_active_customers(con, signals.facts["customer_id"])
    stored = read_state(con, program, tick)
    # Updates that are too late to be seen by anything else act before all that this tick decides.
    state = replace(stored, attributes=fold_attributes(stored.attributes, incoming.profile_only))
    decided = decide(program, state, incoming.facts, signals, tick, tally)
    final = fold_attributes(state.attributes, incoming.facts.writes, decided.attributes)
    changed = changed_attributes(con, stored.attributes, final, incoming.unread)
    write_decided(con, decided, changed, tick, scene.tick_id)
    write_amounts(con, signals.amounts())
    return decided, unknown_zones(program, final)


def _signals(scene: _Scene, incoming: Incoming, bucket: Bucket) -> Signals:
    declared, con = scene.program.signals, scene.con
    if not declared.names:
        return Signals()
    again = frame(con, f"from events_again where {bucket.within}")
    behaviors = pl.concat([incoming.behaviors, again])
    amounts = read_amounts(con, behaviors["customer_id"], of_active=bool(declared.signals))
    since = scene.tick.since
    return evaluate_signals(declared, behaviors, amounts, since=since, until=scene.tick.now, emit_from=since)


def _with(summary: TickSummary, decided: Decided) -> TickSummary:
    """The summary with what was decided in one more bucket."""
    return replace(
        summary,
        facts=summary.facts + decided.facts,
        steps=summary.steps + len(decided.steps),
        executions=summary.executions + len(decided.entries),
        messages=summary.messages + len(decided.messages),
        webhooks=summary.webhooks + len(decided.webhooks),
        waves=summary.waves + decided.waves,
    )
