"""What of the state file is shown to people: small tables, and the names of the files that count."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.store.ledger import CLOSED, LedgerFile, closed_until, named_files
from flows.store.of_settings import of_settings
from flows.store.pending import KEYS, decoded
from flows.store.prepared import archived_events
from flows.store.reconsidered import reconsiderations
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.store.sums import read_sums
from flows.store.tables import SMALL
from flows.warehouse import quoted
from transforms.tables.frames import SUMS, Schema

INTERNAL = "internal"
"""The schema of what only views read."""
_FILES: Schema = {
    **dict.fromkeys(("name", "relation"), pl.String),
    **dict.fromkeys(("level", "first", "last", "rows", "bytes"), pl.Int64),
    "checksum": pl.String,
}


@dataclass(frozen=True)
class Shown:
    """What is shown, read at once, so that the state file is free meanwhile.

    Attributes:
        tables: the rows of small tables, by name.
        files: the files of the ledger that count.
        archived: those of the archive with events, and an empty one that has their columns first.
    """

    tables: dict[str, pl.DataFrame]
    files: list[LedgerFile]
    archived: list[Path]


def read_shown(store: Store) -> Shown:
    """What the state file holds now.

    Raises:
        StateError: it can't be read.
    """
    files = named_files(store.state)
    return Shown({**_tables(store), f"{INTERNAL}.files": _listed(files)}, files, archived_events(store))


def _tables(store: Store) -> dict[str, pl.DataFrame]:
    state = store.state
    found = {_shown_as(name): _rows(state, name) for name in SMALL}
    sums = read_sums(state.frame("select * from sums", {**SUMS, "total": pl.String}))
    ledger = pl.DataFrame({"id": [state.value("send_ledger")]}, schema={"id": pl.String}).drop_nulls()
    paused = state.frame("select workflow_id from paused", {"workflow_id": pl.String})
    waiting = {f"{INTERNAL}.pending_{table}": decoded(store.con, state, table) for table in KEYS}
    waiting |= {f"{INTERNAL}.{name}": rows for name, rows in of_settings(store.settings).items()}
    waiting |= {"goal_reconsiderations": reconsiderations(state)}
    pending = {name: rows.drop("trigger_properties", strict=False) for name, rows in waiting.items()}
    return {**found, "sums": sums, "send_ledger": ledger, f"{INTERNAL}.paused": paused, **pending}


def _listed(files: list[LedgerFile]) -> pl.DataFrame:
    return pl.DataFrame([vars(one) for one in files], schema=_FILES)


def _shown_as(name: str) -> str:
    return f"{INTERNAL}.late_{name}" if name in CLOSED else name


def _rows(state: StateFile, name: str) -> pl.DataFrame:
    """A table's rows, but for those that are in the ledger."""
    columns = SMALL[name]
    query = f"select {', '.join(map(quoted, columns))} from {name}"
    if name not in CLOSED:
        return state.frame(query, columns)
    key = "batch_id" if name == "batches" else "tick_id"
    return state.frame(
        f"{query} where {key} > $done", columns, done=int(state.value(closed_until(name)) or 0)
    )
