"""The versions of workflows that the store has seen, and how many executions run on each."""

import json
from dataclasses import dataclass
from datetime import datetime

from flows.store.state_file import StateFile
from transforms.definitions.workflow import DRAFT
from transforms.timing.durations import instant_at

ACTIVE, INACTIVE, UNREADABLE, NO_FILE = "active", "inactive", "unreadable", "no file"
"""How a workflow stands, besides `draft`."""


@dataclass(frozen=True)
class Version:
    """A version of a workflow.

    Attributes:
        workflow_id: of the workflow.
        version: its content hash.
        number: 1, 2, … within the workflow.
        workflow_name: what it is called there.
        definition: its JSON, as `definition_json` writes it.
        first_seen_at: the end of the tick that first decided by it.
        in_flight: how many executions run on it, or are paused.
        entries: how many there ever were, held out or not; None: not counted yet.
        is_paused: whether the workflow's executions are paused.
    """

    workflow_id: str
    version: str
    number: int
    workflow_name: str
    definition: str
    first_seen_at: datetime
    in_flight: int
    entries: int | None
    is_paused: bool

    @property
    def state(self) -> str:
        """What its file said of it: `active`, `inactive` or `draft`."""
        return state_of(json.loads(self.definition).get("is_active", True))


def state_of(is_active: bool | str) -> str:
    """`active`, `inactive` or `draft`, of the key `is_active`."""
    return DRAFT if is_active == DRAFT else ACTIVE if is_active else INACTIVE


def read_versions(state: StateFile) -> list[Version]:
    """All that were ever seen, workflow by workflow, by number.

    Raises:
        StateError: the state file can't be read.
    """
    return [
        Version(
            workflow_id, version, number, name, definition, instant_at(seen), running, entries, bool(paused)
        )
        for workflow_id, version, number, name, definition, seen, running, entries, paused in state.rows(
            "overview/versions.sql"
        )
    ]
