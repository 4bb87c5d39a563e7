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
    return _words(json_of(reply)) or reply.body[:2000].decode("utf-8", "replace") or "no words"


def _words(found: Any) -> str | None:
    """The words in an error's JSON: a text, or that of its first error, or its message."""
    if isinstance(found, list) and found:
        return _words(found[0])
    if isinstance(found, dict):
        said = (_words(found.get(name)) for name in ("errors", "error", "message", "Message", "detail"))
        return next(filter(None, said), None)
    return found if isinstance(found, str) else None


def json_of(reply: Reply) -> Any:
    """An answer's JSON; None if it is none, or broke off."""
    try:
        return json.loads(reply.body) if reply.whole else None
    except (ValueError, RecursionError):
        return None
