"""The ledger's files as relations: of rows that never change, and of customers as they are now."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.ledger import BASE, CURRENT, LedgerFile, check_there, ledger_folder
from flows.store.store import Store
from flows.store.tables import SMALL
from flows.warehouse import frame, parquet, shown, sql_text

_TABLE_OF = {"ended": "executions", "running": "executions"}
"""The table whose columns a relation has, where that has another name."""


def relations(
    store: Store,
    files: Sequence[LedgerFile],
    con: DuckDBPyConnection,
    schema: str,
    names: Iterable[str],
    *,
    keyed: bool = False,
) -> dict[str, str]:
    """The queries of some relations, by their names.

    Args:
        store: whose ledger they read.
        files: those of it that count.
        con: a connection that gets empty tables there, for relations that have no files yet.
        schema: where these are made.
        names: of `LASTING`, `CLOSED` and `CURRENT`.
        keyed: whether rows of `CURRENT` have `customer_key` and `commit_id`, too.
    """
    root, wanted = ledger_folder(store.settings).absolute(), list(names)
    check_there(root, files)
    make_empty(store, con, schema, {*wanted, "profiles"})
    columns = "*" if keyed else "* exclude (customer_key, commit_id)"
    return {
        name: f"select {columns} from ({current_rows(root, files, name, schema)})"
        if name in CURRENT
        else f"select * from {lasting_rows(root, files, name, schema)}"
        for name in wanted
    }


def lasting_rows(root: Path, files: Sequence[LedgerFile], name: str, schema: str) -> str:
    """The rows of a relation that never change.

    Args:
        root: the root of the ledger.
        files: those that count.
        name: of `LASTING` or `CLOSED`.
        schema: where `make_empty` has made tables.
    """
    return _read(root, [one for one in files if one.relation == name], f"{schema}.no_{name}")


def current_rows(root: Path, files: Sequence[LedgerFile], name: str, schema: str) -> str:
    """All customers' rows as they are now, with `customer_key` and `commit_id`; arguments as for `lasting_rows`."""
    own = [one for one in files if one.relation == name]
    touched = [one for one in files if one.relation == "profiles" and one.level < BASE]
    nothing = f"{schema}.no_{name}"
    return (
        sql_text("store/published/current.sql")
        .replace("{touched}", _read(root, touched, f"{schema}.no_profiles"))
        .replace("{base}", _read(root, [one for one in own if one.level == BASE], nothing))
        .replace("{later}", _read(root, [one for one in own if one.level < BASE], nothing))
    )


def make_empty(store: Store, con: DuckDBPyConnection, schema: str, names: Iterable[str]) -> None:
    """Make tables without rows, `no_NAME`, with the columns of relations."""
    for name in names:
        with shown(con, nothing=_empty(store, name)):
            con.execute(f"create table {schema}.no_{name} as from nothing")


def _empty(store: Store, name: str) -> pl.DataFrame:
    if name in SMALL:
        return pl.DataFrame(schema=SMALL[name])
    keys = "0::bigint as customer_key, 0::bigint as commit_id, " if name in CURRENT else ""
    table = _TABLE_OF.get(name, name)
    columns = "* exclude (trigger_properties)" if table == "messages" else "*"
    return frame(store.con, f"select {keys}{columns} from {table} limit 0")


def _read(root: Path, files: Sequence[LedgerFile], nothing: str) -> str:
    return parquet(*(root / one.name for one in files)) if files else nothing
