"""Two outcomes of one history → who was gained, lost or re-timed by a change, and which messages.

A customer counts as *gained* by a workflow that they enter after the change and never before it, as *lost* where it is
the other way round, as *re-timed* if they enter it in both, but not at the same instants. Messages are held against
each other by workflow, customer and template: those at one instant are the same; of the rest, the first before and the
first after count as one that *moved*, and so on; what then is left over is *lost* or *gained*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from transforms.answers.figures import CUSTOMER, WORKFLOW, Outcome, figures

CHANGES: Mapping[str, str] = {
    "customers_gained": "customers who enter now, and never entered before; of all workflows: who enters any",
    "customers_lost": "customers who entered before, and never enter now; of all workflows: who enters any",
    "customers_retimed": "customers who enter a workflow before and now, at other instants",
    "executions_changed": "executions that begin at the same instant, but take another branch or end otherwise",
    "messages_gained": "messages that are sent now only",
    "messages_lost": "messages that were sent before only",
    "messages_moved": "messages that are sent now at another instant",
}
"""Each figure of the change itself, and what it counts."""
GAINED, LOST, RETIMED, MOVED = "gained", "lost", "retimed", "moved"
_TEMPLATE = "template_id"
_EXECUTION = [WORKFLOW, CUSTOMER, "execution_id"]
_MESSAGE = [WORKFLOW, CUSTOMER, _TEMPLATE]


@dataclass(frozen=True)
class Comparison:
    """What differs between two outcomes. Before and after are those by the old and by the new definitions.

    Attributes:
        before: see `outcomes.figures`.
        after: likewise, with the same rows.
        changes: one row per row of these; a column for each of `CHANGES`.
        templates: one row per workflow and template of its messages (null: written in the workflow): `before`,
            `after`, `gained`, `lost`, `moved`, and the median of how far those were moved, `moved_by`.
        days: one row per workflow and day (UTC) with messages: how many `before` and `after`.
        customers: samples: `workflow_id, kind, customer_id, entered_before, entered_after` (lists of instants).
        messages: samples: `workflow_id, kind, customer_id, template_id, at_before, at_after`.
    """

    before: pl.DataFrame
    after: pl.DataFrame
    changes: pl.DataFrame
    templates: pl.DataFrame
    days: pl.DataFrame
    customers: pl.DataFrame
    messages: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs that is looked at."""
        changed = self.changes.select(pl.sum_horizontal(pl.exclude(WORKFLOW).sum())).item()
        return not changed and self.before.equals(self.after)


def compare(
    before: Outcome, after: Outcome, workflows: Sequence[str], days: float, samples: int = 3
) -> Comparison:
    """What differs between what came of one history by two sets of definitions.

    Args:
        before: by the old definitions.
        after: by the new ones.
        workflows: the ids of both.
        days: how long the period is.
        samples: so many customers and messages of each kind and workflow are named.
    """
    executions, messages = execution_changes(before, after), message_changes(before, after).collect()
    customers = customer_changes(executions).collect()
    templates = _templates(before, after, messages)
    ids = pl.DataFrame({WORKFLOW: [None, *workflows]}, schema={WORKFLOW: pl.String})
    everywhere = customer_changes(execution_changes(before.together(), after.together()))
    parts = [
        ids,
        *(_customer_counts(rows) for rows in (_anywhere(everywhere.collect(), customers), customers)),
        *(_execution_counts(rows).collect() for rows in (_nowhere(executions), executions)),
        *(_message_counts(rows) for rows in (_nowhere(templates.lazy()).collect(), templates)),
    ]
    changes = pl.concat(parts, how="diagonal_relaxed").group_by(WORKFLOW).agg(pl.all().sum())
    return Comparison(
        figures(before, workflows, days),
        figures(after, workflows, days),
        changes.select(WORKFLOW, *CHANGES).sort(WORKFLOW, nulls_last=False),
        templates,
        _days(before, after),
        _entered(executions, _first(customers, samples)).collect(),
        _first(messages, samples),
    )


def execution_changes(before: Outcome, after: Outcome) -> pl.LazyFrame:
    """One row per execution of either outcome.

    Its columns: `workflow_id, customer_id, execution_id, entered_at`; whether it is in each, `was` and `is`; whether it
    is in both, but took another branch or has another status, `changed`.
    """
    columns = [*_EXECUTION, "entered_at", "branch", "status"]
    course = pl.struct("branch", "status").n_unique()
    return (
        _both(before.executions.select(columns), after.executions.select(columns))
        .group_by(_EXECUTION)
        .agg(
            pl.col("entered_at").first(),
            **{"was": (~pl.col("is_after")).any(), "is": pl.col("is_after").any()},
            changed=(pl.len() == 2) & (course == 2),
        )
    )


def customer_changes(executions: pl.LazyFrame) -> pl.LazyFrame:
    """The customers gained, lost and re-timed: `workflow_id, customer_id, kind`; of `execution_changes`."""
    was, now = pl.col("was"), pl.col("is")
    counted = executions.group_by(WORKFLOW, CUSTOMER).agg(was.any(), now.any(), other=(was != now).any())
    kind = pl.when(~was).then(pl.lit(GAINED)).when(~now).then(pl.lit(LOST)).otherwise(pl.lit(RETIMED))
    return counted.filter("other").select(WORKFLOW, CUSTOMER, kind.alias("kind"))


