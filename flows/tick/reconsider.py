"""`onward reconsider-goal`: which goal hits there would be had a workflow's present goal counted all along.

Everything is decided again from the archive, by the rules of then, in a store of its own that is gone afterwards. So
who entered when, and what steps did to whom, is what it was; the engine that counts hits is that of ticks; and only the
goal that it counts by is another. What ticks decided stays as it is.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.definitions.folder import Definitions
from flows.definitions.rules import Rules
from flows.definitions.versions import known_versions
from flows.errors import InputError, OnwardError
from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.store.backfill import fill_sums
from flows.store.compact import when_free
from flows.store.everybody import everybody
from flows.store.publish import publish
from flows.store.reconsidered import Reconsideration, drop_reconsidered, keep_reconsidered
from flows.store.state_file import StateFile
from flows.store.store import STATE_FILE, Store, opened
from flows.store.ticks import last_tick
from flows.tick.replay import Adapt, decide_otherwise
from flows.tick.stages import read_workflows
from flows.warehouse import read_sql
from transforms.definitions.base import advice
from transforms.definitions.told import trigger_told
from transforms.definitions.triggers import Goal
from transforms.definitions.walk import has_hits
from transforms.definitions.workflow import Workflow, version_of
from transforms.timing.durations import spoken

_RELATIONS = ("running", "ended", "goal_hits")


@dataclass(frozen=True)
class Reconsidered:
    """What was counted.

    Attributes:
        kept: what reports show now.
        told: the goal, for people.
        number: of the version whose goal it is; None: no tick has seen that yet.
        decided: how many hits ticks found of the same entries until then.
    """

    kept: Reconsideration
    told: str
    number: int | None
    decided: int

    @property
    def sentence(self) -> str:
        """For people."""
        one = self.kept
        version = f"version {self.number}" if self.number else "its file, which no tick has seen yet"
        since = f", entered since {_written(one.since)}" if one.since else ""
        return (
            f"Counted {one.hits:,} goal hits of {one.entries:,} entries of {one.workflow_id}{since}, until "
            f"{_written(one.until)}; ticks found {self.decided:,}\nThe goal is that of {version}: {self.told}\n"
            "What ticks decided stays as it is; reports of goal hits show these, and say so. "
            f"`onward reconsider-goal {one.workflow_id} --drop` takes them back"
        )


@dataclass(frozen=True)
class _Asked:
    """Which entries: of a workflow, since an instant (None: from the first on), until the end of a tick."""

    workflow_id: str
    since: datetime | None
    tick: int
    until: datetime

    def entries(self, store: Store) -> tuple[int, int]:
        """How many there are in a store, and which, as one number."""
        with everybody(store, _RELATIONS):
            return read_sql(store.con, "tick/reconsider/entries.sql", **self._given()).row(0)

    def hits(self, store: Store) -> pl.DataFrame:
        """Their goal hits in a store."""
        with everybody(store, _RELATIONS):
            return read_sql(store.con, "tick/reconsider/goal_hits.sql", **self._given())

    def _given(self) -> dict[str, object]:
        return {"workflow_id": self.workflow_id, "since": self.since, "until": self.until}


def reconsider_goal(
    settings: Settings,
    workflow_id: str,
    since: datetime | None = None,
    say: Say = silent,
    clock: Clock = wall_clock,
) -> Reconsidered:
    """Count a workflow's goal hits by the goal that its file has now, and let reports show them.

    Ticks may go on meanwhile; what they find isn't counted.

    Args:
        settings: where things lie.
        workflow_id: the workflow.
        since: only entries of then or later; None: all.
        say: told what is being done.
        clock: the wall clock.

    Raises:
        InputError: there is no such workflow, goal or entry; nothing has changed.
        OnwardError: the archive can't be read or doesn't bring the same entries about, or the store can't be used;
            nothing has changed.
    """
    definitions = read_workflows(settings)
    with when_free(settings, clock) as store:
        workflow, goal = _present(store.state, definitions, workflow_id)
        asked = _asked(store.state, workflow_id, since)
        entries, decided = asked.entries(store), len(asked.hits(store))
        numbers = {version: number for _, number, version in known_versions(store.state)}
    if not entries[0]:
        raise InputError(f"{workflow_id}: nobody entered it{' since then' if since else ' yet'}")

    def by_that_goal(rules: Rules) -> Rules:
        patterns = {**definitions.patterns, **rules.patterns}
        return replace(rules, patterns=patterns, counted={workflow_id: goal})

    with _decided_again(settings, (asked.tick, asked.until), by_that_goal, say) as again:
        if asked.entries(again) != entries:
            raise OnwardError(_DIFFERS.format(workflow_id=workflow_id))
        hits = asked.hits(again)
    found = Reconsideration(
        workflow_id, version_of(workflow), goal.model_dump_json(exclude_defaults=True), goal.window.total_seconds(),
        since, asked.until, clock(), entries[0], len(hits),
    )  # fmt: skip
    say("Publishing")
    with when_free(settings, clock) as store:
        if last_tick(store.state)[0] < asked.tick:
            raise OnwardError("what ticks decided was taken back meanwhile; nothing has changed, run again")
        keep_reconsidered(store, found, hits)
        publish(store)
    told = f"{trigger_told(goal)}, within {spoken(goal.window)} after the entry"
    return Reconsidered(found, told, numbers.get(found.version), decided)


_DIFFERS = (
    "{workflow_id}: decided again from the archive, it is entered otherwise than ticks let customers enter. So it is "
    "where the archive lacks ticks, or where ticks were decided by rules of an earlier version. `onward rebuild` makes "
    "both agree: run again after it. Nothing has changed"
)


def drop(settings: Settings, workflow_id: str, clock: Clock = wall_clock) -> str:
    """Take back what was reconsidered of a workflow; what was done, for people.

    Raises:
        InputError: nothing was.
        OnwardError: the store can't be used.
    """
    with when_free(settings, clock) as store:
        if not drop_reconsidered(store, workflow_id):
            raise InputError(f"{workflow_id}: its goal isn't reconsidered, so there is nothing to take back")
        publish(store)
    return f"{workflow_id}: reports show the goal hits that ticks found again"


def _present(state: StateFile, definitions: Definitions, name: str) -> tuple[Workflow, Goal]:
    """The workflow as its file is now, and its goal."""
    current = {one.workflow_id: one for one in definitions.workflows}
    known = sorted({one for one, _, _ in known_versions(state)} | set(current))
    if name not in known:
        raise InputError(f"no workflow {name!r}; {advice(name, known)}")
    if name not in current:
        faulty = name in definitions.unreadable
        why = "its file has faults (`onward validate` shows them)" if faulty else "it has no file any more"
        raise InputError(f"{name} has no present goal: {why}")
    goal = current[name].goal
    if goal is None:
        raise InputError(f"{name} has no goal; add one to its file, and run again")
    if not has_hits(goal):
        raise InputError(
            f"{name}: its goal asks for the execution's decision, so that nothing hits it beyond the run"
        )
    return current[name], goal


def _asked(state: StateFile, workflow_id: str, since: datetime | None) -> _Asked:
    tick, until = last_tick(state)
    if until is None:
        raise InputError("nothing was run yet, so there is nothing to reconsider; `onward run` decides")
    if since and since > until:
        raise InputError(
            f"--since {_written(since)} is after the last tick, which ended at {_written(until)}; give an earlier one"
        )
    return _Asked(workflow_id, since, tick, until)


@contextmanager
def _decided_again(settings: Settings, end: tuple[int, datetime], adapt: Adapt, say: Say) -> Generator[Store]:
    """A store of what ticks decided until their end, by rules that are adapted; gone when the block is left."""
    with TemporaryDirectory(prefix="onward-reconsider-") as folder:
        apart = settings.model_copy(update={"data_dir": Path(folder)})
        _link_archive(settings, apart)
        with opened(apart.state / STATE_FILE, apart, say) as store:
            fill_sums(store)
            decide_otherwise(store, end, adapt)
            yield store


def _link_archive(settings: Settings, apart: Settings) -> None:
    """Let the archive be read in another place too, where files of events that are made anew replace nothing here."""
    there, here = archive_folder(settings).absolute(), archive_folder(apart)
    events = here / "events"
    events.mkdir(parents=True)
    for one in there.iterdir():
        if one.name != events.name:
            (here / one.name).symlink_to(one)
    for file in (there / events.name).iterdir():
        (events / file.name).symlink_to(file)


def _written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00") + " UTC"
