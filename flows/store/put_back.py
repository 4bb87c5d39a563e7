"""What a tick has changed → the ledger's files, and the state file's documents, due and pending rows.

All of it is one transaction of the state file. A file of the ledger that a killed run had written counts for nothing
until it is named there.
"""

from collections.abc import Iterator

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.documents import TABLES, pack
from flows.store.history_amounts import sets_made
from flows.store.ledger import BASE, Ledger, LedgerFile, name_files
from flows.store.pending import add_pending
from flows.store.state_file import StateFile
from flows.store.sums import add_sums, count_sums
from flows.store.suppressions import add_suppressions
from flows.store.tables import PROGRAM_STEPS
from flows.store.work import are_empty
from flows.warehouse import count, frame, make_table, run, run_sql, shown, sql_text
from transforms.columns.arrays import NEVER

CUSTOMERS = "customers"
"""How many documents there are, as the state file notes it."""
_AT_ONCE = 250_000
_LASTING = {
    "steps": "from steps",
    "ended": "from executions where status not in ('running', 'paused')",
    "messages": "select * exclude (trigger_properties) from messages where status <> 'pending'",
    "webhooks": "from webhooks where status <> 'pending'",
    "goal_hits": "from goal_hits",
    "entry_refusals": "from entry_refusals",
    "quarantine": "from quarantine",
    "suppressions": "from suppressions",
}
_CURRENT = {
    "profiles": "profiles",
    "attributes": "attributes",
    "tags": "tags",
    "running": "(select * replace ('running' as status) from executions where status in ('running', 'paused'))",
    "window_amounts": "window_amounts",
    "schedule_alarms": "numbered_alarms",
}
_PUT = """
insert into customers values (?, ?, ?)
on conflict (key) do update set doc = excluded.doc where customer_id = excluded.customer_id
"""


def put_back(con: DuckDBPyConnection, state: StateFile, ledger: Ledger, *, shows: bool) -> None:
    """Write what has changed of the customers who were brought in, inside the caller's transaction.

    Args:
        con: the tables of a tick.
        state: the state file.
        ledger: where files go.
        shows: whether people see that something happened, even if none of these has changed.

    Raises:
        WarehouseError: a file of the ledger can't be written.
        StateError: the state file can't.
    """
    number = state.commit + 1
    if are_empty(con):
        if shows:
            state.note("commit", number)
        return
    run_sql(con, "store/work/numbered_alarms.sql")
    files = [
        one for name, rows in _LASTING.items() for one in ledger.write(con, name, rows, (number, number))
    ]
    is_first = not state.value(CUSTOMERS)
    changed = _put_documents(con, state)
    if changed:
        files += write_current(con, ledger, number, BASE if is_first else 0)
        _put_due(con, state)
        _put_in_flight(con, state)
    add_suppressions(con, state)
    _put_sums(con, state)
    pending = add_pending(con, state)
    name_files(state, files)
    if files or changed or pending or shows:
        state.note("commit", number)


def _put_documents(con: DuckDBPyConnection, state: StateFile) -> int:
    """Write the documents that differ from what they were, by key; how many. Makes the table `changed`."""
    con.execute("create or replace table changed (customer_id varchar, key bigint)")
    every = count(con, "loaded")
    known = int(state.value(CUSTOMERS) or 0)
    if every > max(_AT_ONCE, known // 5):
        state.copy_aside()
    new = 0
    for documents in _documents(con, sets_made(state), every):
        with shown(con, put=documents):
            con.execute("insert into changed select customer_id, key from put")
        written = state.write(_PUT, documents.select("key", "customer_id", "doc").iter_rows())
        assert written == len(documents), "a document would lie where another customer's is"
        new += documents["before"].null_count()
    if new:
        state.note(CUSTOMERS, known + new)
    return count(con, "changed")


def _documents(con: DuckDBPyConnection, sets: int, every: int) -> Iterator[pl.DataFrame]:
    """The documents that differ from what they were: `customer_id`, `key`, `doc`, `before`; some at a time, by key."""
    make_table(
        con, "parts", f"select *, ntile({every // _AT_ONCE + 1}) over (order by key) as part from loaded"
    )
    for part in range(1, every // _AT_ONCE + 2):
        loaded = frame(con, "select customer_id, key, doc as before from parts where part = $part", part=part)
        within = f"semi join (select customer_id from parts where part = {part}) as part using (customer_id)"
        frames = {name: frame(con, f"from {_rows(name)} {within}") for name in TABLES}
        packed = pack(frames, sets).join(loaded, on="customer_id")
        yield packed.filter(pl.col("doc").ne_missing(pl.col("before"))).sort("key")


def _rows(table: str) -> str:
    """The rows of a table as documents have them."""
    if table == "executions":
        return "(from executions where status in ('running', 'paused'))"
    return "numbered_alarms" if table == "schedule_alarms" else table


def write_current(
    con: DuckDBPyConnection, ledger: Ledger, number: int, level: int, part: int = 0
) -> list[LedgerFile]:
    """Write the rows of the customers in the table `changed` as they are now.

    Args:
        con: the tables of a tick.
        ledger: where files go.
        number: the commit's.
        level: the files'.
        part: tells files of one commit and relation from each other.
    """
    run_sql(con, "store/work/numbered_alarms.sql")
    marked = (
        f"select changed.key as customer_key, {number}::bigint as commit_id, rows.* "
        "from {} as rows join changed using (customer_id)"
    )
    return [
        file
        for name, rows in _CURRENT.items()
        for file in ledger.write(
            con, name, f"{marked.format(rows)} order by customer_key", (number, number), level, part
        )
    ]


def _put_sums(con: DuckDBPyConnection, state: StateFile) -> None:
    with shown(con, program_steps=state.frame("select * from program_steps", PROGRAM_STEPS)):
        run_sql(con, "store/work/counted.sql")
        add_sums(state, count_sums(con))
        run_sql(con, "store/work/no_longer_counted.sql")


def _put_due(con: DuckDBPyConnection, state: StateFile) -> None:
    query = sql_text("store/work/due_changes.sql").replace("{never}", str(NEVER))
    changes = frame(con, query)
    for comes, statement in (
        (False, "delete from due where workflow_id = ? and at = ? and key = ?"),
        (True, "insert into due values (?, ?, ?)"),
    ):
        rows = changes.filter(pl.col("comes") == comes).select("workflow_id", "at", "key")
        state.write(statement, rows.iter_rows())


def _put_in_flight(con: DuckDBPyConnection, state: StateFile) -> None:
    more = run(
        con,
        sql_text("store/work/in_flight_changes.sql"),
        file="sql/store/work",
        step="count what is in flight",
    )
    state.write(
        "insert into in_flight values (?, ?, ?) on conflict (workflow_id, version) do update set n = n + excluded.n",
        more.fetchall(),
    )
    state.query("delete from in_flight where n = 0")
