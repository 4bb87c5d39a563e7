"""The ledger's files as relations: of rows that never change, and of customers as they are now."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.store.ledger import BASE, CURRENT, LASTING, LedgerFile, ledger_folder, named_files
from flows.store.store import Store
from flows.warehouse import frame, parquet, shown, sql_text

_TABLE_OF = {"ended": "executions", "running": "executions"}
"""The table whose columns a relation has, where that has another name."""


def relations(store: Store, con: DuckDBPyConnection, schema: str, names: Iterable[str]) -> dict[str, str]:
    """The queries of some relations, by their names, as far as the state file says that they have come.

    Args:
        store: whose files they read.
        con: a connection that gets empty tables there, for relations that have no files yet.
        schema: where these are made.
        names: of `LASTING` and `CURRENT`.
    """
    root, files = ledger_folder(store.settings).absolute(), named_files(store.state)
    held = {name: [one for one in files if one.relation == name] for name in (*LASTING, *CURRENT)}
    wanted = list(names)
    for name in {*wanted, "profiles"}:
        _make_empty(con, store, f"{schema}.no_{name}", name)
    return {
        name: _current(root, held, name, schema)
        if name in CURRENT
        else f"select * from {_read(root, held[name], f'{schema}.no_{name}')}"
        for name in wanted
    }


def _current(root: Path, held: Mapping[str, list[LedgerFile]], name: str, schema: str) -> str:
    base = [one for one in held[name] if one.level == BASE]
    later = [one for one in held[name] if one.level < BASE]
    touched = [one for one in held["profiles"] if one.level < BASE]
    nothing = f"{schema}.no_{name}"
    return (
        sql_text("store/published/current.sql")
        .replace("{touched}", _read(root, touched, f"{schema}.no_profiles"))
        .replace("{base}", _read(root, base, nothing))
        .replace("{later}", _read(root, later, nothing))
    )


def _make_empty(con: DuckDBPyConnection, store: Store, name: str, relation: str) -> None:
    """A table without rows, whose columns a relation has that has no files yet."""
    keys = "0::bigint as customer_key, 0::bigint as commit_id, " if relation in CURRENT else ""
    table = _TABLE_OF.get(relation, relation)
    columns = "* exclude (trigger_properties)" if table == "messages" else "*"
    with shown(con, nothing=frame(store.con, f"select {keys}{columns} from {table} limit 0")):
        con.execute(f"create table {name} as from nothing")


def _read(root: Path, files: list[LedgerFile], nothing: str) -> str:
    return parquet(*(root / one.name for one in files)) if files else nothing
