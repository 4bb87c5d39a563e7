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

    name: Name = Field(description="What the branch is called in tables and reports; not `default`.")
    conditions: Conditions = Field(default=(), description="Who takes it; without any, everybody.")
    actions: tuple[Action, ...] = Field(
        default=(), description="What happens to those who take it, instead of the workflow's own actions."
    )


class Reentry(Definition):
    """Whether a customer may enter again; `after`: that long after the last entry."""

    policy: Literal["when_not_running", "once", "after"] = Field(
        default="when_not_running",
        description="`when_not_running`: whenever the last execution has ended; `once`: never again; "
        "`after`: a while after the last entry.",
    )
    after: Duration | None = Field(
        default=None,
        validation_alias=AliasChoices("duration", "seconds"),
        serialization_alias="duration",
        description="How long after the last entry; with policy `after`, which needs it.",
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

    workflow_id: Annotated[Name, AfterValidator(_hashable)] = Field(
        description="Its id: it stays when the name changes, for executions, messages and reports go by it."
    )
    workflow_name: Name = Field(description="What people call it.")
    description: str = Field(default="", description="What it is for, in a sentence or two.")
    is_active: Activity = Field(
        default=True,
        description="Whether customers enter it; a draft is entered in tests only. Who is in flight when it "
        "turns false is paused.",
    )
    triggers: tuple[Trigger, ...] = Field(description="What it is entered by: any one of them will do.")
    branches: tuple[Branch, ...] = Field(
        default=(),
        description="Other actions for some: the first branch whose conditions hold at entry is taken, else "
        "the workflow's own actions.",
    )
    actions: tuple[Action, ...] = Field(
        default=(), description="What happens, step by step, to all who take no branch."
    )
    goal: Goal | None = Field(
        default=None, description="What it is for the customer to do; it marks the execution as converted."
    )
    exit_on: tuple[Trigger, ...] = Field(
        default=(), description="What ends an execution before its last step."
    )
    reentry: Reentry = Field(default=Reentry(), description="Whether, and when, a customer may enter again.")
    holdout: Annotated[Number, Field(ge=0, le=1)] = Field(
        default=0.0,
        description="The share of customers who enter but get nothing, so that there is something to compare "
        "with.",
    )
    transactional: Flag = Field(
        default=False,
        description="Whether its messages go out whatever consent and caps say, and count in no cap.",
    )
    quiet_hours: QuietHours | None = Field(
        default=None,
        description="When nothing is sent; sends wait until it ends. Instead of that of the settings.",
    )
    send_window: SendWindow | None = Field(
        default=None,
        description="When alone something is sent; sends wait until it begins. Instead of that of the "
        "settings.",
    )
    priority: Annotated[int, Strict()] = Field(
        default=0,
        description="Which workflow comes first where a cap leaves room for one message: the one with the "
        "higher number.",
    )
    message_class: Name | None = Field(
        default=None, description="The class of its messages, which caps, routes and rules may ask for."
    )
    version_note: str | None = Field(
        default=None, description="What changed with this version, for people; it is kept with the version."
    )

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
