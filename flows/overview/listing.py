"""The workflows there are: those of the files as they are now, with what the store knows of each."""

from dataclasses import dataclass
from typing import Any

from flows.definitions.folder import Definitions, load_definitions
from flows.overview.status import state_at_rest
from flows.overview.versions import NO_FILE, UNREADABLE, Version, read_versions, state_of
from flows.settings import Settings
from transforms.definitions.workflow import Workflow, stored_workflow, version_of


@dataclass(frozen=True)
class Listed:
    """A workflow.

    Attributes:
        workflow: as its file declares it; as the store's newest version does, where the file can't be read or is gone.
        state: `active`, `inactive`, `draft`, `unreadable` or `no file`.
        current: the version that the store has of this definition; None: no tick has decided by it yet.
        versions: all that the store has seen, by number.
    """

    workflow: Workflow
    state: str
    current: Version | None
    versions: list[Version]

    @property
    def in_flight(self) -> int:
        """How many executions are in flight on all versions, paused ones included."""
        return sum(one.in_flight for one in self.versions)

    @property
    def entries(self) -> int | None:
        """How many entries there ever were, held out or not; None: not counted yet."""
        counts = [one.entries for one in self.versions if one.entries is not None]
        return sum(counts) if len(counts) == len(self.versions) else None

    @property
    def is_paused(self) -> bool:
        """Whether its executions are paused in the store."""
        return any(one.is_paused for one in self.versions)

    def as_json(self) -> dict[str, Any]:
        """It as JSON values."""
        return {
            "workflow_id": self.workflow.workflow_id,
            "workflow_name": self.workflow.workflow_name,
            "state": self.state,
            "paused": self.is_paused,
            "version": self.current and self.current.number,
            "in_flight": self.in_flight,
            "entries": self.entries,
        }

    def as_row(self) -> dict[str, str]:
        """It as a row of a table."""
        version = str(self.current.number) if self.current else "new" if self.state != UNREADABLE else "?"
        return {
            "workflow": self.workflow.workflow_id,
            "state": f"{self.state}, paused" if self.is_paused and self.in_flight else self.state,
            "version": version,
            "in flight": f"{self.in_flight:,}",
            "entries": "?" if self.entries is None else f"{self.entries:,}",
            "name": self.workflow.workflow_name,
        }


@dataclass(frozen=True)
class Listing:
    """All workflows by id, and the faults of files that were left out."""

    workflows: list[Listed]
    faults: tuple[str, ...]


def list_workflows(settings: Settings) -> Listing:
    """What the files declare now, and what else the store has seen; nothing is written, no run is waited for.

    Raises:
        StateError: the state file can't be read.
    """
    with state_at_rest(settings) as state:
        versions = read_versions(state) if state else []
    found = Definitions()
    if settings.workflows.is_dir():
        found = load_definitions(settings.workflows, settings.patterns, settings.templates)
    stored: dict[str, list[Version]] = {}
    for one in versions:
        stored.setdefault(one.workflow_id, []).append(one)
    listed = {one.workflow_id: _declared(one, stored.get(one.workflow_id, [])) for one in found.workflows}
    for workflow_id, seen in stored.items():
        if workflow_id not in listed:
            state_now = UNREADABLE if workflow_id in found.unreadable else NO_FILE
            listed[workflow_id] = Listed(stored_workflow(seen[-1].definition), state_now, seen[-1], seen)
    return Listing([listed[name] for name in sorted(listed)], found.faults)


def _declared(workflow: Workflow, seen: list[Version]) -> Listed:
    version = version_of(workflow)
    current = next((one for one in seen if one.version == version), None)
    return Listed(workflow, state_of(workflow.is_active), current, seen)
