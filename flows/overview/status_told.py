"""How a store stands, in words and as JSON, and what to do next."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from flows.inbox.arrivals import WaitingFile
from flows.overview.due import Due
from flows.overview.status import LastTick, Status, WorkflowStanding
from flows.overview.versions import UNREADABLE
from transforms.timing.durations import spoken

_SHOWN = 3
_LISTED = 12
"""So many workflows are listed, more are counted."""
_KINDS = {"messages": ("message", "messages"), "webhooks": ("webhook request", "webhook requests")}


def status_json(status: Status) -> dict[str, Any]:
    """It as JSON values: instants as ISO 8601, lengths in seconds."""
    tick, due = (
        status.tick,
        [{"at": one.at.isoformat(), "what": one.what, "workflow_id": one.workflow_id} for one in status.due],
    )
    return {
        "folder": str(status.folder),
        "asked_at": status.asked_at.isoformat(),
        "run": status.run and {"pid": status.run.pid, "since": status.run.since},
        "last_tick": tick and _tick_json(tick, status.asked_at),
        "workflow_files": status.files,
        "changed_files": [str(one) for one in status.changed_files],
        "workflows": [_workflow_json(one) for one in status.workflows],
        "in_flight": status.in_flight,
        "due": due,
        "pending": {kind: status.pending.get(kind, 0) for kind in _KINDS},
        "unknown": status.unknown,
        "held": status.held,
        "quarantined": {"rows": status.quarantined[0], "by_last_tick": status.quarantined[1]},
        "inbox": {
            "waiting": [f"{one.kind}/{one.name}" for one in status.arrivals.waiting],
            "passed_over": status.arrivals.passed_over,
        },
        "next": list(next_steps(status)),
    }


def status_words(status: Status) -> dict[str, str | list[str]]:
    """It by subject, each in a line or some."""
    told: dict[str, str | list[str]] = {
        "Folder": str(status.folder),
        "Last tick": _tick_words(status.tick, status.asked_at) if status.tick else "none yet",
    }
    if status.run:
        told["Run"] = _run_words(status)
    if status.tick:
        told |= {
            "Workflows": _workflows_words(status.workflows),
            "In flight": _counted(status.in_flight, "execution"),
            "Next due": _due_words(status.due),
            "Outbox": _outbox_words(status),
            "Quarantine": _quarantine_words(status),
        }
    return {**told, "Inbox": _inbox_words(status), "Next": list(next_steps(status))}


def next_steps(status: Status) -> Iterator[str]:
    """What to do, the first thing first; that there is nothing to do, if so."""
    steps = [*_next_for_files(status), *_next_for_store(status)]
    if status.run:
        steps.insert(0, "a run is under way: ask again when it has ended")
    yield from steps or ["nothing: the next run finds what comes in by then"]


def _next_for_files(status: Status) -> Iterator[str]:
    if status.files is None or (status.files == 0 and status.tick is None):
        yield "there is no workflow yet: `onward init` writes a first one, with its test and sample data"
    elif status.tick is None or status.changed_files:
        changed = _counted(len(status.changed_files), "workflow file")
        why = f": {changed} changed since the last tick" if status.tick else " checks the workflow files"
        yield f"`onward validate`{why}"
    elif any(one.state == UNREADABLE for one in status.workflows):
        yield "`onward validate` names the faults of the workflow files that can't be read"


def _next_for_store(status: Status) -> Iterator[str]:
    if status.unknown:
        yield "`onward outbox` says what was handed over without an answer; `onward outbox resolve`, what became of it"
    if status.held:
        yield "`onward outbox release` lets go out again what is held"
    if status.quarantined[1]:
        yield "`onward quarantine` says why rows of the last tick were refused"
    if status.arrivals.passed_over:
        yield "move what lies in the inbox and isn't read: a run says why"
    if status.tick is None and not status.arrivals.waiting:
        yield f"put files into {status.folder / 'inbox' / 'customers'} and {status.folder / 'inbox' / 'events'}"
    overdue = bool(status.due) and status.due[0].at <= status.asked_at
    if status.arrivals.waiting or overdue or sum(status.pending.values()):
        yield "`onward run` takes in what waits and does what is due"


def _workflow_json(one: WorkflowStanding) -> dict[str, Any]:
    running = [{"version": number, "in_flight": n} for number, n in sorted(one.running.items())]
    return {"workflow_id": one.workflow_id, "state": one.state, "version": one.version, "running": running}


def _tick_json(tick: LastTick, asked_at: datetime) -> dict[str, Any]:
    return {
        "tick_id": tick.tick_id,
        "now": tick.now.isoformat(),
        "started_at": tick.started_at and tick.started_at.isoformat(),
        "finished_at": tick.finished_at and tick.finished_at.isoformat(),
        "seconds": tick.seconds,
        "lag_seconds": (asked_at - tick.now).total_seconds(),
    }


def _tick_words(tick: LastTick, asked_at: datetime) -> str:
    lag = asked_at - tick.now
    ago = f"{_roughly(lag)} ago" if lag >= timedelta(0) else f"{_roughly(-lag)} ahead of the clock"
    took = "" if tick.seconds is None else f"; took {tick.seconds:.1f} s"
    return f"number {tick.tick_id}, until {_instant(tick.now)}, {ago}{took}"


def _run_words(status: Status) -> str:
    assert status.run
    return f"under way, pid {status.run.pid}, since {status.run.since}" if status.run.pid else "just started"


def _workflows_words(workflows: list[WorkflowStanding]) -> list[str]:
    """How many are in which state; each, where they are few."""
    if len(workflows) <= _LISTED:
        return [_workflow_words(one) for one in workflows] or ["none"]
    states = Counter(one.state for one in workflows)
    return [", ".join(f"{n:,} {state}" for state, n in states.most_common()) + ": `onward list`"]


def _workflow_words(one: WorkflowStanding) -> str:
    version = "" if one.version is None else f", version {one.version}"
    running = ", ".join(
        f"{n:,} in flight" + ("" if number == one.version else f" on version {number}")
        for number, n in sorted(one.running.items(), reverse=True)
    )
    return f"{one.workflow_id}: {one.state}{version}" + (f", {running}" if running else "")


def _due_words(due: list[Due]) -> str:
    if not due:
        return "nothing without an event"
    first = due[0]
    what = {"step": "a step", "date": "a date of a customer's", "cron": "a schedule"}[first.what]
    return f"{_instant(first.at)}, {what}" + (f" of {first.workflow_id}" if first.workflow_id else "")


def _outbox_words(status: Status) -> str:
    waits = [
        f"{status.pending[kind]:,} {_KINDS[kind][status.pending[kind] != 1]} pending"
        for kind in status.pending
    ]
    unknown = [f"{status.unknown:,} unknown"] if status.unknown else []
    held = (
        [f"held: {', '.join('everything' if one == '*' else one for one in status.held)}"]
        if status.held
        else []
    )
    return "; ".join([*waits, *unknown, *held]) or "nothing is pending, nothing unknown"


def _quarantine_words(status: Status) -> str:
    rows, of_tick = status.quarantined
    return f"{_counted(rows, 'row')}, {of_tick:,} of them by the last tick" if rows else "no rows"


def _inbox_words(status: Status) -> str:
    waiting, passed = status.arrivals.waiting, status.arrivals.passed_over
    told = [f"{_counted(len(waiting), 'file')} to load: {_some(waiting)}" if waiting else "nothing to load"]
    return "; ".join([*told, *([f"not read: {', '.join(passed)}"] if passed else [])])


def _some(files: list[WaitingFile]) -> str:
    names = [f"{one.kind}/{one.name}" for one in files[:_SHOWN]]
    return ", ".join(names) + (f", and {len(files) - _SHOWN:,} more" if len(files) > _SHOWN else "")


def _roughly(length: timedelta) -> str:
    """A length to the minute, and by the day once it is days."""
    days = length.days
    if days >= 2:
        return f"{days:,} days"
    whole = timedelta(
        seconds=length.total_seconds() // 60 * 60 if length >= timedelta(minutes=1) else length.seconds
    )
    return spoken(whole)


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
