"""Who would have entered a workflow lately, had it been active: a backtest of what the store has loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.backtest.archive import newest_history
from flows.backtest.plan import Plan
from flows.backtest.run import backtest
from flows.definitions.rules import Rules
from flows.session import Say, silent
from flows.settings import Settings
from flows.store.opening import ask_state
from flows.store.ticks import last_tick
from transforms.definitions.workflow import Workflow
from transforms.engine.state import Cap

_SHOWN = 5


@dataclass(frozen=True)
class Audience:
    """Who would have entered a workflow.

    Attributes:
        start: since when.
        end: until when, the last tick's end.
        entries: how many entries there would have been, those held out included.
        customers: how many customers that are.
        held_out: how many entries would have been held out.
        messages: how many messages the workflow would have accepted until the end.
        branches: branch → entries.
        days: one row per UTC day with entries: day, entries.
        sample: the newest entries: customer_id, entered_at, branch.
    """

    start: datetime
    end: datetime
    entries: int
    customers: int
    held_out: int
    messages: int
    branches: dict[str, int]
    days: pl.DataFrame
    sample: pl.DataFrame


def find_audience(
    settings: Settings, workflow: Workflow, rules: Rules, length: timedelta, say: Say = silent
) -> Audience | None:
    """Who would have entered `workflow` in the time before the last tick's end, had it been active.

    The other workflows that are active run too, since they may start it and count for caps. What happened before that
    time builds profiles and windows only: whoever entered before may enter again.

    Args:
        settings: where things lie.
        workflow: active or not.
        rules: what a tick decides by.
        length: how long a time.
        say: told what is being done.

    Returns:
        None: there was no tick yet, or no events.

    Raises:
        OnwardError: the archive can't be read.
    """
    found = ask_state(settings, last_tick)
    end = found and found[1]
    if not end:
        return None
    with TemporaryDirectory(prefix="onward-audience-") as folder:
        history = newest_history(settings, Path(folder) / "history", say)
        if history is None:
            return None
        out = Path(folder) / "out"
        start = end - length
        backtest(
            _plan(settings, workflow, rules, (start, end), history.folder, out), lambda step, _: say(step)
        )
        own = pl.col("workflow_id") == workflow.workflow_id
        executions = pl.read_parquet(out / "executions.parquet").filter(own)
        messages = pl.read_parquet(out / "messages.parquet").filter(own)
    return _counted(executions, len(messages), start, end)


def _plan(
    settings: Settings,
    workflow: Workflow,
    rules: Rules,
    span: tuple[datetime, datetime],
    history: Path,
    out: Path,
) -> Plan:
    others = [one for one in rules.workflows if one.is_live and one.workflow_id != workflow.workflow_id]
    start, end = span
    return Plan(
        workflows=_sorted([*others, workflow.model_copy(update={"is_active": True})]),
        patterns=rules.patterns,
        send_times=rules.send_times,
        timezone=rules.timezone,
        customers=None,
        events=[],
        out=out,
        start=start,
        end=end,
        caps=[Cap(*one) for one in rules.caps],
        memory=settings.memory_bytes,
        history=history,
        tables=("executions", "messages"),
    )


def _sorted(workflows: Sequence[Workflow]) -> list[Workflow]:
    return sorted(workflows, key=lambda one: one.workflow_id)


def _counted(executions: pl.DataFrame, messages: int, start: datetime, end: datetime) -> Audience:
    branches = executions.group_by("branch").len().sort("branch")
    days = executions.group_by(day=pl.col("entered_at").dt.date()).agg(entries=pl.len()).sort("day")
    newest = executions.sort("entered_at", "customer_id", descending=[True, False])
    return Audience(
        start,
        end,
        len(executions),
        executions["customer_id"].n_unique(),
        len(executions.filter(status="held_out")),
        messages,
        dict(branches.iter_rows()),
        days,
        newest.select("customer_id", "entered_at", "branch").head(_SHOWN),
    )
