"""Facts, answers, steps and messages as sentences for people."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from transforms.engine.recorder import Answer, Look
from transforms.engine.state import Cap
from transforms.timing.durations import instant_at, spoken

Row = Mapping[str, Any]
MOST = 5
"""How many of a list of instants are written out."""

REFUSED = {
    "running": "it was running already",
    "same_instant": "it was entered at this very instant already",
    "reentry_once": "it was entered before, and its re-entry policy is once",
    "reentry_after": "its last entry was too short a time ago for its re-entry policy",
}
"""Reason of a refused entry → the sentence."""
_HELD_BACK = {
    "suppressed:consent": "not sent: the customer's consent says no",
    "suppressed:frequency_cap": "not sent: a frequency cap was full",
    "suppressed:send_window": "not sent: its send times never allow it",
    "failed:out_of_range": "failed: it would go on after the end of the calendar",
}


def instant(at: datetime | int) -> str:
    """An instant (µs since 1970 or aware), UTC: `2026-01-31 09:00:00Z`."""
    known = instant_at(at) if isinstance(at, int) else at.astimezone(UTC)
    return f"{known:%Y-%m-%d %H:%M:%S}{f'.{known.microsecond:06}' if known.microsecond else ''}Z"


def a_fact(kind: str, name: str | None, event_id: str | None) -> str:
    """A fact: `behavioral buy, event e1`."""
    named = f"{kind} {name}" if name else kind
    return named if event_id is None else f"{named}, event {event_id}"


def a_look(look: Look) -> str:
    """A value that was seen: `plan was "free", set 2026-01-31 09:00:00Z`."""
    value = "missing" if look.value is None else look.value
    return f"{look.name} was {value}" + (f", set {instant(look.set_at)}" if look.set_at is not None else "")


def an_answer(answer: Answer) -> str:
    """A condition and what it saw: `holds: plan equals "pro" (plan was "pro")`."""
    saw = "; ".join(map(a_look, answer.looks))
    return f"{'holds' if answer.holds else 'fails'}: {answer.said}" + (f" ({saw})" if saw else "")


def a_choice(ways: Sequence[tuple[str, Sequence[Answer]]], taken: str) -> list[str]:
    """Why a branch, or the path of a decision, was taken: each way asked until then, with its conditions."""
    names = [name for name, _ in ways]
    asked = ways[: names.index(taken) + 1] if taken in names else ways
    return [
        f"{name} {one}"
        for name, answers in asked
        for one in (map(an_answer, answers) if answers else ["holds: it has no conditions"])
    ]


def a_draw(drawn: float, share: float) -> str:
    """The draw of a holdout: `holdout: drew 0.731, not below 0.1`."""
    return f"holdout: drew {drawn:.4f}, {'below' if drawn < share else 'not below'} {share:g}"


def held_back(outcome: str, why: Sequence[Look | Cap], until: datetime | None) -> str:
    """Why a send didn't happen, or not yet: which gate, what it saw, until when."""
    if outcome.startswith("deferred:"):
        gate = outcome.removeprefix("deferred:").replace("_", " ")
        return f"put off by its {gate}" + (f" until {instant(until)}" if until else "")
    kind = Look if outcome == "suppressed:consent" else Cap
    saw = "; ".join(_held_by(one) for one in why if isinstance(one, kind))
    return _HELD_BACK[outcome] + (f" ({saw})" if saw else "")


def is_held_back(outcome: str) -> bool:
    """Whether it is the outcome of a send that a gate refused or put off, or a failure."""
    return outcome in _HELD_BACK or outcome.startswith("deferred:")


def a_message(row: Row) -> str:
    """What became of a message: its status, when, subject and reason."""
    said = f"message {row['message_id']}: {row['status']}"
    if row["sent_at"]:
        said += f" {instant(row['sent_at'])}"
    if row["status_reason"]:
        said += f", {row['status_reason']}"
    return said + (f", subject “{row['subject']}”" if row["subject"] else "")


def a_request(row: Row) -> str:
    """What became of a webhook request."""
    reason = f", {row['status_reason']}" if row["status_reason"] else ""
    return f"request {row['webhook_id']} to {row['url']}: {row['status']}{reason}"


def some_events(name: str, events: Sequence[Row], window: timedelta | None) -> str:
    """Events that made something true: `buy: 2 events in 30d (2026-01-01 00:00:00Z, …)`."""
    within = f" in {spoken(window)}" if window is not None else ""
    last = ", ".join(instant(one["ts"]) for one in events[-MOST:])
    more = "…, " if len(events) > MOST else ""
    many = f"{len(events):,} event" + ("" if len(events) == 1 else "s")
    return f"{name}: {many}{within}" + (f" ({more}{last})" if events else "")


def _held_by(why: Look | Cap) -> str:
    if isinstance(why, Look):
        return a_look(why)
    of = " ".join(filter(None, (why.channel, why.message_class)))
    noun = "message" if why.messages == 1 else "messages"
    return f"{why.messages} {f'{of} ' if of else ''}{noun} in {spoken(why.window)}"
