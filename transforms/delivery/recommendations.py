"""Recommendations of a table of the user's, brought to the messages of a batch."""

import polars as pl

RECOMMENDED = {"customer_id": pl.String, "items": pl.String}
"""The columns of a table of recommendations; `items` may also be a list."""
NOTHING = "[]"


def items_of(due: pl.DataFrame, table: pl.DataFrame) -> pl.Series:
    """What is recommended to the customer of each message, which templates know as `items`.

    Args:
        due: one row per message, with `customer_id`.
        table: `customer_id`, `items`: a list (of structs or plain values), or a JSON array as text. Of several
            rows of a customer the last counts.

    Returns:
        `items`, JSON texts: arrays, unless the table has something else; an empty one for customers without a row.
    """
    by_customer = table.select("customer_id", items=_as_json(table)).unique(
        "customer_id", keep="last", maintain_order=True
    )
    found = due.select("customer_id").join(by_customer, on="customer_id", how="left", maintain_order="left")
    return found["items"].fill_null(NOTHING)


def _as_json(table: pl.DataFrame) -> pl.Series:
    items = table["items"]
    if items.dtype == pl.String:
        return items
    wrapped = table.select(pl.struct("items").struct.json_encode()).to_series()
    return wrapped.str.strip_prefix('{"items":').str.strip_suffix("}")
