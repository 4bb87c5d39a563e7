"""The kinds of things that are handed over."""

from dataclasses import dataclass
from typing import Final

EVERYTHING: Final = "*"
"""What is held if nothing shall go out."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing that is handed over.

    Attributes:
        name: what the ledger calls it.
        table: the store's table of what was decided, with a `status` that is first `pending`.
        key: the column of its ids there.
        query: the file of `sql/` that reads what is due, `$most` rows at most.
        suppressible: whether a customer's suppression holds it back (semantics.md §11).
    """

    name: str
    table: str
    key: str
    query: str
    suppressible: bool = True


MESSAGES = Kind("message", table="messages", key="message_id", query="delivery/messages.sql")
WEBHOOKS = Kind(
    "webhook", table="webhooks", key="webhook_id", query="delivery/webhooks.sql", suppressible=False
)
REPORTS = Kind("report", table="", key="message_id", query="", suppressible=False)
"""Mails to those who run the store: decided by no tick and in no table, they are made when they go out."""
