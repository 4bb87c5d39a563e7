"""semantics.md §4, "Customers from events": which events make a customer known, and since when traits say so."""

from datetime import datetime

from tests.oracle.instants import BLANKS, instant
from tests.semantics.cases import Row

COLUMNS = ("email", "timezone")
"""What customer files have columns for, and is an attribute like others."""


def introduces(event: Row) -> bool:
    """Whether an event makes an unknown customer known: Segment's `identify`, or an e-mail address."""
    email = (event["attributes"] or {}).get("email")
    called = event["type"] == "behavioral" and event["name"] == "identify"
    return called or (isinstance(email, str) and email.strip(BLANKS) != "")


def customer_since(event: Row, now: datetime) -> datetime:
    """The earlier of now and what its traits say."""
    traits = event["attributes"] or {}
    said = [instant(traits.get(name)) for name in ("createdAt", "created_at")]
    return min([now, *(one for one in said if one is not None)])
