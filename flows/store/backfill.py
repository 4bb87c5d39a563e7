"""Sums that are new in this version, or count otherwise, counted once over everything there is."""

import json
from pathlib import Path

import polars as pl

from flows.files import hash_of
from flows.store.everybody import everybody
from flows.store.store import Store
from flows.store.sums import add_sums, count_sums
from flows.store.tables import PROGRAM_STEPS
from flows.warehouse import run_sql, shown, sql_names, sql_text

_KNOWN = "sums"
"""Under which name the state file notes which sums it keeps, and by which statements they count."""


def fill_sums(store: Store) -> None:
    """Bring the sums up to this version's, in a transaction of its own; nothing is done if they are.

    Raises:
        OnwardError: the ledger can't be read, or the state file can't be written.
    """
    state = store.state
    wanted = {Path(name).stem: hash_of(sql_text(name).encode()) for name in sql_names("store/sums")}
    known: dict[str, str] = json.loads(state.value(_KNOWN) or "{}")
    if wanted == known:
        return
    new = [name for name, text in wanted.items() if known.get(name) != text]
    gone = [*(name for name in known if name not in wanted), *new]
    with state.transaction():
        state.write("delete from sums where name = ?", [(name,) for name in gone])
        if state.commit and new:
            store.say("Counting what reports need once")
            add_sums(state, _counted(store).filter(pl.col("name").is_in(new)))
        state.note(_KNOWN, json.dumps(wanted))
        state.note("commit", state.commit + bool(state.commit))


def _counted(store: Store) -> pl.DataFrame:
    steps = store.state.frame("select * from program_steps", PROGRAM_STEPS)
    with everybody(store), shown(store.con, program_steps=steps):
        run_sql(store.con, "store/work/counted_of_all.sql")
        found = count_sums(store.con)
        run_sql(store.con, "store/work/no_longer_counted.sql")
    return found
