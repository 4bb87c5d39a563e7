"""Amounts made from history for windows that are new: they wait beside the documents until a customer is brought in.

To rewrite everybody's document would take minutes; a tick that brings a customer in puts both together.
"""

import polars as pl

from flows.store.placing import keys_of
from flows.store.state_file import StateFile, stored_rows
from transforms.tables.frames import Schema

_SETS = "amount_sets"
"""How many sets of amounts were made from history, as the state file notes it."""
_WAITING = """
select customer_id, number, keys, amounts
from history_amounts
where hash in (select value from json_each($hashes))
order by customer_id, number
"""
_SCHEMA: Schema = {
    "customer_id": pl.String,
    "number": pl.Int64,
    "keys": pl.List(pl.Int32),
    "amounts": pl.List(pl.Int64),
}


def sets_made(state: StateFile) -> int:
    """How many sets of amounts were made from history."""
    return int(state.value(_SETS) or 0)


def keep_amounts(state: StateFile, amounts: pl.DataFrame) -> None:
    """Let amounts made from history wait for their customers, inside the caller's transaction.

    Args:
        state: the state file.
        amounts: one row per customer: `customer_id`, `keys`, `amounts`.
    """
    number = sets_made(state) + 1
    rows = amounts.with_columns(hash=keys_of(amounts["customer_id"]), number=pl.lit(number)).sort(
        "hash", "customer_id"
    )
    columns = ["hash", "customer_id", "number", "keys", "amounts"]
    state.write("insert into history_amounts values (?, ?, ?, ?, ?)", stored_rows(rows.select(columns)))
    state.note(_SETS, number)


def waiting_amounts(state: StateFile, behind: pl.DataFrame) -> pl.DataFrame:
    """The amounts that wait for some customers: `customer_id`, `keys`, `amounts`, a row for each set.

    Args:
        state: the state file.
        behind: `customer_id`, and how many sets each has already (`sets`).
    """
    hashes = keys_of(behind["customer_id"]).unique().to_list()
    found = state.frame(_WAITING, _SCHEMA, hashes=hashes).join(behind, on="customer_id", how="inner")
    return found.filter(pl.col("number") > pl.col("sets")).select("customer_id", "keys", "amounts")
