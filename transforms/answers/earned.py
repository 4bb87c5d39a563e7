"""Orders → what each customer of an experiment spent after the exposure, and in as long a time before it."""

from datetime import timedelta

import polars as pl


def with_revenue(exposed: pl.DataFrame, orders: pl.DataFrame, window: timedelta) -> pl.DataFrame:
    """Add what each customer spent; who ordered nothing spent 0.

    An order at the very instant of the exposure came before it: it may be what began it. What was given back after the
    exposure takes nothing off the time before it, which the exposure must not have touched.

    Args:
        exposed: one row per customer: `customer_id`, `exposed_at`; further columns stay.
        orders: one row per order or refund: `customer_id`, `ts`, `earned_at` (of a refund the order's), `cents` (of
            refunds negative); those of other customers are passed over.
        window: how long after the exposure, and before it, counts.

    Returns:
        The rows in their order, with `value`, earned in `(exposed_at, exposed_at + window]`, and `before`, earned and
        known in `(exposed_at - window, exposed_at]`: pl.Float64, in whole units of money.
    """
    start, earned = pl.col("exposed_at"), pl.col("earned_at")
    after = (earned > start) & (earned <= start + window)
    before = (earned > start - window) & (earned <= start) & (pl.col("ts") <= start)
    spent = (
        exposed.select("customer_id", "exposed_at")
        .join(orders.select("customer_id", "ts", "earned_at", "cents"), on="customer_id")
        .group_by("customer_id")
        .agg(
            pl.col("cents").filter(one).sum().alias(name)
            for name, one in {"value": after, "before": before}.items()
        )
    )
    # Polars divides by multiplying: 47 cents would be 0.47000000000000003.
    units = [(pl.col(name).fill_null(0) / 100).round(2) for name in ("value", "before")]
    return exposed.join(spent, on="customer_id", how="left", maintain_order="left").with_columns(units)
