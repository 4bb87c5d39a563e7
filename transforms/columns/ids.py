"""Ids, draws and hashes: pure functions of the facts, stable in every language and forever (semantics.md §§6, 12)."""

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh

_SEPARATOR = "|"
_ID_DIGITS = 32
_BUCKET_DIGITS = 16
_BUCKETS = 2.0**64


def execution_id() -> pl.Expr:
    """`execution_id` from the columns workflow_id, customer_id and entered_at (Datetime, µs)."""
    return _id("workflow_id", "customer_id", pl.col("entered_at").dt.epoch("us").cast(pl.String))


def message_id() -> pl.Expr:
    """`message_id` (and `webhook_id`) from the columns execution_id and step."""
    return _id("execution_id", "step")


def draw(*parts: str, customers: pl.Series) -> npt.NDArray[np.float64]:
    """`bucket(parts…, customer_id)` of semantics.md §6 for each customer id, in [0, 1)."""
    texts = pl.select(
        pl.concat_str(pl.lit(_SEPARATOR.join(parts)), pl.lit(customers), separator=_SEPARATOR).alias("t")
    )
    digest = texts.select(plh.col("t").chash.sha2_256().str.head(_BUCKET_DIGITS))
    integers = digest.to_series().str.to_integer(base=16, dtype=pl.UInt64)
    return integers.to_numpy().astype(np.float64) / _BUCKETS


def stable_hash(column: str) -> pl.Expr:
    """XXH64, seed 0, of a column's texts in UTF-8: 64 bits that no version of a library changes."""
    hashed: pl.Expr = plh.col(column).nchash.xxhash64()
    return hashed


def _id(*parts: str | pl.Expr) -> pl.Expr:
    hashed: pl.Expr = plh.concat_str(*parts, separator=_SEPARATOR).chash.sha2_256()
    return hashed.str.head(_ID_DIGITS)
