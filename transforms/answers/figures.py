"""What came of a backtest, in figures by workflow and over all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

WORKFLOW, CUSTOMER = "workflow_id", "customer_id"
STATUSES = ("running", "completed", "converted", "exited", "failed", "held_out")
FIGURES: Mapping[str, str] = {
    "entries": "executions that began, held out or not",
    "customers": "customers with an entry",
    **{status: f"executions that are {status.replace('_', ' ')} at the end" for status in STATUSES},
    "conversions": "executions whose goal was reached while they ran",
    "conversion_rate": "these, in percent of the executions that weren't held out",
    "goal_hits": "facts that reached a goal within its window, also of those held out",
    "messages": "accepted messages",
    "messages_per_day": "these, divided by the days of the period",
    "busiest_day": "messages of the day with most (UTC)",
    "recipients": "customers with a message",
    "messages_per_customer": "messages, divided by recipients",
    "most_messages": "messages of the customer with most",
    "cap_collisions": "sends that a frequency cap held back",
    "no_consent": "sends that a missing consent held back",
    "deferred": "sends put off by quiet hours or a send window",
    "webhooks": "requests queued",
}
"""Each figure, and what it counts."""


@dataclass(frozen=True)
class Outcome:
    """The tables of a backtest that are looked at, as `tables.frames` declares them."""

    executions: pl.LazyFrame
    steps: pl.LazyFrame
    messages: pl.LazyFrame
    goal_hits: pl.LazyFrame

    def together(self) -> "Outcome":
        """The same as if all were of one workflow, whose id is null."""
        none = pl.lit(None, pl.String).alias(WORKFLOW)
        return replace(self, **{name: rows.with_columns(none) for name, rows in vars(self).items()})


def figures(outcome: Outcome, workflows: Sequence[str], days: float) -> pl.DataFrame:
    """One row per workflow, and a first one, whose id is null, over all of them; a column for each of `FIGURES`.

    Args:
        outcome: what is counted.
        workflows: the ids of those that have a row, entered or not.
        days: how long the period is.
    """
    ids = pl.LazyFrame({WORKFLOW: [None, *workflows]}, schema={WORKFLOW: pl.String})
    parts = [ids, *_parts(outcome.together()), *_parts(outcome)]
    # Each figure is in one part only, so a sum gives it, or 0.
    summed = pl.concat(parts, how="diagonal").group_by(WORKFLOW).agg(pl.all().sum())
    treated = pl.col("entries") - pl.col("held_out")
    rates = summed.with_columns(
        conversion_rate=pl.when(treated > 0).then(100 * pl.col("conversions") / treated),
        messages_per_day=pl.col("messages") / days,
        messages_per_customer=pl.when(pl.col("recipients") > 0)
        .then(pl.col("messages") / pl.col("recipients"))
        .otherwise(0.0),
    )
    return rates.select(WORKFLOW, *FIGURES).sort(WORKFLOW, nulls_last=False).collect()


def _parts(outcome: Outcome) -> list[pl.LazyFrame]:
    """Some figures each, one row per workflow that has any."""
    by_customer = outcome.messages.group_by(WORKFLOW, CUSTOMER).len("n")
    by_day = outcome.messages.group_by(WORKFLOW, pl.col("at").dt.date().alias("day")).len("n")
    return [
        outcome.executions.group_by(WORKFLOW).agg(
            pl.len().alias("entries"),
            pl.col(CUSTOMER).n_unique().alias("customers"),
            *((pl.col("status") == one).sum().alias(one) for one in STATUSES),
            pl.col("converted_at").count().alias("conversions"),
        ),
        outcome.goal_hits.group_by(WORKFLOW).len("goal_hits"),
        outcome.messages.group_by(WORKFLOW).len("messages"),
        by_customer.group_by(WORKFLOW).agg(recipients=pl.len(), most_messages=pl.col("n").max()),
        by_day.group_by(WORKFLOW).agg(busiest_day=pl.col("n").max()),
        outcome.steps.group_by(WORKFLOW).agg(
            cap_collisions=(pl.col("outcome") == "suppressed:frequency_cap").sum(),
            no_consent=(pl.col("outcome") == "suppressed:consent").sum(),
            deferred=pl.col("outcome").str.starts_with("deferred:").sum(),
            webhooks=((pl.col("action_type") == "trigger_webhook") & (pl.col("outcome") == "done")).sum(),
        ),
    ]