def message_changes(before: Outcome, after: Outcome) -> pl.LazyFrame:
    """The messages gained, lost and moved: `workflow_id, customer_id, template_id, kind, at_before, at_after`."""
    columns = [*_MESSAGE, "at"]
    # How many more there are after than before, at this very instant.
    surplus = pl.when("is_after").then(1).otherwise(-1).sum().alias("surplus")
    counted = _both(before.messages.select(columns), after.messages.select(columns))
    rest = counted.group_by(columns).agg(surplus).filter(pl.col("surplus") != 0)
    gone, new = (
        _numbered(rest.filter(of * pl.col("surplus") > 0)).rename({"at": name})
        for of, name in ((-1, "at_before"), (1, "at_after"))
    )
    paired = gone.join(new, on=[*_MESSAGE, "number"], how="full", nulls_equal=True, coalesce=True)
    was, now = pl.col("at_before").is_not_null(), pl.col("at_after").is_not_null()
    kind = pl.when(~was).then(pl.lit(GAINED)).when(~now).then(pl.lit(LOST)).otherwise(pl.lit(MOVED))
    return paired.select(*_MESSAGE, kind.alias("kind"), "at_before", "at_after")


def _both(before: pl.LazyFrame, after: pl.LazyFrame) -> pl.LazyFrame:
    sides = ((before, False), (after, True))
    return pl.concat([rows.with_columns(is_after=pl.lit(is_after)) for rows, is_after in sides])


def _numbered(rest: pl.LazyFrame) -> pl.LazyFrame:
    """Each message as often as there is one too many, numbered in time."""
    each = rest.select(*_MESSAGE, pl.col("at").repeat_by(pl.col("surplus").abs())).explode("at")
    return each.sort(*_MESSAGE, "at").with_columns(number=pl.int_range(pl.len()).over(_MESSAGE))


def _nowhere(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of all workflows as those of one without an id."""
    return rows.with_columns(pl.lit(None, pl.String).alias(WORKFLOW))


def _anywhere(everywhere: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """Whom all workflows together gain or lose, and who is re-timed by at least one."""
    retimed = customers.filter(pl.col("kind") == RETIMED).lazy().pipe(_nowhere).unique().collect()
    return pl.concat([everywhere.filter(pl.col("kind") != RETIMED), retimed])


def _customer_counts(customers: pl.DataFrame) -> pl.DataFrame:
    kinds = ((pl.col("kind") == one).sum().alias(f"customers_{one}") for one in (GAINED, LOST, RETIMED))
    return customers.group_by(WORKFLOW).agg(*kinds)


def _execution_counts(executions: pl.LazyFrame) -> pl.LazyFrame:
    return executions.group_by(WORKFLOW).agg(executions_changed=pl.col("changed").sum())


def _message_counts(templates: pl.DataFrame) -> pl.DataFrame:
    kinds = (pl.col(one).sum().alias(f"messages_{one}") for one in (GAINED, LOST, MOVED))
    return templates.group_by(WORKFLOW).agg(*kinds)


def _templates(before: Outcome, after: Outcome, messages: pl.DataFrame) -> pl.DataFrame:
    by = [WORKFLOW, _TEMPLATE]
    counted = _before_and_after(before, after, pl.col(_TEMPLATE))
    kinds = ((pl.col("kind") == one).sum().alias(one) for one in (GAINED, LOST, MOVED))
    # Of those gained or lost one instant is null, and the median passes over nulls.
    moved_by = (pl.col("at_after") - pl.col("at_before")).median().alias("moved_by")
    changed = messages.group_by(by).agg(*kinds, moved_by)
    found = counted.join(changed, on=by, how="left", nulls_equal=True)
    return found.with_columns(pl.col(GAINED, LOST, MOVED).fill_null(0)).sort(by)


def _days(before: Outcome, after: Outcome) -> pl.DataFrame:
    return _before_and_after(before, after, pl.col("at").dt.date().alias("day")).sort(WORKFLOW, "day")


def _before_and_after(before: Outcome, after: Outcome, by: pl.Expr) -> pl.DataFrame:
    """How many messages there are by workflow and something else, in each outcome."""
    after_ = pl.col("is_after").sum().alias("after")
    rows = _both(before.messages, after.messages).group_by(WORKFLOW, by)
    return rows.agg((~pl.col("is_after")).sum().alias("before"), after_).collect()


def _first(rows: pl.DataFrame, samples: int) -> pl.DataFrame:
    """The first rows of each workflow and kind, by customer."""
    ordered = rows.sort(rows.columns)
    return ordered.filter(pl.int_range(pl.len()).over(WORKFLOW, "kind") < samples)


def _entered(executions: pl.LazyFrame, customers: pl.DataFrame) -> pl.LazyFrame:
    """These customers with the instants of their entries."""
    entered = pl.col("entered_at").sort()
    lists = executions.join(customers.lazy(), on=[WORKFLOW, CUSTOMER]).group_by(WORKFLOW, "kind", CUSTOMER)
    return lists.agg(
        entered_before=entered.filter(pl.col("was").sort_by("entered_at")),
        entered_after=entered.filter(pl.col("is").sort_by("entered_at")),
    ).sort(WORKFLOW, "kind", CUSTOMER)
