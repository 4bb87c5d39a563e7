"""Where workflows draw by lot, within their steps: random splits, and variants of a message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from transforms.definitions.actions import SendEmail
from transforms.definitions.branching import RandomSplit
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import Action, Workflow

Kind: TypeAlias = Literal["holdout", "split", "variants"]
HOLDOUT: Kind = "holdout"
SPLIT: Kind = "split"
VARIANTS: Kind = "variants"


@dataclass(frozen=True)
class Draw:
    """One place of a workflow at which customers are drawn into arms, in all versions that have it.

    Attributes:
        kind: a split or variants.
        branch: of the step.
        step: its name (semantics.md §9).
        arms: their names, in the order of the file.
        shares: version → of each arm the part of customers that it is to have; they sum to 1.
    """

    kind: Kind
    branch: str
    step: str
    arms: tuple[str, ...]
    shares: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def has_changed(self) -> bool:
        """Whether versions give arms different shares."""
        return len(set(self.shares.values())) > 1


def draws_of(versions: Mapping[str, Workflow]) -> list[Draw]:
    """Every draw of a workflow, those of the newest version first.

    A step of several versions is one draw as long as it has the same arms; other arms make it another.

    Args:
        versions: version → the workflow, the oldest first.
    """
    found: dict[tuple[Kind, str, str, frozenset[str]], Draw] = {}
    for version, workflow in reversed(list(versions.items())):
        for branch, step, action in named_steps(workflow):
            if not (drawn := _weights(action)):
                continue
            kind, weights = drawn
            key = (kind, branch, step, frozenset(weights))
            one = found.setdefault(key, Draw(kind, branch, step, tuple(weights)))
            whole = sum(weights.values())
            one.shares[version] = tuple(weights[arm] / whole for arm in one.arms)
    return list(found.values())


def _weights(action: Action) -> tuple[Kind, dict[str, float]] | None:
    """The kind of draw that an action makes, and the weights of its arms; None: it makes none."""
    if isinstance(action, RandomSplit) and len(action.config.weights) > 1:
        return SPLIT, action.config.weights
    if isinstance(action, SendEmail) and len(action.config.variants) > 1:
        return VARIANTS, {one.name: one.weight for one in action.config.variants}
    return None
