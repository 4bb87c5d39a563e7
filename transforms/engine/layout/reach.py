"""Which customers a tick looks at: those with facts, due steps or alarms, and those whom a cron may reach."""

import polars as pl

from transforms.columns.arrays import Ints
from transforms.columns.factorize import factorize
from transforms.engine.layout.fields import with_fields
from transforms.engine.state import State, Tick
from transforms.program.model import Flow, Program
from transforms.program.schedules import cron_instants
from transforms.timing.durations import epoch_us
from transforms.timing.zones import CUSTOMER, DAY

_CUSTOMER = "customer_id"


def active_customers(program: Program, state: State, events: pl.DataFrame, tick: Tick) -> pl.Series:
    """The customers to whom something happens: facts, due steps, dates that come or were never looked at.

    Those whom a cron may let enter aren't among them, see `with_cron_customers`.

    Args:
        program: the compiled workflows.
        state: before the tick.
        events: what acts in it and some workflow sees, patterns included.
        tick: its bounds.

    Returns:
        Their ids, each once.
    """
    coming = state.alarms.filter(pl.col("at") <= tick.now)
    waiting = [_unarmed(program, state), _awaiting(program, state, tick), _open_goals(program, state, tick)]
    found = [events, due_executions(state, tick), coming, *waiting]
    distinct, _ = factorize(pl.concat([one[_CUSTOMER] for one in found]))
    return distinct


def due_executions(state: State, tick: Tick) -> pl.DataFrame:
    """The executions of which a step is due until the tick's end."""
    return state.executions.filter((pl.col("due_at") <= tick.now) & (pl.col("status") != "paused"))


def with_cron_customers(program: Program, state: State, active: pl.Series, tick: Tick) -> pl.Series:
    """`active`, and behind them all other known customers if a cron may let them enter in the tick."""
    if not crons_fire(program, tick):
        return active
    known = state.customers.filter("known")[_CUSTOMER]
    return pl.concat([active, known]).unique(maintain_order=True)


def crons_fire(program: Program, tick: Tick) -> bool:
    """Whether a cron that lets customers enter fires in the tick."""
    entering = [one.schedule for one in program.alarms if one.is_cron and one.triggers]
    return any(may_ring(one.cron or "", one.timezone, tick) for one in entering)


def _unarmed(program: Program, state: State) -> pl.DataFrame:
    """Values of date attributes for which a schedule was not armed yet; a JSON null is none.

    Of those that hold dates inside, some more: all for which none was armed at all.
    """
    if not (dated := date_attributes(program)):
        return state.alarms.clear()
    schema = {"attribute": pl.String, "key": pl.String, "inside": pl.Boolean}
    wanted = pl.DataFrame(dated, schema=schema, orient="row")
    given = pl.col("value").is_not_null() & (pl.col("value") != "null")
    values = (
        with_fields(state, program, state.customers[_CUSTOMER]).join(wanted, on="attribute").filter(given)
    )
    whole, inside = values.filter(~pl.col("inside")), values.filter("inside")
    unarmed = whole.join(state.alarms, on=[_CUSTOMER, "key", "value"], how="anti")
    return pl.concat([unarmed, inside.join(state.alarms, on=[_CUSTOMER, "key"], how="anti")])


def date_attributes(program: Program) -> list[tuple[str, str, bool]]:
    """The attributes that schedules look at, their keys, and whether they look inside them."""
    names = program.attributes
    dated = [one for one in program.alarms if not one.is_cron]
    whole = [(names[one.column], one.key, False) for one in dated]
    return [*whole, *((names[one.inside.column], one.key, True) for one in dated if one.inside)]


def awaiting_crons(program: Program, tick: Tick) -> list[tuple[str, str]]:
    """The workflows and versions with a goal, exit or wait that is a cron and fires in the tick."""
    return [
        (program.flows[flow].workflow.workflow_id, program.flows[flow].version)
        for one in program.alarms
        if one.is_cron and one.flows and may_ring(one.schedule.cron or "", one.schedule.timezone, tick)
        for flow in one.flows
    ]


def _awaiting(program: Program, state: State, tick: Tick) -> pl.DataFrame:
    """The executions of these workflows."""
    if not (awaiting := awaiting_crons(program, tick)):
        return state.executions.clear()
    schema = {"workflow_id": pl.String, "version": pl.String}
    wanted = pl.DataFrame(awaiting, schema=schema, orient="row")
    return state.executions.join(wanted, on=[*schema], how="semi", maintain_order="left")


def goal_crons(program: Program, tick: Tick) -> list[Flow]:
    """The versions with a goal that is a cron, fires in the tick and counts beyond the run."""
    return [
        program.flows[flow]
        for one in program.alarms
        if one.is_cron and may_ring(one.schedule.cron or "", one.schedule.timezone, tick)
        for flow in one.flows
        if (goal := program.flows[flow].counted) and goal.matcher in one.matchers
        if program.flows[flow].goal_window >= 0
    ]


def _open_goals(program: Program, state: State, tick: Tick) -> pl.DataFrame:
    """The entries that may hit such a goal in the tick."""
    if not (flows := goal_crons(program, tick)):
        return state.entries.clear()
    windows = {one.version: one.goal_window for one in flows}
    window = pl.col("version").replace_strict(windows, default=-1, return_dtype=pl.Int64)
    last = pl.col("entered_at").dt.epoch("us") + window
    return state.entries.filter((window >= 0) & (last > tick.cron_since))


def may_ring(cron: str, timezone: str | None, tick: Tick) -> bool:
    """Whether a cron fires in the tick, in some zone if it follows the customers'."""
    zone = tick.timezone if timezone in (None, CUSTOMER) else timezone
    around = DAY if timezone == CUSTOMER else 0
    since, until = tick.cron_since, epoch_us(tick.now)
    found: Ints = cron_instants(cron, zone, since - around, until + around)
    return since < until and bool(found.size)
