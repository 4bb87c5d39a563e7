"""Whether a tick has anything to decide; asked of the store, so that an idle run doesn't import the engine."""

from collections.abc import Sequence
from datetime import datetime

from flows.store.state_file import StateFile
from transforms.definitions.workflow import Workflow, version_of


def can_happen(state: StateFile, workflows: Sequence[Workflow], now: datetime) -> bool:
    """Whether anything may happen until `now` without a new event.

    Either something is due, or patterns or schedules of these workflows, or of executions', may do something alone.
    """
    versions = [version_of(one) for one in workflows]
    return bool(state.rows("decide/can_happen.sql", now=now, versions=versions))
