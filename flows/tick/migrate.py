"""`onward migrate`: show where a workflow's executions in flight would go in another version, and move them."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import polars as pl

from flows.definitions.folder import Definitions
from flows.definitions.versions import known_versions, stored_workflows
from flows.errors import InputError
from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.archive import keep_definition
from flows.store.everybody import everybody
from flows.store.opening import open_store
from flows.store.publish import publish
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.store.tables import SMALL
from flows.store.ticks import last_tick
from flows.tick.migrations import (
    Migration,
    Move,
    apply_migration,
    bring_in_executions,
    known_migrations,
    write_migration,
)
from flows.tick.replay import catch_up
from flows.tick.stages import read_workflows
from flows.warehouse import read_sql, shown
from transforms.definitions.base import advice
from transforms.definitions.workflow import Workflow, definition_json, version_of
from transforms.program.migration import PLACE, check_maps, plan_moves, read_maps, steps_of


@dataclass(frozen=True)
class Request:
    """What to migrate.

    Attributes:
        to: a version's number or hash (or how it begins); None: the version of the workflow's file.
        maps: `old=new` each, see `transforms.program.migration.read_maps`.
        skip_unmapped: move those that can be moved, leave the others.
    """

    workflow_id: str
    to: str | None = None
    maps: Sequence[str] = ()
    dry_run: bool = False
    skip_unmapped: bool = False


@dataclass(frozen=True)
class Migrated:
    """What was planned, and how much of it was done.

    Attributes:
        plan: see `transforms.program.migration.plan_moves`; one row per version, branch and step.
        target: the version's number, for people.
        moved: how many executions were moved.
        idle: the maps of steps at which none stands.
    """

    request: Request
    plan: pl.DataFrame
    target: int
    moved: int
    idle: Sequence[str] = ()

    @property
    def left(self) -> int:
        """How many executions can't be moved."""
        return int(self.plan.filter(pl.col("reason").is_not_null())["executions"].sum())

    @property
    def sentence(self) -> str | None:
        """What was done, for people; None if nothing was, because some can't be moved."""
        if self.plan.is_empty():
            return f"No executions of other versions of {self.request.workflow_id} are in flight"
        if self.request.dry_run:
            ready = int(self.plan["executions"].sum()) - self.left
            return f"Would move {ready:,} executions; {self.left:,} have no place to go. Nothing was moved"
        if self.left and not self.moved:
            return None
        return f"Moved {self.moved:,} executions to version {self.target}; {self.left:,} stay where they are"


def migrate(settings: Settings, request: Request, say: Say = silent, clock: Clock = wall_clock) -> Migrated:
    """Move a workflow's executions in flight, running or paused, to another version of it, in one transaction.

    Nothing is moved on a dry run, nor when some can't be moved, unless those are to be skipped.

    Raises:
        InputError: a map isn't one, or there is no such workflow, version or step; nothing has changed.
        OnwardError: another run is in progress, or the store can't be used.
    """
    with _input_errors():
        check_maps(request.maps)
    definitions = read_workflows(settings)
    with open_store(settings, say, clock) as store:
        catch_up(store)
        target, number = _target(store.state, definitions, request)
        plan, idle = _plan(store, target, request.maps)
        found = Migrated(request, plan, number, 0, idle)
        ready = plan.filter(pl.col("reason").is_null())
        if request.dry_run or ready.is_empty() or (found.left and not request.skip_unmapped):
            return found
        say("Moving executions")
        moved = _move(store, target, ready)
        say("Publishing")
        publish(store)
    return replace(found, moved=moved)


def _target(state: StateFile, definitions: Definitions, request: Request) -> tuple[Workflow, int]:
    """The version to go to, and its number: that of the store, or the next one if no tick has seen it yet."""
    name = request.workflow_id
    current = {one.workflow_id: one for one in definitions.workflows}
    known = known_versions(state)
    ids = {one for one, _, _ in known}
    if name not in ids | set(current):
        raise InputError(f"no workflow {name!r}; {advice(name, sorted(ids | set(current)))}")
    versions = {version: number for one, number, version in known if one == name}
    if request.to is None:
        target = _current(name, definitions, versions)
        return target, versions.get(version_of(target), len(versions) + 1)
    chosen = [one for one, number in versions.items() if str(number) == request.to]
    chosen = chosen or [one for one in versions if one.startswith(request.to)]
    if len(chosen) != 1:
        raise InputError(f"--to {request.to!r}: no such version of {name}; allowed: {_listed(versions)}")
    (stored,) = stored_workflows(state, [(name, chosen[0])])
    return stored, versions[chosen[0]]


def _current(name: str, definitions: Definitions, versions: dict[str, int]) -> Workflow:
    found = next((one for one in definitions.workflows if one.workflow_id == name), None)
    if found:
        return found
    why = (
        "its file has faults (`onward validate` shows them)"
        if name in definitions.unreadable
        else "it has no file any more"
    )
    raise InputError(f"{name} has no current version: {why}; give --to, allowed: {_listed(versions)}")


def _listed(versions: dict[str, int]) -> str:
    return ", ".join(f"{number} ({version})" for version, number in versions.items()) or "none"


def _plan(store: Store, target: Workflow, maps: Sequence[str]) -> tuple[pl.DataFrame, Sequence[str]]:
    """Where executions go, and the maps of steps at which none stands."""
    places = {"workflow_id": target.workflow_id, "version": version_of(target)}
    bring_in_executions(store, target.workflow_id)
    versions_known = store.state.frame("select * from workflow_versions", SMALL["workflow_versions"])
    with everybody(store), shown(store.con, workflow_versions=versions_known):
        standing = read_sql(store.con, "tick/migrate/standing.sql", **places)
        sent = read_sql(store.con, "tick/migrate/sent.sql", **places)
    versions = standing["version"].unique().to_list()
    if not versions:
        return plan_moves(standing, *_nothing(target), sent), maps
    left = stored_workflows(store.state, [(target.workflow_id, one) for one in versions])
    source = pl.concat([steps_of(target).clear(), *map(steps_of, left)])
    there = steps_of(target, source["branch"].unique(maintain_order=True))
    with _input_errors():
        mapped = read_maps(maps, source, there)
    idle = [
        one for one in maps if read_maps([one], source, there).join(standing, on=PLACE, how="semi").is_empty()
    ]
    return plan_moves(standing, source, there, mapped, sent), idle


@contextmanager
def _input_errors() -> Generator[None]:
    """What is wrong with a map, as bad usage."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from None


def _nothing(target: Workflow) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """No steps that anybody leaves, those there are, no maps."""
    there = steps_of(target)
    return there.clear(), there, read_maps((), there, there)


def _move(store: Store, target: Workflow, ready: pl.DataFrame) -> int:
    state, settings = store.state, store.settings
    tick, at = last_tick(state)
    assert at is not None, "executions are only there after a tick"
    before = sum(after == tick for after, _ in known_migrations(state))
    names = ("version", "branch", "step", "to_branch", "to_step", "resets")
    moves = [Move(*row) for row in ready.select(names).rows()]
    version = version_of(target)
    keep_definition(settings, version, definition_json(target))
    migration = Migration(tick, before + 1, at, target.workflow_id, version, moves)
    with store.transaction() as commit:
        commit.shows = True
        write_migration(settings, migration)
        return apply_migration(store, migration)
