"""The experiments of a workflow: its holdout, its random splits, the variants of its messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.reports.experiments import Counted
from flows.reports.workflow_rows import Stored, read_draws, read_stored, winners_of
from transforms.answers.draws import HOLDOUT, SPLIT, VARIANTS, Draw, Kind, draws_of
from transforms.answers.earned import with_revenue
from transforms.answers.exposures import HELD_OUT, TREATED, draw_exposures, exposures
from transforms.answers.outcomes import REFUSALS
from transforms.definitions.workflow import Workflow
from transforms.timing.durations import spoken

NO_HITS = "conversions aren't known: the workflow has no goal, or one that asks for the execution's decision"
RECONSIDERED = (
    "the goal was reconsidered since: here conversions are those that ticks found, by the goal of then"
)
"""An experiment is judged by what was to be reached while it ran, whatever else was counted since."""
REVENUE = "revenue per customer"
"""What a customer's value is called in sentences."""
_MET = {HOLDOUT: "the first entry", SPLIT: "the draw", VARIANTS: "the first message"}


@dataclass(frozen=True)
class Period:
    """Who counts: customers whose first exposure in it.

    Attributes:
        since: it begins here; None: with the first.
        until: and ends before here; None: with the last.
        new_only: only customers whose first exposure of all time is in it.
    """

    since: datetime | None = None
    until: datetime | None = None
    new_only: bool = False


ALWAYS = Period()


@dataclass(frozen=True)
class WorkflowExperiment:
    """One experiment of a workflow.

    Attributes:
        kind: holdout, split or variants.
        branch: of the step; None: of a holdout.
        step: where customers are drawn; None: of a holdout, at the entry.
        arms: the groups' names, the first of which is the control group unless one is called so.
        counted: its customers.
    """

    kind: Kind
    branch: str | None
    step: str | None
    arms: tuple[str, ...]
    counted: Counted

    @property
    def title(self) -> str:
        """What it is, for people."""
        if self.kind == HOLDOUT:
            return "Holdout"
        what = "Random split" if self.kind == SPLIT else "Variants of the message"
        return f"{what}, step {self.step}" + ("" if self.branch == "default" else f" of branch {self.branch}")


def read_workflow(
    con: DuckDBPyConnection,
    workflow_id: str,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    new_only: bool = False,
) -> Counted:
    """The customers whom a workflow of the store met, held out and treated: conversions and revenue.

    The goal's window is that of the newest version; it is also that of revenue, and of the time before.

    Args:
        con: what is published.
        workflow_id: the workflow.
        since: a customer counts whose first entry of the period is here or later; None: from the first.
        until: and before here; None: to the last.
        new_only: only customers whose first entry of all time is in the period.

    Raises:
        InputError: there is no such workflow, or nobody entered it in the period.
    """
    stored, period = read_stored(con, workflow_id), Period(since, until, new_only)
    if found := _holdout(stored, period):
        return found
    raise InputError(_nobody(workflow_id, period))


def read_experiments(
    con: DuckDBPyConnection, workflow_id: str, winners: pl.DataFrame, period: Period = ALWAYS
) -> list[WorkflowExperiment]:
    """All experiments of a workflow: its holdout, if it has one (or no other experiment); splits; variants.

    Args:
        con: what is published.
        workflow_id: the workflow.
        winners: those among variants (`flows.store.winners.read_winners`): what is sent after one was made isn't drawn.
        period: which customers count.

    Raises:
        InputError: there is no such workflow, or nobody entered it in the period.
    """
    stored = read_stored(con, workflow_id)
    since = winners_of(winners, workflow_id)
    draws = draws_of(stored.versions)
    met = read_draws(con, stored, {one.kind for one in draws}, since)
    found = [one for draw in draws if (one := _of_draw(stored, draw, met, since, period))]
    arms = (HELD_OUT, TREATED) if stored.has_holdout else (TREATED,)
    if (stored.has_holdout or not found) and (held := _holdout(stored, period)):
        found.insert(0, WorkflowExperiment(HOLDOUT, None, None, arms, held))
    if not found:
        raise InputError(_nobody(workflow_id, period))
    return found


def _nobody(workflow_id: str, period: Period) -> str:
    return f"{workflow_id}: nobody entered it{' in this period' if period != ALWAYS else ' yet'}"


def _holdout(stored: Stored, period: Period) -> Counted | None:
    """Those held out and those treated; None: nobody entered in the period."""
    exposed = exposures(stored.executions, stored.goal_hits, stored.goals, **vars(period))
    if exposed.is_empty():
        return None
    met = stored.executions.rename({"entered_at": "at"})
    shares = {
        version: (one.holdout, 1 - one.holdout) if one.holdout else (0.0, 1.0)
        for version, one in stored.versions.items()
    }
    notes = [*_notes(stored, exposed, HOLDOUT), *_note_of_before(exposed, met, period, "entered")]
    return _counted(stored, exposed, _shares(exposed, met, (HELD_OUT, TREATED), shares), notes)


