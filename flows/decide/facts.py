"""Canonical events in DuckDB → what the engine reads: facts some workflow can see, and profile updates.

All workflows' needs are united into one select; properties nobody reads are never parsed.
"""

from dataclasses import dataclass

import polars as pl
from duckdb import DuckDBPyConnection

from flows.warehouse import frame, literal, quoted, sql_text
from transforms.engine.state import Facts
from transforms.program.model import Program
from transforms.tables.frames import BEHAVIORS, EVENT_PREFIX, WRITES


@dataclass(frozen=True)
class Incoming:
    """What the events of a tick (or a history) bring.

    Attributes:
        facts: the events some workflow may see, and the updates of attributes that workflows see.
        profile_only: `state.WRITES` of events that only update profiles (history, too late).
        unread: `state.ATTRIBUTES`: for attributes that no workflow sees, the last update of each customer.
        behaviors: `state.BEHAVIORS`: the behavioral events that count in windows, all of them fresh.
    """

    facts: Facts
    profile_only: pl.DataFrame
    unread: pl.DataFrame
    behaviors: pl.DataFrame


def read_facts(
    con: DuckDBPyConnection, relation: str, program: Program, *, behaviors: bool = True
) -> Incoming:
    """Read the facts of `relation`.

    Args:
        con: a connection in UTC.
        relation: a table or view with the canonical event columns, `at` (when the event acts) and `acts`
            (false: it only updates the profile).
        program: the compiled workflows.
        behaviors: whether to read those too; else there are none.

    Raises:
        WarehouseError: the relation can't be read.
    """
    con.execute(f"create or replace temp view fact_events as select * from {quoted(relation)}")
    con.execute(f"create or replace temp view fact_writes as {sql_text('decide/facts/writes.sql')}")
    live = "true" if program.reads_every_attribute else among("attribute", program.attributes)
    con.execute(f"create or replace temp table fact_live as select * from fact_writes where {live}")
    columns = ", ".join(map(quoted, WRITES))
    acting = f"select {columns} from fact_live where acts"
    return Incoming(
        facts=Facts(frame(con, _events_query(program)), frame(con, acting)),
        profile_only=frame(con, f"select {columns} from fact_live where not acts"),
        unread=frame(con, _unread_query(live)),
        behaviors=frame(con, _behaviors_query(program)) if behaviors else pl.DataFrame(schema=BEHAVIORS),
    )


def with_properties(program: Program, columns: str, source: str, properties: str) -> str:
    """The query of `columns` and one column `event.X` (JSON text) per property X that some workflow reads.

    Args:
        program: the compiled workflows.
        columns: what else to select.
        source: the rest of the query, from its `from` on.
        properties: the column that holds a JSON object; it is parsed once per row.
    """
    names = program.properties[: program.read]
    if not names:
        return f"select {columns} {source}"
    paths = ", ".join(literal(json_path(name)) for name in names)
    each = ", ".join(
        f"found[{i}]::varchar as {quoted(EVENT_PREFIX + name)}" for i, name in enumerate(names, 1)
    )
    inner = f"select {columns}, json_extract({properties}, [{paths}]) as found {source}"
    return f"select * exclude (found), {each} from ({inner})"


def _events_query(program: Program) -> str:
    wanted = f"{among('name', program.sees.names)} or {among('type', program.sees.types)}"
    writing = "event_id in (select event_id from fact_live)"
    columns = 'event_id, customer_id, ts, "at", type, name, properties'
    source = f"from ({sql_text('decide/facts/valued.sql')}) where acts and ({wanted} or {writing})"
    return with_properties(program, columns, source, "properties")


def _unread_query(live: str) -> str:
    last = "arg_max(value, (ts, event_id, ordinal)) as value, max(ts) as set_at"
    return f"select customer_id, attribute, {last} from fact_writes where not ({live}) group by all"


def _behaviors_query(program: Program) -> str:
    columns = 'event_id, customer_id, ts, "at", name, value, acts, true as fresh'
    watched = among("name", program.signals.names)
    return f"select {columns} from fact_events where type = 'behavioral' and {watched}"


def json_path(name: str) -> str:
    """The JSON path of a top-level entry, whatever characters its name has."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def among(column: str, names: tuple[str, ...] | list[str]) -> str:
    """The condition that a column has one of some values."""
    return f"{column} in ({', '.join(map(literal, names))})" if names else "false"
