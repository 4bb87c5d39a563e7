"""Which values templates can read, told without rendering them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from transforms.content.values import RESERVED


@dataclass(frozen=True)
class UsedNames:
    """What of a customer and an event a message can say; None stands for anything.

    Attributes:
        attributes: names of the profile, `customer_id`, `email` and the like among them.
        event: properties of the event that started the execution.
        execution: what of the execution.
        message: the links of the message.
        blocks: the texts of personalization rules.
        items: whether recommendations.
    """

    attributes: frozenset[str] | None
    event: frozenset[str] | None
    execution: frozenset[str] | None
    message: frozenset[str] | None
    blocks: frozenset[str] | None
    items: bool


def names_in(trees: Iterable[nodes.Template]) -> UsedNames:
    """What some templates can read together."""
    found = list(trees)
    bare, of = bare_names(found), _members(found)
    profile = of["customer"]
    attributes = None if profile is None else frozenset(bare - set(RESERVED)) | profile
    return UsedNames(attributes, of["event"], of["execution"], of["message"], of["blocks"], "items" in bare)


def bare_names(trees: Iterable[nodes.Template]) -> set[str]:
    """The names that some templates read, and don't set themselves."""
    return set().union(*map(find_undeclared_variables, trees))


def _members(trees: Iterable[nodes.Template]) -> dict[str, frozenset[str] | None]:
    """Of each reserved name those that stand behind `name.`; None where it stands alone, and so may be gone through."""
    alone = Counter[str]()
    members: dict[str, set[str]] = {name: set() for name in RESERVED}
    for tree in trees:
        for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
            match node:
                case nodes.Name(name=name, ctx="load"):
                    alone[name] += 1
                case nodes.Getattr(node=nodes.Name(name=name), attr=member) if name in members:
                    alone[name] -= 1
                    members[name].add(member)
                case nodes.Getitem(node=nodes.Name(name=name), arg=nodes.Const(value=str(member))) if (
                    name in members
                ):
                    alone[name] -= 1
                    members[name].add(member)
    return {name: None if alone[name] > 0 else frozenset(found) for name, found in members.items()}
