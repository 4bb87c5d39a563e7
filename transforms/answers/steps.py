"""What an execution did: each step with outcome and reason, what it sent, how it ended, goals reached."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import polars as pl

from transforms.answers.account import Account, Entry
from transforms.answers.entries import END, STEP, rank_of
from transforms.answers.sentences import (
    Row,
    a_choice,
    a_fact,
    a_message,
    a_request,
    an_answer,
    held_back,
    instant,
    is_held_back,
)
from transforms.columns.ids import draw
from transforms.engine.recorder import Fact
from transforms.program.checks import CompiledTrigger
from transforms.program.model import Flow, Step
from transforms.timing.durations import epoch_us

_GOAL = 1


def lines_of(account: Account, execution: Row, steps: Sequence[Row]) -> Iterator[Entry]:
    """The lines of an execution after its entry.

    Args:
        account: whose it is.
        execution: its row.
        steps: its rows of `steps`, in order.
    """
    for row, following in zip(steps, (*steps[1:], None), strict=False):
        yield _step(account, execution, row, following)
    yield from _goal(account, execution)
    yield from _end(account, execution)
    yield from _hits(account, execution)


def _step(account: Account, execution: Row, row: Row, following: Row | None) -> Entry:
    step, known = account.step(row), account.step_rows.get((row["version"], row["branch"], row["step"]))
    label = known["label"] if known else ""
    named = f"step {row['step']}, {row['action_type']}" + (f" {label}" if label else "")
    until = _until(execution, row, step, following)
    said = f"{_short(execution)}, {named}: {_outcome(account, row, step, until)}"
    because = (*_asked(account, row, step), *_drawn(account, row, label), *_sent(account, row))
    version = account.versions.get(row["version"])
    number = version["number"] if version else None
    return Entry(row["at"], rank_of(execution, STEP), "step", row["workflow_id"], said, because, number)


def _short(execution: Row) -> str:
    branch = execution["branch"]
    return str(execution["workflow_id"]) + ("" if branch == "default" else f", branch {branch}")


def _until(execution: Row, row: Row, step: Step | None, following: Row | None) -> datetime | None:
    """Until when a wait lasts, or a send is put off."""
    if row["outcome"] == "done" and step and step.duration is not None:
        return _later(row["at"], step.duration)
    told: datetime | None = following["at"] if following else execution["due_at"]
    return told


def _later(at: datetime, after: int) -> datetime:
    return at + timedelta(microseconds=after)


def _outcome(account: Account, row: Row, step: Step | None, until: datetime | None) -> str:
    outcome, kind = row["outcome"], row["action_type"]
    if is_held_back(outcome):
        why = account.record.gates.get((step.index, epoch_us(row["at"])), []) if step else []
        return held_back(outcome, why, until)
    if outcome == "skipped":
        return "skipped, because of its conditions"
    if kind == "wait":
        return "waits" + (f" until {instant(until)}" if until else "")
    if outcome == "waiting":
        limit = step.duration if step else None
        return "waits" if limit is None else f"waits, until {instant(_later(row['at'], limit))} at most"
    if kind == "wait_for_event":
        return "the event came" if outcome == "event" else "its time-out came first"
    if kind in ("branch_decision", "random_split"):
        return f"takes {outcome}"
    return "accepted" if kind == "send_email" else str(outcome)


def _asked(account: Account, row: Row, step: Step | None) -> list[str]:
    """What its conditions, or the criteria of a decision, saw."""
    if step is None:
        return []
    at, record = epoch_us(row["at"]), account.record
    begun = max((then for index, then in record.steps if index == step.index and then <= at), default=at)
    answers = [f"condition {an_answer(one)}" for one in record.steps.get((step.index, begun), ())]
    ways = record.decisions.get((step.index, at), ())
    return [*answers, *(f"criterion {one}" for one in a_choice(ways, row["outcome"]))]


def _drawn(account: Account, row: Row, label: str) -> list[str]:
    """The draw of a split, which depends on ids alone."""
    if row["action_type"] != "random_split" or row["outcome"] == "skipped":
        return []
    drawn = draw("split", row["workflow_id"], row["step"], customers=pl.Series([account.customer]))
    return [f"drew {float(drawn[0]):.4f} of {label}"]


def _sent(account: Account, row: Row) -> list[str]:
    key = row["execution_id"], row["step"]
    if row["outcome"] != "done":
        return []
    messages = [
        a_message(one) for one in account.stored.messages if (one["execution_id"], one["step"]) == key
    ]
    calls = [a_request(one) for one in account.stored.webhooks if (one["execution_id"], one["step"]) == key]
    return [*messages, *calls]


def _goal(account: Account, execution: Row) -> Iterator[Entry]:
    """The goal, where reaching it didn't end the execution; else the end says it."""
    at = execution["converted_at"]
    if at is not None and not (execution["status"] == "converted" and at == execution["ended_at"]):
        said = f"{_short(execution)}: reached its goal{_by(account, execution, at, goal=True)}"
        yield Entry(at, rank_of(execution, _GOAL), "goal", execution["workflow_id"], said)


def _end(account: Account, execution: Row) -> Iterator[Entry]:
    status, at = execution["status"], execution["ended_at"]
    if at is None or status == "held_out":
        return
    goal = status == "converted"
    by = _by(account, execution, at, goal=goal) if goal or status == "exited" else ""
    said = {"converted": "reached its goal, which ends it", "exited": "left by exit_on"}.get(status, status)
    rank = _GOAL if by or goal or status == "exited" else END
    yield Entry(
        at, rank_of(execution, rank), "end", execution["workflow_id"], f"{_short(execution)}: {said}{by}"
    )


def _by(account: Account, execution: Row, at: datetime, *, goal: bool) -> str:
    """By which fact the goal was reached, or which exit taken."""
    flow = account.flows.get(execution["version"])
    met = account.record.met.get((flow.index, epoch_us(at)), []) if flow else []
    for trigger, fact in met:
        if flow and (flow.goal is not None and trigger.matcher == flow.goal.matcher) is goal:
            return f", {_which_exit(flow, trigger, goal)}by {_named(fact)}"
    return ""


def _which_exit(flow: Flow, trigger: CompiledTrigger, goal: bool) -> str:
    """Which of several exits: `number 2, `."""
    if goal or len(flow.exits) < 2:
        return ""
    return f"number {[one.matcher for one in flow.exits].index(trigger.matcher) + 1}, "


def _named(fact: Fact) -> str:
    return a_fact(fact.type, fact.name, fact.event_id)


def _hits(account: Account, execution: Row) -> Iterator[Entry]:
    """Goal hits beside the one that converted it: after its end, held out, or again."""
    for row in account.stored.goal_hits:
        if row["execution_id"] != execution["execution_id"] or row["at"] == execution["converted_at"]:
            continue
        ended = execution["ended_at"]
        when = (
            "held out"
            if execution["status"] == "held_out"
            else "after its end"
            if ended and row["at"] > ended
            else "again"
        )
        event = f", by event {row['event_id']}" if row["event_id"] else ""
        said = f"{_short(execution)}: goal hit, {when}{event}"
        yield Entry(row["at"], rank_of(execution, _GOAL), "goal", execution["workflow_id"], said)
