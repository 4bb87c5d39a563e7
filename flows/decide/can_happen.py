"""Whether a tick has anything to decide; asked of the store, so that an idle run doesn't import the engine."""

from collections.abc import Sequence
from datetime import datetime

from flows.definitions.versions import with_open_goals
from flows.store.state_file import StateFile
from transforms.definitions.workflow import Workflow, version_of


def can_happen(
    state: StateFile, workflows: Sequence[Workflow], since: datetime | None, now: datetime
) -> bool:
    """Whether anything may happen after `since` until `now` without a new event.

    Either something is due, or patterns or schedules of these workflows, of executions' or of open goals' versions may
    do something alone.
    """
    open_goals = with_open_goals(state, workflows, since)
    versions = [version_of(one) for one in (*workflows, *open_goals)]
    return bool(state.rows("decide/can_happen.sql", now=now, versions=versions))
