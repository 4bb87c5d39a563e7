"""`{from: event.order_id}` where a value may stand: that of the fact that started the execution (semantics.md §6)."""

from typing import Any

_PREFIX = "event."
_RESERVED = ("event.", "events.", "pattern.", "execution.")


def is_reserved(attribute: str) -> bool:
    """Whether a condition on this name never looks at an attribute that steps could set."""
    return attribute in ("tags", "customer_id", "created_at") or attribute.startswith(_RESERVED)


def is_reference(value: object) -> bool:
    """Whether a value means to refer to something: a mapping whose only key is `from`."""
    return isinstance(value, dict) and [*value] == ["from"]


def reference_fault(value: Any) -> str | None:
    """What is wrong with a reference; None: nothing."""
    name = value["from"]
    if isinstance(name, str) and name.startswith(_PREFIX) and name != _PREFIX:
        return None
    return f"given from: {name!r}; allowed: a property of the event that started the execution, such as event.order_id"


def referred_property(value: Any) -> str | None:
    """The property that a valid value refers to; None for plain values."""
    return str(value["from"]).removeprefix(_PREFIX) if is_reference(value) else None
