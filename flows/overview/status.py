"""How a store stands, in milliseconds: from the state file and the send ledger; no history is read.

May be asked while a run is at work: what a run has not committed yet isn't told.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.definitions.folder import definition_files
from flows.delivery.open_ledger import ledger_file
from flows.delivery.send_ledger import SendLedger
from flows.inbox.arrivals import Arrivals, look_in
from flows.overview.due import Due, next_due
from flows.overview.versions import ACTIVE, NO_FILE, UNREADABLE, Version, read_versions
from flows.session import Clock, wall_clock
from flows.settings import Settings
from flows.store.lock import Holder, holder_of
from flows.store.opening import LOCK_FILE
from flows.store.state_file import StateFile
from flows.store.store import STATE_FILE
from transforms.timing.durations import epoch_us, instant_at


@dataclass(frozen=True)
class LastTick:
    """The last tick.

    Attributes:
        tick_id: its number.
        now: its end.
        started_at: by the wall clock; None: not noted.
        finished_at: likewise.
        workflows: (workflow_id, version) of all that it decided by, active or not.
        unreadable: the workflows whose files had faults.
    """

    tick_id: int
    now: datetime
    started_at: datetime | None
    finished_at: datetime | None
    workflows: list[tuple[str, str]]
    unreadable: list[str]

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.started_at and self.finished_at:
            return (self.finished_at - self.started_at).total_seconds()
        return None


@dataclass(frozen=True)
class WorkflowStanding:
    """A workflow as the last tick found it.

    Attributes:
        workflow_id: its id.
        state: `active`, `inactive`, `draft`, `unreadable` or `no file`.
        version: the number of its version; None if its file had faults or wasn't there.
        running: number of a version → executions in flight on it, where there are some.
    """

    workflow_id: str
    state: str
    version: int | None
    running: dict[int, int]


@dataclass(frozen=True)
class Status:
    """How a store stands.

    Attributes:
        folder: the data folder.
        asked_at: when, by the wall clock.
        files: how many workflow files there are now; None: no folder for them.
        changed_files: those of them that changed after the last tick.
        arrivals: what lies in the inbox.
        run: the run under way.
        tick: the last tick; None: there was none yet.
        workflows: those of the last tick, and others that still have executions in flight.
        due: what is due next, the earliest first.
        pending: kind (`messages`, `webhooks`) → how many wait to be handed over.
        unknown: how many were handed over without an answer.
        held: workflows and ids that are held; `*` is everything.
        quarantined: input rows refused, ever and by the last tick.
    """

    folder: Path
    asked_at: datetime
    files: int | None
    arrivals: Arrivals
    run: Holder | None
    changed_files: list[Path] = field(default_factory=list)
    tick: LastTick | None = None
    workflows: list[WorkflowStanding] = field(default_factory=list)
    due: list[Due] = field(default_factory=list)
    pending: dict[str, int] = field(default_factory=dict)
    unknown: int = 0
    held: list[str] = field(default_factory=list)
    quarantined: tuple[int, int] = (0, 0)

    @property
    def in_flight(self) -> int:
        """How many executions are in flight, paused ones included."""
        return sum(sum(one.running.values()) for one in self.workflows)


@contextmanager
def state_at_rest(settings: Settings) -> Generator[StateFile | None]:
    """The state file as of one commit, to be read only; None if there is none yet.

    Raises:
        StateError: it can't be read, or is damaged.
    """
    path = settings.state / STATE_FILE
    if not path.exists():
        yield None
        return
    with StateFile(path, read_only=True) as state:
        state.query("begin")
        yield state


def read_status(settings: Settings, clock: Clock = wall_clock) -> Status:
    """How the store stands; nothing is written, and no run is waited for.

    Raises:
        OnwardError: the state file or the send ledger can't be read.
        InputError: the inbox is no folder.
    """
    paths = definition_files(settings.workflows) if settings.workflows.is_dir() else None
    holder = holder_of(settings.state / LOCK_FILE)
    with state_at_rest(settings) as state:
        found: dict[str, Any] = {
            "folder": settings.data_dir,
            "asked_at": clock(),
            "files": None if paths is None else len(paths),
            "arrivals": look_in(state, settings),
            "run": None if holder is None or holder.passing else holder,
        }
        tick = _last_tick(state) if state else None
        if state is None or tick is None:
            return Status(**found)
        found["changed_files"] = _changed(paths or [], tick)
        return Status(**found, **_of_state(state, settings, tick), **_of_ledger(settings, clock))


def _of_state(state: StateFile, settings: Settings, tick: LastTick) -> dict[str, Any]:
    """Of a store with a tick, what the state file says."""
    versions = read_versions(state)
    current = {version for _, version in tick.workflows}
    live = [one for one in versions if one.version in current and one.state == ACTIVE]
    ((rows, of_tick),) = state.rows("overview/quarantined.sql", now=tick.now)
    return {
        "tick": tick,
        "workflows": _standing(versions, tick),
        "due": next_due(state, live, settings.timezone, tick.now),
        "pending": dict(state.query("select kind, count(*) from pending group by kind order by kind")),
        "quarantined": (rows, of_tick),
    }


def _of_ledger(settings: Settings, clock: Clock) -> dict[str, Any]:
    """What the send ledger says; nothing if nothing was ever handed over."""
    if not ledger_file(settings).exists():
        return {}
    with SendLedger(ledger_file(settings), clock) as ledger:
        ((unknown,),) = ledger.query("select count(*) from sends where status = 'unknown'")
        return {"unknown": unknown, "held": sorted(ledger.held())}


def _last_tick(state: StateFile) -> LastTick | None:
    rows = state.rows("overview/last_tick.sql")
    if not rows:
        return None
    tick_id, now, started_at, finished_at, basis = rows[0]
    kept = json.loads(basis) if basis else []
    return LastTick(
        tick_id,
        instant_at(now),
        instant_at(started_at) if started_at else None,
        instant_at(finished_at) if finished_at else None,
        [(workflow_id, version) for workflow_id, version in (kept[0] if kept else [])],
        kept[3] if len(kept) > 3 else [],  # ticks of before 0.2 noted less
    )


def _standing(versions: list[Version], tick: LastTick) -> list[WorkflowStanding]:
    """The workflows of a tick, and those that only have executions in flight, by their ids."""
    current = dict(tick.workflows)
    running: dict[str, dict[int, int]] = {}
    for one in versions:
        if one.in_flight:
            running.setdefault(one.workflow_id, {})[one.number] = one.in_flight
    by_version = {(one.workflow_id, one.version): one for one in versions}
    found = []
    for workflow_id in sorted({*current, *running, *tick.unreadable}):
        now = by_version.get((workflow_id, current.get(workflow_id, "")))
        missing = UNREADABLE if workflow_id in tick.unreadable else NO_FILE
        found.append(
            WorkflowStanding(
                workflow_id,
                now.state if now else missing,
                now.number if now else None,
                running.get(workflow_id, {}),
            )
        )
    return found


def _changed(paths: list[Path], tick: LastTick) -> list[Path]:
    """The files that changed after the tick began."""
    since = epoch_us(tick.started_at) * 1000 if tick.started_at else 0
    return [path for path in paths if path.stat().st_mtime_ns > since] if since else []
