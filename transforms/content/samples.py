"""Templates rendered for sample customers: what can never be rendered, and values to look at a message with."""

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import UndefinedError, nodes

from transforms.content.anything import Anything
from transforms.content.errors import ContentError, SourceError
from transforms.content.links import refused_link
from transforms.content.names import UsedNames, bare_names
from transforms.content.templates import CompiledContent, parts_of, render_named
from transforms.content.values import RESERVED, Named, Values

_NOBODY = Values({}, {}, {})
_LIKELY = {
    "first_name": "Anna", "last_name": "Berg", "name": "Anna Berg", "email": "anna@example.com", "city": "Vienna",
    "location": "Vienna", "country": "Austria", "currency": "EUR", "company": "Berg & Co", "language": "en",
    "customer_id": "sample-customer", "timezone": "UTC", "created_at": "2026-01-15T09:30:00Z", "coupon": "WELCOME10",
}  # fmt: skip
_MONEY = ("price", "value", "total", "amount", "revenue")
_COUNTS = ("count", "quantity", "number", "purchases", "points", "score", "days")
_TIMES = ("date", "_at", "time", "birthday", "until")
_FOR_FILTERS = {
    **dict.fromkeys(("date", "time"), "2026-03-01T12:00:00Z"),
    **dict.fromkeys(("money", "number", "percent"), 49.9), "plural": 3,
    "url": "https://example.com/page",
}  # fmt: skip
_LISTS = ("products", "items", "tags", "orders")


def sample_faults(compiled: CompiledContent) -> list[ContentError]:
    """What can never be rendered, found by rendering for sample customers; at most one fault of each.

    Their values are whatever the template makes of them, a number here and a list there; once all conditions hold and
    loops run, once none does. So what fails fails by itself: `'a' * 3`, a pattern of a date that is too long.
    """
    found = {str(fault): fault for holds in (True, False) for fault in _faults(compiled, holds)}
    return list(found.values())


def sample_values(names: UsedNames, filtered: Mapping[str, str] | None = None) -> Values:
    """A customer to look at a message with, who has something likely for every name that the message uses.

    Args:
        names: what the message uses.
        filtered: of `filters_by_name`, so that a name that is written as a date is one.
    """

    def likely(name: str) -> Any:
        return _FOR_FILTERS.get((filtered or {}).get(name, ""), _likely_for(name))

    profile = {name: likely(name) for name in names.attributes or _LIKELY}
    return Values(
        attributes={**_LIKELY, **profile},
        event={name: likely(name) for name in names.event or ()},
        customer={name: _LIKELY[name] for name in ("customer_id", "email", "timezone", "created_at")},
        execution={name: likely(name) for name in names.execution or ()},
        message={
            f"{one}_url": f"https://example.com/{one}" for one in ("unsubscribe", "preferences", "view")
        },
        blocks={name: f"[the text of {name}]" for name in names.blocks or ()},
        items=[
            {"name": f"Product {n}", "price": 10 * n, "url": f"https://example.com/{n}"} for n in (1, 2, 3)
        ],
    )


def filters_by_name(compiled: CompiledContent) -> dict[str, str]:
    """The last part of a name, `when` of `event.when`, → the filter that writes it."""
    trees = [tree for part in parts_of(compiled) for tree in part.trees.values()]
    found = [one for tree in trees for one in tree.find_all(nodes.Filter) if one.name in _FOR_FILTERS]
    return {name: one.name for one in found if (name := _last_name(one.node))}


def _last_name(node: nodes.Node | None) -> str | None:
    while isinstance(node, nodes.Filter):
        node = node.node
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.name if isinstance(node, nodes.Name) else None


class _Whatever(Mapping[str, Any]):
    """A mapping with a stand-in under every key, and no key to go through."""

    def __init__(self, stand_in: Anything) -> None:
        self.stand_in = stand_in

    def __getitem__(self, key: str) -> Any:
        return self.stand_in

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _faults(compiled: CompiledContent, holds: bool) -> Iterator[ContentError]:
    stand_in = Anything(holds)
    trees: list[nodes.Template] = [tree for part in parts_of(compiled) for tree in part.trees.values()]
    named: dict[str, Any] = dict.fromkeys(bare_names(trees), stand_in)
    named |= {name: Named(name, _Whatever(stand_in)) for name in RESERVED} | {"items": stand_in}
    try:
        rendered = render_named(compiled, named, _NOBODY)
    except ContentError as error:
        if not isinstance(error.__cause__, UndefinedError):
            yield error
        return
    if compiled.html and (link := refused_link(rendered.html or "")):
        yield SourceError(
            compiled.html.name, 1, f"the link {link[:60]!r} could run code; allowed: https, mailto, tel"
        )


def _likely_for(name: str) -> Any:
    lowered = name.lower()
    if lowered in _LIKELY:
        return _LIKELY[lowered]
    if lowered.endswith("url") or "link" in lowered:
        return f"https://example.com/{lowered}"
    if any(word in lowered for word in _LISTS):
        return [f"Sample {name} {n}" for n in (1, 2, 3)]
    if any(word in lowered for word in _MONEY):
        return 49.9
    if any(word in lowered for word in _COUNTS):
        return 3
    return "2026-03-01T12:00:00Z" if any(word in lowered for word in _TIMES) else f"[{name}]"
