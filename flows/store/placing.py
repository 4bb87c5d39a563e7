"""Where a customer's document lies: under the hash of the id, or, if another id has that, under the next free number.

The first bits of the key are the customer's bucket, and stay so: a taken key is followed by others of its bucket.
"""

from collections.abc import Callable, Sequence

import polars as pl

from flows.store.state_file import StateFile
from transforms.columns.ids import stable_hash

Given = Callable[[pl.Series], pl.Series]
_WITHIN = 2**48 - 1
"""The bits of a key that may differ from those of the hash."""
_SCHEMA = {"customer_id": pl.String, "key": pl.Int64, "doc": pl.String}
_OF_KEYS = """
select customers.customer_id, customers.key, customers.doc
from json_each($keys) as asked
inner join customers on customers.key = asked.value
"""


def nobody(keys: pl.Series) -> pl.Series:
    """None of the keys was given to anybody."""
    return keys.clear()


def keys_of(customers: pl.Series) -> pl.Series:
    """The hashes of ids as signed integers: where documents lie, unless another id has the same."""
    return customers.to_frame("id").select(stable_hash("id").reinterpret(signed=True)).to_series()


def place(state: StateFile, customers: pl.Series, given: Given = nobody) -> pl.DataFrame:
    """Where the documents of some customers lie, or will lie.

    Two ids with one hash are told apart by comparing ids: the second takes the next free key.

    Args:
        state: the state file.
        customers: distinct ids, none of which was given a place that isn't written yet.
        given: those of some keys that were given to others, whose documents aren't written yet.

    Returns:
        One row per customer: `customer_id`, `key`, `doc` (null: there is none yet).
    """
    asked = pl.DataFrame({"customer_id": customers, "key": keys_of(customers)}).sort("key", "customer_id")
    found: list[pl.DataFrame] = []
    used = pl.Series(dtype=pl.Int64)
    while len(asked):
        keys = asked["key"].unique(maintain_order=True)
        there = _documents(state, keys.to_list())
        own = asked.join(there, on=["customer_id", "key"], how="inner")
        left = asked.join(own, on="customer_id", how="anti", maintain_order="left")
        taken = pl.concat([there["key"], given(keys), used])
        new = left.filter(~pl.col("key").is_in(taken.implode())).unique(
            "key", keep="first", maintain_order=True
        )
        used = pl.concat([used, new["key"]])
        found += [own, new.with_columns(doc=pl.lit(None, pl.String))]
        asked = left.join(new, on="customer_id", how="anti", maintain_order="left").with_columns(key=_next())
    return pl.concat([one.select(*_SCHEMA) for one in found]) if found else pl.DataFrame(schema=_SCHEMA)


def placed_at(state: StateFile, keys: Sequence[int]) -> pl.DataFrame:
    """The documents that lie under some keys: `customer_id`, `key`, `doc`."""
    return _documents(state, keys)


def _documents(state: StateFile, keys: Sequence[int]) -> pl.DataFrame:
    return pl.DataFrame(state.query(_OF_KEYS, keys=list(keys)), schema=_SCHEMA, orient="row")


def _next() -> pl.Expr:
    """The key after another, of the same bucket."""
    key = pl.col("key")
    within = (key & pl.lit(_WITHIN)) + 1
    return (key - (key & pl.lit(_WITHIN))) + (within & pl.lit(_WITHIN))
