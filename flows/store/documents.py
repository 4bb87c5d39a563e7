"""A customer as one document: all that a tick reads and writes of one, packed as JSON, so that it lies on one page.

Pure: frames in, frames out. A document has a group of parallel lists for each kind of row, null where there are none;
rows are packed in a fixed order, so that equal rows are equal documents.
"""

from collections.abc import Mapping
from functools import cache

import polars as pl

from transforms.tables.frames import (
    ALARMS,
    ATTRIBUTES,
    ENTRIES,
    EXECUTIONS,
    INSTANT,
    SENDS,
    TAGS,
    Schema,
    chosen,
)

PROFILES: Schema = {
    "customer_id": pl.String,
    "created_at": INSTANT,
    "known": pl.Boolean,
    "from_file": pl.Boolean,
}
_ENDED = ("status", "ended_at")
IN_FLIGHT: Schema = {
    **{name: kind for name, kind in EXECUTIONS.items() if name not in _ENDED},
    "held_by": pl.String,
    "tick_id": pl.Int64,
}
WINDOW_AMOUNTS: Schema = {
    "customer_id": pl.String,
    "keys": pl.List(pl.Int32),
    "amounts": pl.List(pl.Int64),
}
GROUPS: dict[str, tuple[Schema, tuple[str, ...]]] = {
    "attributes": (ATTRIBUTES, ("attribute",)),
    "tags": (TAGS, ("tag",)),
    "executions": (IN_FLIGHT, ("workflow_id", "execution_id")),
    "entries": (ENTRIES, ("workflow_id",)),
    "sends": (SENDS, ("at", "channel", "message_class")),
    "schedule_alarms": (ALARMS, ("key",)),
}
"""Kinds of rows that a document holds any number of: their columns, and by what they are ordered."""
_GROUPS = {name: columns for name, (columns, _) in GROUPS.items()}
TABLES: dict[str, Schema] = {"profiles": PROFILES, "window_amounts": WINDOW_AMOUNTS, **_GROUPS}
"""All kinds of rows that documents hold, by the names of their tables."""


def pack(frames: Mapping[str, pl.DataFrame], sets: int) -> pl.DataFrame:
    """The documents of the customers in `profiles`.

    Args:
        frames: rows by table, with at least the columns of `TABLES`; of `profiles` and `window_amounts` one a customer.
        sets: how many sets of amounts made from history are among these.

    Returns:
        One row per customer: `customer_id`, `doc`.
    """
    profiles = _plain(frames["profiles"], PROFILES)
    amounts = frames["window_amounts"].select(*WINDOW_AMOUNTS)
    whole = profiles.join(_in_one(amounts, "window_amounts"), on="customer_id", how="left")
    for name, (columns, order) in GROUPS.items():
        rows = _plain(frames[name], columns).sort("customer_id", *order, nulls_last=False)
        lists = rows.group_by("customer_id", maintain_order=True).agg(pl.exclude("customer_id"))
        whole = whole.join(_in_one(lists, name), on="customer_id", how="left")
    parts = pl.struct(pl.exclude("customer_id"), sets=pl.lit(sets))
    return whole.select("customer_id", doc=parts.struct.json_encode())


def unpack(documents: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The rows of documents, by table; and `sets`: one row per customer, how many sets of amounts are in it.

    Args:
        documents: `customer_id`, `doc`.
    """
    read = documents.select("customer_id", pl.col("doc").str.json_decode(_document()).alias("of"))
    whole = read.unnest("of")
    found = {name: _rows(whole, name, columns) for name, columns in _GROUPS.items()}
    of_amounts = whole.select("customer_id", "window_amounts").filter(pl.col("window_amounts").is_not_null())
    found["window_amounts"] = of_amounts.unnest("window_amounts").select(*WINDOW_AMOUNTS)
    found["profiles"] = _typed(whole, PROFILES)
    return found | {"sets": whole.select("customer_id", "sets")}


def _rows(whole: pl.DataFrame, name: str, columns: Schema) -> pl.DataFrame:
    of_some = whole.select("customer_id", name).filter(pl.col(name).is_not_null()).unnest(name)
    inner = [one for one in columns if one != "customer_id"]
    grown = [one for one in inner if of_some[one].null_count()]
    if grown:  # documents from before there was such a column
        length = pl.max_horizontal(pl.col(inner).list.len())
        nothing = pl.lit(None).repeat_by(length)
        of_some = of_some.with_columns(
            pl.col(one).fill_null(nothing.cast(of_some.schema[one])) for one in grown
        )
    return _typed(of_some.explode(inner), columns)


def _in_one(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.select("customer_id", pl.struct(pl.exclude("customer_id")).alias(name))


def _plain(frame: pl.DataFrame, columns: Schema) -> pl.DataFrame:
    """Instants as microseconds since 1970."""
    return frame.select(
        pl.col(name).dt.epoch("us") if kind == INSTANT else pl.col(name) for name, kind in columns.items()
    )


def _typed(frame: pl.DataFrame, columns: Schema) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in columns.items())


@cache
def _document() -> pl.Struct:
    groups = {
        name: pl.Struct({one: pl.List(_kept(kind)) for one, kind in columns.items() if one != "customer_id"})
        for name, columns in _GROUPS.items()
    }
    profile = {name: _kept(kind) for name, kind in PROFILES.items() if name != "customer_id"}
    amounts = pl.Struct(chosen(WINDOW_AMOUNTS, "keys", "amounts"))
    return pl.Struct({**profile, "window_amounts": amounts, **groups, "sets": pl.Int64})


def _kept(kind: pl.DataType | type[pl.DataType]) -> pl.DataType | type[pl.DataType]:
    return pl.Int64 if kind == INSTANT else kind
