"""Which values templates can read, told without rendering them."""

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
    bare = bare_names(found)
    of = {name: _members(found, name) for name in RESERVED}
    profile = of["customer"]
    attributes = None if profile is None else frozenset(bare - set(RESERVED)) | profile
    return UsedNames(attributes, of["event"], of["execution"], of["message"], of["blocks"], "items" in bare)


def bare_names(trees: Iterable[nodes.Template]) -> set[str]:
    """The names that some templates read, and don't set themselves."""
    return set().union(*map(find_undeclared_variables, trees))


def _members(trees: Iterable[nodes.Template], name: str) -> frozenset[str] | None:
    """The names that stand behind `name.`; None where it stands alone, and so may be gone through."""
    members: set[str] = set()
    for tree in trees:
        uses = sum(one.name == name and one.ctx == "load" for one in tree.find_all(nodes.Name))
        read = [_member(node, name) for node in tree.find_all((nodes.Getattr, nodes.Getitem))]
        behind = [one for one in read if one is not None]
        if len(behind) < uses:
            return None
        members.update(behind)
    return frozenset(members)


def _member(node: nodes.Expr, name: str) -> str | None:
    """What stands behind `name` in `name.x` or `name["x"]`."""
    match node:
        case nodes.Getattr(node=nodes.Name(name=found), attr=attribute) if found == name:
            return attribute
        case nodes.Getitem(node=nodes.Name(name=found), arg=nodes.Const(value=str(key))) if found == name:
            return key
    return None
