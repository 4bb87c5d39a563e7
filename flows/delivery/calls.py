"""A request to a provider as a value, and what can come of it.

One of three: a `Reply`; `NotTaken`, where the other side surely has nothing; `NoAnswer`, where it may.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from transforms.delivery.retries import Verdict, verdict


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: of HTTP.
        headers: their names in lower case.
        body: at most 8 MiB.
        whole: whether the body came to its end.
        in_doubt: whether an earlier attempt may have been taken, so that a *no* to this one isn't a *no* to all.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True
    in_doubt: bool = False


@dataclass(frozen=True)
class NotTaken:
    """The other side surely has nothing of it."""

    detail: str
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class NoAnswer:
    """The other side may have it."""

    detail: str


Outcome = Reply | NotTaken | NoAnswer


@dataclass(frozen=True)
class Call:
    """A request to make.

    Attributes:
        method: of HTTP.
        path: below the base address.
        content_type: of the body, if it has one.
        body: its bytes.
        headers: its own headers, without those of every request.
        repeatable: whether making it twice does nothing twice.
        judge: what an answer to it says.
    """

    method: str
    path: str
    content_type: str | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    judge: Callable[[Reply], Verdict] = lambda reply: verdict(reply.status)


def words(reply: Reply) -> str:
    """What an answer says, in its own words."""
    found = json_of(reply)
    for name in ("message", "Message", "errors", "error", "detail"):
        found = found.get(name, found) if isinstance(found, dict) else found
        found = found[0] if isinstance(found, list) and found else found
    text = found if isinstance(found, str) else reply.body[:2000].decode("utf-8", "replace")
    return text or "no words"


def json_of(reply: Reply) -> Any:
    """An answer's JSON; None if it is none, or broke off."""
    try:
        return json.loads(reply.body) if reply.whole else None
    except (ValueError, RecursionError):
        return None
