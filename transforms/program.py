"""The compiled form of all workflows: steps with explicit targets, conditions as rows of one truth table.

It also says what the engine must see: which attributes, properties, tags and facts. What no workflow can see
never enters a wave.
"""

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from transforms.workflow import Action, Workflow

END = "end"
FOLLOW_UP_PROPERTIES = ("workflow_id", "tag", "template_id", "old_value", "new_value")


@dataclass(frozen=True)
class Check:
    """One compiled condition: where to look (a column of that source) and which row of the truth table tells."""

    source: Literal["attribute", "event", "decision"]
    column: int
    truth: int


@dataclass(frozen=True)
class TagCheck:
    """A condition on `tags`: has one tag, or is exactly one of some tag lists (both as tag columns)."""

    tag: int | None = None
    lists: tuple[frozenset[int], ...] = ()
    negated: bool = False


AnyCheck = Check | TagCheck


@dataclass(frozen=True)
class Matcher:
    """What of a trigger depends on the fact alone: its type, its name (None: any), checks of its properties."""

    type: str
    name: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class CompiledTrigger:
    """A trigger: the matcher for the fact, and the checks that look at the customer."""

    matcher: int
    checks: tuple[AnyCheck, ...]


@dataclass(frozen=True)
class Step:
    """One step: what it does, where it goes next. `action` is None at the end of a flow."""

    flow: int
    branch: str
    name: str
    position: int
    action: Action | None
    checks: tuple[AnyCheck, ...] = ()
    delay: int = 0
    next: int = -1
    targets: dict[str, int] = field(default_factory=dict)
    criteria: tuple[tuple[str, tuple[AnyCheck, ...]], ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    duration: int | None = None  # µs: of a wait, or until a time-out
    matcher: int = -1  # of the awaited event
    column: int = -1  # of the tag or attribute
    value: int = -1  # the literal that is set, or that follow-up facts tell

    @property
    def action_type(self) -> str:
        """The action's type, `end` past the last step."""
        return self.action.type if self.action else END


@dataclass(frozen=True)
class CompiledBranch:
    """A way through a workflow: taken when its checks hold, starting at step `start`."""

    name: str
    checks: tuple[AnyCheck, ...]
    start: int


@dataclass(frozen=True)
class Flow:
    """One version of one workflow; `slot` is the workflow's place in the order of workflow ids."""

    index: int
    slot: int
    workflow: Workflow
    version: str
    enters: bool
    triggers: tuple[CompiledTrigger, ...]
    branches: tuple[CompiledBranch, ...]
    goal: CompiledTrigger | None
    exits: tuple[CompiledTrigger, ...]
    waits: tuple[int, ...]
    reactors: list[int]  # the matchers of goal, exits and waits
    reentry_after: int
    first: int  # its steps are first … last
    last: int
    end: int


@dataclass(frozen=True)
class Program:
    """Everything the waves need of the workflows; columns are positions in the tuples of names."""

    flows: tuple[Flow, ...]
    slots: tuple[str, ...]
    steps: tuple[Step, ...]
    matchers: tuple[Matcher, ...]
    attributes: tuple[str, ...]
    properties: tuple[str, ...]  # those that workflows read, then what else follow-up facts tell
    read: int  # how many of the properties workflows read
    tags: tuple[str, ...]
    truths: tuple[pl.Expr, ...]
    literals: dict[str, int]
    refuses_consent: tuple[Check, ...]

    @property
    def watches_every_attribute(self) -> bool:
        """Whether some trigger sees changes of any attribute, whatever its name."""
        return any(one.type == "attribute_change" and one.name is None for one in self.matchers)

    def matchers_of(self, fact_type: str, name: str) -> tuple[int, ...]:
        """The matchers that facts of this type and name may satisfy."""
        return tuple(
            index
            for index, one in enumerate(self.matchers)
            if one.type == fact_type and one.name in (None, name)
        )
