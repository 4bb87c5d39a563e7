"""The ledger's files as relations: of rows that never change, and of customers as they are now."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from flows.store.ledger import BASE, CURRENT, LedgerFile, check_there, ledger_folder
from flows.store.store import Store
from flows.store.tables import SMALL
from flows.warehouse import parquet, quoted, sql_text
from transforms.tables.sql_types import duckdb_types

GREW = {"messages", "ended", "running"}
"""Relations that got columns since files of them were first written: what a file hasn't is null."""
_TABLE_OF = {"ended": "executions", "running": "executions"}
"""The table whose columns a relation has, where that has another name."""


def relations(
    store: Store,
    files: Sequence[LedgerFile],
    schema: str,
    names: Iterable[str],
    *,
    keyed: bool = False,
) -> dict[str, str]:
    """The queries of some relations, by their names.

    Args:
        store: whose ledger they read.
        files: those of it that count.
        schema: where `empty_tables` were made, for relations that have no files yet.
        names: of `LASTING`, `RECONSIDERED`, `CLOSED` and `CURRENT`.
        keyed: whether rows of `CURRENT` have `customer_key` and `commit_id`, too.
    """
    root, wanted = ledger_folder(store.settings).absolute(), list(names)
    check_there(root, files)
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
        name: of `LASTING`, `RECONSIDERED` or `CLOSED`.
        schema: where `empty_tables` were made.
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


def empty_tables(schema: str, names: Iterable[str]) -> list[str]:
    """Statements that make tables without rows, `no_NAME`, with the columns of relations and of `profiles`."""
    return [_empty_table(schema, name) for name in dict.fromkeys([*names, "profiles"])]


def _empty_table(schema: str, name: str) -> str:
    if name in SMALL:
        kinds = duckdb_types(SMALL[name])
        columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in kinds.items())
    else:
        text = sql_text(f"store/schema/{_TABLE_OF.get(name, name)}.sql")
        columns = text[text.index("(\n") + 1 : text.rindex("\n)")]
    keys = "customer_key bigint, commit_id bigint, " if name in CURRENT else ""
    return f"create table {schema}.no_{name} ({keys}{columns})"


def _read(root: Path, files: Sequence[LedgerFile], nothing: str) -> str:
    if not files:
        return nothing
    names = [root / one.name for one in files]
    if files[0].relation not in GREW:
        return parquet(*names)
    return f"(from {nothing} union all by name from {parquet(*names, by_name=True)})"
