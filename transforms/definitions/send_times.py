"""When messages may be sent: quiet hours and send windows (semantics.md §11)."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import InitErrorDetails

from transforms.definitions.base import Definition, fault, refusal
from transforms.definitions.clocks import TimeOfDay, ZoneOf, parse_time
from transforms.timing.zones import CUSTOMER

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class QuietHours(Definition):
    """No sends in `[start, end)` of the local wall clock; over midnight if `end` isn't after `start`."""

    start: TimeOfDay = Field(description="From when on nothing is sent.")
    end: TimeOfDay = Field(
        description="From when on things are sent again; before `start`, it is on the next day."
    )
    timezone: ZoneOf = Field(default=CUSTOMER, description="Whose clock: a zone's name, or `customer`.")

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """They end, and at another time than they begin."""
        try:
            same = parse_time(given.get("start")) == parse_time(given.get("end"))
        except ValueError:
            return
        if same:
            yield fault(("end",), "quiet hours end when they start; allowed: two different times")


def _in_week_order(days: tuple[Day, ...]) -> tuple[Day, ...]:
    if not days:
        raise refusal(f"given an empty list; allowed: some of {', '.join(WEEK)}")
    return tuple(day for day in WEEK if day in days)


class SendWindow(Definition):
    """Sends only in `[start, end)` of the local wall clock on `days`.

    Over midnight, when `end` isn't after `start`, it belongs to the day it starts on.
    """

    start: TimeOfDay = Field(description="From when on things are sent.")
    end: TimeOfDay = Field(
        description="From when on nothing is sent any more; before `start`, it is on the next day."
    )
    days: Annotated[tuple[Day, ...], AfterValidator(_in_week_order)] = Field(
        default=WEEK, description="On which days."
    )
    timezone: ZoneOf = Field(default=CUSTOMER, description="Whose clock: a zone's name, or `customer`.")
