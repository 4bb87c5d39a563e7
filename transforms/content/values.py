"""What a message may say: the values of one render, by the names that templates have for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RESERVED = ("customer", "event", "execution", "message", "blocks", "items")
"""Names that no attribute takes: such an attribute is `customer.items`."""


@dataclass(frozen=True)
class Values:
    """What one message may say; null and blank text are as good as absent.

    Attributes:
        attributes: the profile; each is a placeholder of its own and one of `customer`.
        event: properties of the fact that started the execution, as `event.X`.
        customer: `customer_id`, `email`, `timezone`, `created_at`, which win over attributes of these names.
        execution: of the execution, as `execution.X`: `workflow_id`, `execution_id`, `entered_at`, `branch`.
        message: the links that there are, as `message.unsubscribe_url`, `….preferences_url`, `….view_url`.
        blocks: texts that personalization rules chose, as `blocks.X`.
        items: what is recommended, as `items`.
        locale: the customer's, such as `de_AT`.
        timezone: the customer's zone, such as `Europe/Vienna`.
    """

    attributes: Mapping[str, Any]
    event: Mapping[str, Any]
    customer: Mapping[str, Any]
    execution: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, str] = field(default_factory=dict)
    items: Sequence[Any] = ()
    locale: str = "en"
    timezone: str = "UTC"


class Named:
    """Values under a name, so that a missing one is recorded as `event.X`."""

    __slots__ = ("name", "values")

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self.name = name
        self.values = values


def named_values(values: Values) -> dict[str, Any]:
    """The names of a template's values."""
    known = {name: value for name, value in values.customer.items() if value is not None}
    profile = {**values.attributes, **known}
    return {
        **profile,
        "customer": Named("customer", profile),
        "event": Named("event", values.event),
        "execution": Named("execution", values.execution),
        "message": Named("message", values.message),
        "blocks": Named("blocks", values.blocks),
        "items": values.items,
    }


def says_nothing(value: object) -> bool:
    """Whether a value is as good as absent: null, or text without a character to see in its first thousand."""
    return value is None or (isinstance(value, str) and not value[:1000].strip())
