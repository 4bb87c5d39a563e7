"""Why a workflow was never entered: the fact that came nearest, and everything that failed at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from transforms.answers.account import Account
from transforms.answers.entries import asked_by
from transforms.answers.sentences import a_fact, instant
from transforms.columns.arrays import NEVER
from transforms.definitions.schedules import schedule_of
from transforms.definitions.triggers import OWN_KEYS
from transforms.engine.recorder import Answer, Tried
from transforms.program.model import Flow
from transforms.timing.durations import epoch_us, instant_at


@dataclass(frozen=True)
class WhyNot:
    """Why a workflow was never entered.

    Attributes:
        said: the sentence.
        nearest: the fact and trigger with the fewest failing conditions, then the newest; None: no fact of any trigger.
        failed: all that failed.
        because: those and what held, a sentence each.
    """

    workflow_id: str
    said: str
    nearest: Tried | None = None
    failed: tuple[Answer, ...] = ()
    because: tuple[str, ...] = ()


def why_not(account: Account, flow: Flow) -> WhyNot:
    """Why the customer never entered a workflow, by the version of now."""
    workflow = flow.workflow
    named = account.name(workflow.workflow_id)
    tried = [one for one in account.record.tried if one.flow.version == flow.version]
    if not tried:
        return WhyNot(workflow.workflow_id, f"{named}: {_nothing_happened(flow)}")
    nearest = min(tried, key=lambda one: _distance(account, one))
    unmet = _unmet(account, nearest)
    said = (
        f"{named}: nearest came {a_fact(nearest.fact.type, nearest.fact.name, nearest.fact.event_id)}, "
        f"{instant(nearest.fact.at)}, trigger {nearest.trigger + 1}; {_counted(unmet)}"
    )
    because = (*unmet[len(nearest.failed) :], *asked_by(account, nearest))
    return WhyNot(workflow.workflow_id, said, nearest, nearest.failed, because)


def nobody_enters(account: Account, workflow_id: str) -> WhyNot:
    """That a workflow isn't active, or has no file any more."""
    there = any(one.workflow.workflow_id == workflow_id for one in account.program.flows)
    why = "it isn't active (is_active)" if there else "no file declares it any more, or that has a fault"
    return WhyNot(workflow_id, f"{account.name(workflow_id)}: nobody enters it: {why}")


def _distance(account: Account, tried: Tried) -> tuple[int, int]:
    return len(_unmet(account, tried)), -tried.fact.at


def _unmet(account: Account, tried: Tried) -> list[str]:
    """What stood against it: conditions that failed, then what is no condition."""
    fact = tried.fact
    found = [one.said for one in tried.failed]
    if not fact.is_known:
        until = "" if fact.known_from == NEVER else f" before {instant(fact.known_from)}"
        found.append(f"fails: the customer wasn't known{until}")
    since = _there_since(account, tried.flow.version)
    if since is not None and fact.at <= epoch_us(since):
        found.append(f"fails: this version wasn't there before {instant(since)}")
    return found


def _there_since(account: Account, version: str) -> datetime | None:
    """The end of the last tick before a version was there; None: it was from the first one."""
    known = account.versions.get(version)
    since: datetime | None = known["since"] if known else None
    return since


def _counted(unmet: Sequence[str]) -> str:
    if not unmet:
        return "nothing stands against it; the next run may let the customer enter, or settings have changed since"
    return f"{len(unmet)} {'thing' if len(unmet) == 1 else 'things'} stood against it"


def _nothing_happened(flow: Flow) -> str:
    """Which facts its triggers wait for, none of which ever came."""
    wanted: list[str] = []
    for one in flow.workflow.triggers:
        schedule = schedule_of(one.type, one.config)
        if schedule:
            wanted.append(f"no schedule {schedule.cron or schedule.attribute} ever fired")
            continue
        name = one.config.get(OWN_KEYS[one.type])
        named = f" named {name}" if name else ""
        never = f"nothing of type {one.type}{named} ever happened"
        wanted.append(f"pattern {name} never turned true" if one.type == "pattern" else never)
    return "; ".join(dict.fromkeys(wanted)) or "it has no triggers"


def at_of(found: WhyNot) -> datetime | None:
    """When the nearest fact acted."""
    return instant_at(found.nearest.fact.at) if found.nearest else None
