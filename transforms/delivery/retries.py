"""When something is sent again: what an answer means, how long to wait, when to stop."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

Verdict = Literal["taken", "refused", "passing", "unclear", "stop"]
"""What an answer says. `taken`: the other side has it. `refused`: it never will. `passing`: not now, and surely not
taken. `unclear`: it may have been taken. `stop`: nothing goes through until somebody changes settings or account."""

_PASSING = frozenset((408, 425, 429, 503))
_STOP = frozenset((401, 402, 403, 404, 405, 407))
_LONGEST_WISH = timedelta(days=7)


@dataclass(frozen=True)
class RetryPolicy:
    """How often something is tried within a run.

    Attributes:
        attempts: the most attempts at one request.
        first: the bound of the first wait, in seconds; it doubles from wait to wait, and each wait is a random part of
            it (full jitter), so that many who failed together don't come back together.
        longest: the most that the bound grows to, in seconds.
        patience: how long one request is waited for in all, in seconds; then it is left to a later run.
        in_a_row: after so many requests in a row that came to nothing, the others aren't tried.
        rest: how long they aren't, in seconds.
    """

    attempts: int = 8
    first: float = 1.0
    longest: float = 300.0
    patience: float = 60.0
    in_a_row: int = 5
    rest: float = 60.0


POLICY = RetryPolicy()
"""What holds where nothing else is said."""


def verdict(status: int, taken: Collection[int] = range(200, 300)) -> Verdict:
    """What an HTTP status says of a request that hands something over (RFC 9110 §15, RFC 6585 §4, RFC 8470).

    A redirect isn't followed: the setting of the address is wrong. A 503 says that the server couldn't handle the
    request at that time; any other 5xx may have come after the request was taken.
    """
    if status in taken:
        return "taken"
    if status in _PASSING:
        return "passing"
    if status in _STOP or 300 <= status < 400:
        return "stop"
    return "refused" if 400 <= status < 500 else "unclear"


def retry_after(given: str | None, now: datetime) -> timedelta | None:
    """How long the other side wants to be left alone (RFC 9110 §10.2.3): seconds, or a date; None: it doesn't say.

    Args:
        given: the value of the header `Retry-After`.
        now: the time, UTC.
    """
    text = (given or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), _LONGEST_WISH.total_seconds()))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta()), _LONGEST_WISH)