def _of_draw(
    stored: Stored, draw: Draw, met: pl.DataFrame, winners: Mapping[tuple[str, ...], datetime], period: Period
) -> WorkflowExperiment | None:
    """One experiment; None: nobody came there in the period."""
    met = met.filter(
        *(pl.col(name) == getattr(draw, name) for name in ("kind", "branch", "step")),
        pl.col("version").is_in(list(draw.shares)),
        pl.col("arm").is_in(draw.arms),
    )
    exposed = draw_exposures(met, stored.goal_hits, stored.goals, **vars(period))
    if exposed.is_empty():
        return None
    notes = [
        *_notes(stored, exposed, draw.kind),
        *_note_of_before(exposed, met, period, "been drawn"),
        *_notes_of_draw(draw, winners),
    ]
    counted = _counted(stored, exposed, _shares(exposed, met, draw.arms, draw.shares), notes)
    return WorkflowExperiment(draw.kind, draw.branch, draw.step, draw.arms, counted)


def _counted(
    stored: Stored, exposed: pl.DataFrame, shares: dict[str, float] | None, notes: Sequence[str]
) -> Counted:
    """Customers with their conversions; with revenue, if there is any order of those who entered."""
    if stored.orders.is_empty():
        nothing = pl.lit(None, pl.Float64)
        spent = exposed.with_columns(value=nothing, before=nothing)
    else:
        spent = with_revenue(exposed, stored.orders, stored.window)
        notes = [
            *notes,
            f"revenue: what a customer spent in the {spoken(stored.window)} after that, less refunds",
        ]
    customers = spent.select("customer_id", "converted", "value", "before", group="arm")
    return Counted(customers, pl.DataFrame(schema=REFUSALS), shares, tuple(notes))


def _shares(
    exposed: pl.DataFrame,
    met: pl.DataFrame,
    arms: tuple[str, ...],
    shares: Mapping[str, tuple[float, ...]],
) -> dict[str, float] | None:
    """The part of these customers that the versions they met were to put into each arm; None where that is nobody."""
    rows = [(version, *parts) for version, parts in shares.items()]
    meant = pl.DataFrame(rows, schema=["version", *(f"share_{at}" for at in range(len(arms)))], orient="row")
    first = exposed.join(met, left_on=["customer_id", "exposed_at"], right_on=["customer_id", "at"])
    found = first.join(meant, on="version").select(r"^share_\d+$").mean().row(0)
    usable = all(isinstance(one, float) and one > 0 for one in found)
    return dict(zip(arms, found, strict=True)) if usable else None


def _note_of_before(exposed: pl.DataFrame, met: pl.DataFrame, period: Period, what: str) -> list[str]:
    """Of a period that begins amidst: whom that may keep out of one group only."""
    if period.since is None or period.new_only:
        return []
    before = exposed.join(met.filter(pl.col("at") < period.since), on="customer_id", how="semi").height
    return [
        f"{before:,} of {exposed.height:,} customers had {what} before {period.since:%Y-%m-%d %H:%M} UTC: those of the "
        "treated who were still running then come later or not at all, so that the groups may differ by that alone; "
        "--new-only leaves out whoever came before"
    ] * (before > 0)


def _notes(stored: Stored, exposed: pl.DataFrame, kind: Kind) -> list[str]:
    """What is counted as a conversion, and what of it isn't known."""
    workflows, newest = list(stored.versions.values()), stored.newest
    found = [f"converted: reached the goal within {spoken(stored.window)} after {_MET[kind]}"]
    if not stored.counts_hits:
        found = [NO_HITS]
    if stored.is_reconsidered:
        found.append(RECONSIDERED)
    waiting = exposed.filter(pl.col("exposed_at") + stored.window > stored.now).height
    if waiting and (stored.counts_hits or not stored.orders.is_empty()):
        found.append(
            f"of {waiting:,} of {exposed.height:,} customers that time isn't over at {stored.now:%Y-%m-%d %H:%M} UTC, "
            "in either group"
        )
    if not newest.goal or not stored.counts_hits:
        return found
    if any(one.goal and one.goal.window < newest.goal.window for one in workflows):
        found.append(
            "an older version had a shorter window: of its entries nothing is known of what came after that"
        )
    if len({_asked(one) for one in workflows}) > 1:
        found.append("the goal has changed between versions: each fact counts by the goal of its time")
    return found


def _notes_of_draw(draw: Draw, winners: Mapping[tuple[str, ...], datetime]) -> list[str]:
    found = []
    if draw.has_changed:
        found.append(
            "weights have changed between versions: who came when may differ between the groups; --since with "
            "--new-only looks at the last of them alone"
        )
    own = [at for (version, *place), at in winners.items() if _is_of(draw, version, place)]
    if own:
        found.append(f"a winner was made: customers who came after {min(own):%Y-%m-%d %H:%M} UTC don't count")
    return found


def _is_of(draw: Draw, version: str, place: Sequence[str]) -> bool:
    return draw.kind == VARIANTS and version in draw.shares and [*place] == [draw.branch, draw.step]


def _asked(workflow: Workflow) -> str:
    """What a goal is, but for its window."""
    return workflow.goal.model_dump_json(exclude={"window"}) if workflow.goal else ""
