"""Canonical events in DuckDB → what the engine reads: facts some workflow can see, and profile updates.

All workflows' needs are united; properties nobody reads are never parsed.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.warehouse import frame, make_view, quoted, read_sql, run_sql
from transforms.engine.state import Facts
from transforms.program.model import Program
from transforms.tables.frames import ATTRIBUTES, BEHAVIORS, EVENT_PREFIX, INTRODUCTIONS, WRITES
from transforms.timing.instants import read_instants


@dataclass(frozen=True)
class Incoming:
    """What the events of a tick (or a history) bring.

    Attributes:
        facts: the events some workflow may see, and the updates of attributes that workflows see.
        profile_only: `frames.WRITES` of events that only update profiles (history, too late).
        unread: `frames.ATTRIBUTES`: for attributes that no workflow sees, the last update of each customer.
        behaviors: `frames.BEHAVIORS`: the behavioral events that count in windows, all of them fresh.
    """

    facts: Facts
    profile_only: pl.DataFrame
    unread: pl.DataFrame
    behaviors: pl.DataFrame


def read_facts(
    con: DuckDBPyConnection,
    relation: str,
    known: str,
    program: Program,
    *,
    behaviors: bool = True,
    unread: bool = True,
) -> Incoming:
    """Read the facts of `relation`.

    Args:
        con: a connection in UTC that knows the macros of `flows.decide.macros`.
        relation: a table or view with the canonical event columns, `at` (when the event acts) and `acts`
            (false: it only updates the profile).
        known: where to find the `customer_id` of those whom no event has to make known.
        program: the compiled workflows.
        behaviors: whether to read those too; else there are none.
        unread: the same of updates that no workflow sees.

    Raises:
        WarehouseError: the relation can't be read.
    """
    make_view(con, "fact_events", f"from {quoted(relation)}")
    visible = visible_attributes(program)
    make_view(con, "known_customers", f"select customer_id from {known}")
    run_sql(con, "decide/facts/updating.sql")
    run_sql(con, "decide/facts/writes.sql")
    run_sql(con, "decide/facts/live.sql", **visible)
    events = with_properties(read_sql(con, "decide/facts/events.sql", **_wanted(program)), program)
    return Incoming(
        facts=Facts(events, read_sql(con, "decide/facts/updates.sql", acts=True), _introductions(con)),
        profile_only=read_sql(con, "decide/facts/updates.sql", acts=False),
        unread=read_sql(con, "decide/facts/unread.sql", **visible)
        if unread
        else pl.DataFrame(schema=ATTRIBUTES),
        behaviors=_behaviors(con, program) if behaviors else pl.DataFrame(schema=BEHAVIORS),
    )


def every_write(con: DuckDBPyConnection) -> pl.DataFrame:
    """`frames.WRITES`: all updates of the events that were read last, seen by a workflow or not."""
    return frame(con, f"select {', '.join(map(quoted, WRITES))} from fact_writes")


def visible_attributes(program: Program) -> dict[str, Any]:
    """Parameters of queries: the attributes that workflows see, and whether they see every one."""
    return {"attributes": list(program.attributes), "every": program.reads_every_attribute}


def with_properties(rows: pl.DataFrame, program: Program) -> pl.DataFrame:
    """Rows with a list `read` of what is at `property_paths` → with a column `event.X` for each property X."""
    names = program.properties[: program.read]
    each = {EVENT_PREFIX + name: pl.col("read").list.get(place) for place, name in enumerate(names)}
    return rows.with_columns(**each).drop("read")


def property_paths(program: Program) -> list[str]:
    """The JSON paths of the properties that some workflow reads."""
    return list(map(json_path, program.properties[: program.read]))


def _wanted(program: Program) -> dict[str, list[str]]:
    """Which events workflows may see, and what of them."""
    return {
        "names": list(program.sees.names),
        "types": list(program.sees.types),
        "paths": property_paths(program),
    }


def _introductions(con: DuckDBPyConnection) -> pl.DataFrame:
    told = read_sql(con, "decide/facts/introductions.sql")
    said = [read_instants(told["said"].list.get(place)) for place in (0, 1)]
    return told.with_columns(created_at=pl.min_horizontal(*said)).select(*INTRODUCTIONS)


def _behaviors(con: DuckDBPyConnection, program: Program) -> pl.DataFrame:
    return read_sql(con, "decide/facts/behaviors.sql", names=list(program.signals.names))


def json_path(name: str) -> str:
    """The JSON path of a top-level entry, whatever characters its name has."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'
