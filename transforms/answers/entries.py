"""Entries and refusals as lines of a timeline: by which trigger and fact, what was asked, which branch, which draw."""

import polars as pl

from transforms.answers.account import Account, Entry
from transforms.answers.evidence import of_pattern, of_signal
from transforms.answers.sentences import (
    REFUSED,
    Row,
    a_choice,
    a_draw,
    a_fact,
    an_answer,
)
from transforms.columns.ids import draw
from transforms.engine.recorder import Fact, Tried
from transforms.timing.durations import epoch_us, instant_at

ENTRY, STEP, END = 4, 5, 6
_STANDING = {"running": ["it is still running"], "paused": ["it is paused: its workflow isn't active"]}
_CAUSED = 10
"""What other executions cause at an instant comes after them."""


def rank_of(execution: Row, rank: int) -> int:
    """Where a line about an execution comes at an instant."""
    return rank + _CAUSED if execution["trigger_type"] == "workflow_action" else rank


def entry_of(account: Account, execution: Row) -> Entry:
    """The entry of an execution, held out or not."""
    held_out = execution["status"] == "held_out"
    workflow = execution["workflow_id"]
    said = (
        f"{'held out of' if held_out else 'entered'} {account.name(workflow)}, {account.number(execution['version'])}, "
        f"by {a_fact(execution['trigger_type'], execution['trigger_name'], execution['trigger_event_id'])}"
    )
    reasons = [
        *_trigger(account, execution),
        *_branch(account, execution),
        *_holdout(account, execution),
        *_STANDING.get(execution["status"], ()),
    ]
    at = execution["entered_at"]
    return Entry(at, rank_of(execution, ENTRY), "entry", workflow, said, tuple(reasons))


def refusal_of(account: Account, row: Row) -> Entry:
    """An entry that was refused."""
    workflow, at = row["workflow_id"], row["at"]
    fired = _fired(account.tried_at(workflow, at), None)
    by = f", by {_of(fired.fact)}" if fired else ""
    said = f"not entered {account.name(workflow)}{by}: {REFUSED.get(row['reason'], row['reason'])}"
    return Entry(at, ENTRY, "refusal", workflow, said, tuple(asked_by(account, fired) if fired else ()))


def asked_by(account: Account, tried: Tried) -> list[str]:
    """What a trigger asked of a fact, and the events behind patterns and amounts."""
    at = instant_at(tried.fact.at)
    which = f"trigger {tried.trigger + 1}"
    behind = (
        of_pattern(account.program, tried.fact.name, account.stored.events, at)
        if tried.fact.type == "pattern"
        else []
    )
    answers = [
        line
        for one in tried.answers
        for line in (an_answer(one), *(f"  {said}" for said in _behind(account, tried, one.looks)))
    ]
    return [f"{which}: {one}" for one in (*behind, *answers)] or [f"{which}: it has no conditions"]


def _behind(account: Account, tried: Tried, looks: object) -> list[str]:
    assert isinstance(looks, tuple)
    at = instant_at(tried.fact.at)
    return [said for one in looks for said in of_signal(account.program, one.name, account.stored.events, at)]


def _of(fact: Fact) -> str:
    return a_fact(fact.type, fact.name, fact.event_id)


def _fired(tried: list[Tried], event_id: str | None) -> Tried | None:
    """The first trigger of which all held, at the fact of that event if it is one."""
    for one in tried:
        if not one.failed and one.fact.is_known and event_id in (None, one.fact.event_id):
            return one
    return None


def _trigger(account: Account, execution: Row) -> list[str]:
    version, workflow = execution["version"], execution["workflow_id"]
    fired = _fired(account.tried_at(workflow, execution["entered_at"]), execution["trigger_event_id"])
    if fired and fired.flow.version == version:
        return asked_by(account, fired)
    now = [one for one in account.program.flows if one.workflow.workflow_id == workflow]
    if now and all(one.version != version for one in now):
        known = account.number(now[-1].version)
        return [
            f"decided by {account.number(version)}; what conditions saw is told of the present {known} only"
        ]
    return ["today's definitions and settings don't decide it so; what conditions saw then isn't known"]


def _branch(account: Account, execution: Row) -> list[str]:
    flow = account.flows.get(execution["version"])
    at, taken = epoch_us(execution["entered_at"]), execution["branch"]
    choice = account.record.branches.get((flow.index, at)) if flow else None
    if choice:
        return [*(f"branch {one}" for one in a_choice(choice, taken)), f"branch taken: {taken}"]
    return [] if taken == "default" else [f"branch taken: {taken}"]


def _holdout(account: Account, execution: Row) -> list[str]:
    """The draw, which depends on ids alone; the share is known of the versions of now."""
    flow = account.flows.get(execution["version"])
    if flow is None or not flow.workflow.holdout:
        return []
    drawn = draw("holdout", execution["workflow_id"], customers=pl.Series([account.customer]))
    return [a_draw(float(drawn[0]), flow.workflow.holdout)]
