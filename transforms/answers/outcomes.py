"""Rows of an experiment's file → one row per customer, and which rows are refused."""

import polars as pl

NO_GROUP, NO_OUTCOME, BAD_OUTCOME = "no_group", "no_outcome", "bad_outcome"
TWO_GROUPS, BAD_VALUE, BAD_BEFORE = "two_groups", "bad_value", "bad_before"
YES, NO = ("1", "1.0", "true", "t", "yes", "y"), ("0", "0.0", "false", "f", "no", "n")
REFUSALS: dict[str, type[pl.DataType]] = {
    "reason": pl.String,
    "rows": pl.UInt32,
    "customers": pl.UInt32,
    "line": pl.Int64,
    "customer_id": pl.String,
    "given": pl.String,
}


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with their values read, and why a row can't be used.

    Args:
        rows: `line`, `reason` (null, or why it couldn't even be read), and as text `customer_id`, `group`, `outcome`,
            `value`, `before`, null where blank or missing.

    Returns:
        The rows: `line`, `customer_id`, `group`, `reason` (null: good; one of the constants of this module, or as it
        was), `given` (what is wrong: the text; or the customer's groups), `converted`, `value`, `before`.
    """
    text = pl.col("outcome").str.to_lowercase()
    numbers = [
        pl.col(name).cast(pl.Float64, strict=False).alias(f"{name}_number") for name in ("value", "before")
    ]
    usable = pl.col("reason").is_null() & pl.col("group").is_not_null()
    groups = pl.when(usable).then("group").unique().sort().drop_nulls().implode().over("customer_id")
    read = rows.with_columns(
        *numbers,
        groups=groups,
        converted=pl.when(text.is_in(YES)).then(True).when(text.is_in(NO)).then(False),
    )
    judged = read.with_columns(_reason()).with_columns(given=_given())
    values = {"value": "value_number", "before": "before_number"}
    return judged.select("line", "customer_id", "group", "reason", "given", "converted", **values)


def _reason() -> pl.Expr:
    """The first of what is wrong with a row."""
    return (
        pl.when(pl.col("reason").is_not_null())
        .then("reason")
        .when(pl.col("group").is_null())
        .then(pl.lit(NO_GROUP))
        .when(pl.col("groups").list.len() > 1)
        .then(pl.lit(TWO_GROUPS))
        .when(pl.col("outcome").is_null())
        .then(pl.lit(NO_OUTCOME))
        .when(pl.col("converted").is_null())
        .then(pl.lit(BAD_OUTCOME))
        .when(_is_no_number("value"))
        .then(pl.lit(BAD_VALUE))
        .when(_is_no_number("before"))
        .then(pl.lit(BAD_BEFORE))
        .alias("reason")
    )


def _is_no_number(name: str) -> pl.Expr:
    return pl.col(name).is_not_null() & ~pl.col(f"{name}_number").is_finite().fill_null(value=False)


def _given() -> pl.Expr:
    """What is wrong, as it was given."""
    return (
        pl.when(pl.col("reason") == BAD_OUTCOME)
        .then("outcome")
        .when(pl.col("reason") == BAD_VALUE)
        .then("value")
        .when(pl.col("reason") == BAD_BEFORE)
        .then("before")
        .when(pl.col("reason") == TWO_GROUPS)
        .then(pl.col("groups").list.head(2).list.join(" and "))
    )


def customers_of(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per customer of the good rows: any outcome counts, values sum, of values of before the first counts.

    Those of before aren't summed: how many rows a customer has may be what the experiment changed.

    Args:
        rows: see `judged`.

    Returns:
        `customer_id`, `group`, `converted`, `value` and `before` (null where no row has one); in the order in which
        customers appear first.
    """
    value = pl.when(pl.col("value").count() > 0).then(pl.col("value").sum())
    good = rows.filter(pl.col("reason").is_null())
    return good.group_by("customer_id", "group", maintain_order=True).agg(
        pl.col("converted").any(), value=value, before=pl.col("before").drop_nulls().first()
    )


def refusals(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per reason for which rows are refused, the most frequent first.

    Args:
        rows: see `judged`.

    Returns:
        `reason`, `rows` and `customers` (how many), `line`, `customer_id` and `given` of the first.
    """
    bad = rows.filter(pl.col("reason").is_not_null())
    first = [pl.col(name).first() for name in ("line", "customer_id", "given")]
    found = bad.sort("line", maintain_order=True).group_by("reason", maintain_order=True)
    counted = found.agg(pl.len().alias("rows"), pl.col("customer_id").n_unique().alias("customers"), *first)
    return counted.sort("rows", descending=True, maintain_order=True).select(
        pl.col(name).cast(kind) for name, kind in REFUSALS.items()
    )
