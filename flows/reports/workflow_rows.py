"""What is stored of one workflow, for its experiments: versions, entries, draws, goal hits, orders."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.warehouse import frame, read_sql
from transforms.answers.draws import SPLIT, VARIANTS, Kind
from transforms.answers.exposures import HELD_OUT
from transforms.definitions.base import nearest
from transforms.definitions.triggers import GOAL_WINDOW
from transforms.definitions.walk import has_hits
from transforms.definitions.workflow import Workflow, stored_workflow
from transforms.delivery.steps import STEP
from transforms.delivery.variants import NO_WINNERS, chosen_variants, with_variants

_LONGEST = timedelta(days=999_999)
"""Goal windows longer than this are as good as endless; instants beyond it can't be written."""
_PLACE = ("version", "branch", "step")
_MET: dict[str, pl.DataType] = {
    **dict.fromkeys(("workflow_id", "kind", *_PLACE, "customer_id", "arm"), pl.String()),
    "at": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True)
class Stored:
    """What is stored of a workflow.

    Attributes:
        workflow_id: the workflow.
        versions: version → what it says, the oldest first.
        executions: `workflow_id`, `customer_id`, `entered_at`, `version`, `status`.
        goal_hits: `workflow_id`, `customer_id`, `entered_at`, `at`.
        orders: `customer_id`, `ts`, `earned_at`, `cents`, of those who entered.
        now: until when is known what happened.
        is_reconsidered: whether its goal hits were counted anew, too, by another goal.
    """

    workflow_id: str
    versions: dict[str, Workflow]
    executions: pl.DataFrame
    goal_hits: pl.DataFrame
    orders: pl.DataFrame
    now: datetime
    is_reconsidered: bool = False

    @property
    def newest(self) -> Workflow:
        """The newest version."""
        return list(self.versions.values())[-1]

    @property
    def has_holdout(self) -> bool:
        """Whether a version holds customers out, or did."""
        is_held_out = self.executions["status"] == HELD_OUT
        return any(one.holdout for one in self.versions.values()) or bool(is_held_out.any())

    @property
    def counts_hits(self) -> bool:
        """Whether it is known who reached the goal."""
        return bool(self.newest.goal and has_hits(self.newest.goal))

    @property
    def window(self) -> timedelta:
        """How long after an exposure counts: as long as the newest version's goal is open, 30 days without one."""
        return min(self.newest.goal.window if self.newest.goal else GOAL_WINDOW, _LONGEST)

    @property
    def goals(self) -> pl.DataFrame:
        """The window of goal hits, as `transforms.answers.exposures` wants it."""
        return pl.DataFrame(
            {"workflow_id": [self.workflow_id], "window": [self.window if self.counts_hits else None]},
            schema={"workflow_id": pl.String, "window": pl.Duration("us")},
        )


def read_stored(con: DuckDBPyConnection, workflow_id: str) -> Stored:
    """What is stored of a workflow.

    Args:
        con: what is published.
        workflow_id: the workflow.

    Raises:
        InputError: there is no such workflow.
    """
    versions = read_sql(con, "reports/experiments/versions.sql", workflow_id=workflow_id)
    if versions.is_empty():
        raise InputError(_no_such_workflow(con, workflow_id))
    ((now,),) = con.execute("select max(now) from ticks").fetchall()
    executions, hits, orders = (
        read_sql(con, f"reports/experiments/{name}.sql", workflow_id=workflow_id)
        for name in ("executions", "goal_hits", "orders")
    )
    known = {version: stored_workflow(text) for version, text in versions.iter_rows()}
    counted = read_sql(con, "reports/experiments/reconsidered.sql", workflow_id=workflow_id)
    return Stored(workflow_id, known, executions, hits, orders, now, not counted.is_empty())


def read_draws(
    con: DuckDBPyConnection, stored: Stored, kinds: Set[Kind], winners: Mapping[tuple[str, ...], datetime]
) -> pl.DataFrame:
    """Whom the draws of a workflow met.

    Of a message whoever was to get it counts, whether it went out or not: what holds it back then may hang on what it
    says. The variant is that of the weights, until a winner takes over.

    Args:
        con: what is published.
        stored: of the workflow.
        kinds: of the draws that its versions make.
        winners: the place of a step (see `winners_of`) → since when it has a winner.

    Returns:
        One row per draw of a customer: `workflow_id`, `kind`, `version`, `branch`, `step`, `customer_id`, `arm`, `at`.
    """
    found = [pl.DataFrame(schema=_MET)]
    if SPLIT in kinds:
        found.append(_splits(con, stored))
    if VARIANTS in kinds:
        found.append(_variants(con, stored, winners))
    return pl.concat([one.select(pl.col(name).cast(kind) for name, kind in _MET.items()) for one in found])


def winners_of(winners: pl.DataFrame, workflow_id: str) -> dict[tuple[str, ...], datetime]:
    """Version, branch and step → since when the messages of a workflow have a winner.

    Args:
        winners: rows of `transforms.delivery.variants.WINNERS`.
        workflow_id: the workflow.
    """
    own = winners.filter(pl.col("workflow_id") == workflow_id).group_by(_PLACE).agg(pl.col("from").min())
    return {(version, branch, step): since for version, branch, step, since in own.iter_rows()}


def _splits(con: DuckDBPyConnection, stored: Stored) -> pl.DataFrame:
    rows = read_sql(con, "reports/experiments/draws.sql", workflow_id=stored.workflow_id)
    return rows.with_columns(workflow_id=pl.lit(stored.workflow_id), kind=pl.lit(SPLIT))


def _variants(
    con: DuckDBPyConnection, stored: Stored, winners: Mapping[tuple[str, ...], datetime]
) -> pl.DataFrame:
    rows = read_sql(con, "reports/experiments/messages.sql", workflow_id=stored.workflow_id)
    messages = {
        (stored.workflow_id, version, branch, step): message
        for version, workflow in stored.versions.items()
        for (_, _, branch, step), message in with_variants([workflow]).items()
    }
    drawn = rows.select(*STEP, "customer_id", "at").with_columns(
        chosen_variants(rows, messages, NO_WINNERS).alias("arm"), kind=pl.lit(VARIANTS)
    )
    since = pl.DataFrame(
        [(*place, at) for place, at in winners.items()],
        schema={**dict.fromkeys(_PLACE, pl.String), "from": pl.Datetime("us", "UTC")},
        orient="row",
    )
    known = drawn.join(since, on=_PLACE, how="left")
    return known.filter(pl.col("from").is_null() | (pl.col("at") < pl.col("from")))


def _no_such_workflow(con: DuckDBPyConnection, given: str) -> str:
    known = frame(con, "select distinct workflow_id from workflow_versions order by all")[
        "workflow_id"
    ].to_list()
    near = nearest(given, known)
    return (
        f"{given}: neither a file nor a workflow that has run; workflows: {', '.join(known) or 'none yet'}"
        + (f"; did you mean {near!r}?" if near else "")
    )
