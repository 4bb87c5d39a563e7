"""The profiles of a bucket's customers as a backtest ends: what files gave, and what was set since."""

import polars as pl
from duckdb import DuckDBPyConnection

from flows.warehouse import read_sql, shown
from transforms.engine.state import State
from transforms.tables.frames import PROFILES

_OWNER = "customer_id"


def profiles(
    con: DuckDBPyConnection, customers: pl.DataFrame, state: State, changed: pl.DataFrame
) -> pl.DataFrame:
    """One row per customer (`frames.PROFILES`): the attributes as a JSON object, and the sorted tags.

    An object that nothing changed stays as it was given.

    Args:
        con: a connection to ask about JSON.
        customers: as their files give them: `frames.CANONICAL_CUSTOMERS`.
        state: that of the end: who is known, and the tags.
        changed: `customer_id, attribute, value` of each attribute that was set since.
    """
    # Objects with a null are made anew too: an attribute that is null isn't there.
    with_null = pl.col("attributes").str.contains("null", literal=True).fill_null(value=True)
    untouched = customers.join(changed, on=_OWNER, how="anti", maintain_order="left").filter(~with_null)
    others = customers.join(untouched, on=_OWNER, how="anti")
    with shown(con, changed_customers=others, changed_attributes=changed):
        rebuilt = _objects(read_sql(con, "backtest/entries.sql"))
    attributes = pl.concat([untouched.select(_OWNER, "attributes"), rebuilt])
    tags = state.tags.group_by(_OWNER).agg(pl.col("tag").sort().alias("tags"))
    known = state.customers.filter("known")
    owners = pl.concat([one.select(_OWNER) for one in (known, rebuilt, tags)]).unique()
    found = owners.join(attributes, on=_OWNER, how="left").join(tags, on=_OWNER, how="left")
    nothing = pl.lit([], PROFILES["tags"])
    return found.select(_OWNER, pl.col("attributes").fill_null("{}"), pl.col("tags").fill_null(nothing))


def _objects(entries: pl.DataFrame) -> pl.DataFrame:
    """Entries by customer → JSON objects, their attributes in order."""
    names = pl.Enum(entries["attribute"].unique().sort())
    inside = pl.col("entry").str.join(",")
    return (
        entries.sort(pl.col("attribute").cast(names))
        .group_by(_OWNER, maintain_order=True)
        .agg(attributes=pl.concat_str(pl.lit("{"), inside, pl.lit("}")))
    )
