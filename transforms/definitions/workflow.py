"""A workflow as its file declares it (semantics.md §§5-11), as typed, validated, frozen models."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, Strict
from pydantic_core import InitErrorDetails

from transforms.definitions.actions import (
    AddTag,
    EndWorkflow,
    RemoveTag,
    SendEmail,
    TriggerWebhook,
    UpdateAttribute,
    Wait,
)
from transforms.definitions.base import (
    Definition,
    Duration,
    Flag,
    Name,
    Number,
    advice,
    fault,
    key_fault,
    refusal,
)
from transforms.definitions.branching import Action, BranchDecision, RandomSplit, WaitForEvent
from transforms.definitions.conditions import Condition, Conditions, Criterion, Group
from transforms.definitions.faults import shown
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.definitions.templated import STORED
from transforms.definitions.triggers import Goal, Trigger, entry_references

__all__ = [
    "Action",
    "AddTag",
    "Branch",
    "BranchDecision",
    "Condition",
    "Conditions",
    "Criterion",
    "EndWorkflow",
    "Goal",
    "Group",
    "QuietHours",
    "RandomSplit",
    "Reentry",
    "RemoveTag",
    "SendEmail",
    "SendWindow",
    "Trigger",
    "TriggerWebhook",
    "UpdateAttribute",
    "Wait",
    "WaitForEvent",
    "Workflow",
    "definition_json",
    "stored_workflow",
    "version_of",
]


class Branch(Definition):
    """Actions for the customers for whom the conditions hold at entry; the first such branch is taken."""

    name: Name
    conditions: Conditions = ()
    actions: tuple[Action, ...] = ()


class Reentry(Definition):
    """Whether a customer may enter again; `after`: that long after the last entry."""

    policy: Literal["when_not_running", "once", "after"] = "when_not_running"
    after: Duration | None = Field(
        default=None,
        validation_alias=AliasChoices("duration", "seconds"),
        serialization_alias="duration",
    )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """A duration stands with policy `after`, and only there."""
        key = next((key for key in ("duration", "seconds") if given.get(key) is not None), None)
        policy = given.get("policy", "when_not_running")
        if policy == "after" and key is None:
            yield key_fault(("duration",), "missing key 'duration' (or 'seconds'): policy after needs it")
        elif policy in ("when_not_running", "once") and key:
            yield key_fault((key,), f"policy {policy} takes no {key!r}; allowed: policy: after")


def _hashable(workflow_id: str) -> str:
    if "|" in workflow_id or workflow_id != workflow_id.strip():
        # Ids are hashes of parts joined by '|' (semantics.md §12).
        raise refusal(f"given {workflow_id!r}; allowed: text without '|' and without spaces around it")
    return workflow_id


def _activity(given: object) -> object:
    if isinstance(given, bool) or given == DRAFT:
        return given
    raise refusal(f"given {shown(given)}; {advice(given, ['true', 'false', DRAFT])}")


DRAFT = "draft"
"""What `is_active` says of a workflow that only tests let customers enter."""

Activity = Annotated[bool | Literal["draft"], BeforeValidator(_activity)]


class Workflow(Definition):
    """A customer journey: who enters, what happens to them step by step, and what ends it."""

    workflow_id: Annotated[Name, AfterValidator(_hashable)]
    workflow_name: Name
    description: str = ""
    is_active: Activity = True
    triggers: tuple[Trigger, ...]
    branches: tuple[Branch, ...] = ()
    actions: tuple[Action, ...] = ()
    goal: Goal | None = None
    exit_on: tuple[Trigger, ...] = ()
    reentry: Reentry = Reentry()
    holdout: Annotated[Number, Field(ge=0, le=1)] = 0.0
    transactional: Flag = False
    quiet_hours: QuietHours | None = None
    send_window: SendWindow | None = None
    priority: Annotated[int, Strict()] = 0
    message_class: Name | None = None
    version_note: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether customers enter it: a draft is as good as inactive."""
        return self.is_active is True

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """Branch names are unique, and none is `default`; triggers refer to no execution."""
        yield from entry_references(given.get("triggers"))
        branches = given.get("branches")
        names: set[str] = set()
        for index, branch in enumerate(branches if isinstance(branches, list | tuple) else ()):
            name = branch.get("name") if isinstance(branch, dict) else getattr(branch, "name", None)
            at = ("branches", index, "name")
            if name == "default":
                yield fault(at, "a branch can't be named 'default': that is the workflow's own actions")
            elif isinstance(name, str) and name in names:
                yield fault(at, f"two branches are named {name!r}; allowed: a name once")
            elif isinstance(name, str):
                names.add(name)


def stored_workflow(definition: str | bytes) -> Workflow:
    """What `definition_json` once wrote, perhaps by rules that were less strict."""
    return Workflow.model_validate_json(definition, context=dict(STORED))


def definition_json(workflow: Workflow) -> str:
    """The workflow as canonical JSON: one spelling, defaults left out; reads back as an equal workflow."""
    said = workflow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(said, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def version_of(workflow: Workflow) -> str:
    """The workflow's content hash: 16 hex digits, the same for every spelling of the same definition."""
    return sha256(definition_json(workflow).encode()).hexdigest()[:16]
