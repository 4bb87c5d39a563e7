"""One tick: load → decide → commit → dispatch → publish. Safe to run at any time, twice, or after a crash.

The order of the stages stands here once, for `onward run`, which opens the store once, and for the scheduled flows,
whose every stage is a task.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from flows.definitions.folder import Definitions
from flows.errors import EngineStoppedError
from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.opening import open_store
from flows.store.store import Store
from flows.summary import TickSummary
from flows.tick.stages import (
    asks_for_winners,
    dispatch,
    load_and_decide,
    pick_winners,
    publish_views,
    read_workflows,
)

P = ParamSpec("P")
R = TypeVar("R")


class StageRunner(Protocol):
    """Runs one stage in an open store: in that of the whole run, or in one that it opens for this stage alone."""

    def __call__(self, stage: Callable[Concatenate[Store, P], R], /, *given: P.args, **named: P.kwargs) -> R:
        """What the stage returns; what is `given` follows the store."""
        ...


def run_stages(run: StageRunner, definitions: Definitions, now: datetime | None, force: bool) -> TickSummary:
    """The stages of a tick, in order.

    Args:
        run: runs each.
        definitions: what to decide by (`read_workflows`).
        now: see `run_tick`.
        force: see `run_tick`.

    Raises:
        InputError: as for `run_tick`.
        OnwardError: as for `run_tick`.
    """
    summary = run(load_and_decide, definitions, now, force)
    dispatched = run(dispatch, summary.now)
    won = run(pick_winners, definitions, summary.now) if asks_for_winners(definitions) else []
    run(publish_views)
    warnings = [*definitions.faults, *summary.warnings, *dispatched.warnings, *won]
    return replace(summary, dispatched=dispatched.counts, warnings=warnings)


def run_tick(
    settings: Settings,
    now: datetime | None,
    say: Say = silent,
    clock: Clock = wall_clock,
    *,
    force: bool = False,
) -> TickSummary:
    """The main job: one tick until `now`, one run at a time from its beginning to its end.

    Args:
        settings: where things lie.
        now: the tick's end; must not be before the last tick's. None: the present, once the store is open.
        say: told what is being done, for a status line.
        clock: the wall clock, for `sent_at` and the like; decides nothing, but says what is far ahead.
        force: whether `now` may be more than `max_future` ahead of the clock.

    Raises:
        InputError: `now` is in the past of the store, or too far ahead, or the send ledger is missing or another's;
            nothing has changed.
        OnwardError: another run is in progress, or the store can't be used.
    """
    try:
        return _run_tick(settings, now, say, clock, force)
    except EngineStoppedError as stopped:
        if not stopped.is_gone:
            raise
        again = run_tick(settings, now, say, clock, force=force)
        return replace(again, refused=[*stopped.refused, *again.refused])


def _run_tick(settings: Settings, now: datetime | None, say: Say, clock: Clock, force: bool) -> TickSummary:
    say("Reading workflows")
    definitions = read_workflows(settings)
    with open_store(settings, say, clock) as store:

        def run(stage: Callable[Concatenate[Store, P], R], /, *given: P.args, **named: P.kwargs) -> R:
            return stage(store, *given, **named)

        return run_stages(run, definitions, now, force)
