"""When schedules fire and sends are allowed, on literal instants (semantics.md §§7, 11)."""

from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest

from transforms.columns.arrays import NEVER
from transforms.definitions.schedules import Schedule
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.program.schedules import cron_instants, date_instants
from transforms.program.send_times import SendTime, next_allowed, quiet_hours, send_window
from transforms.timing.durations import EPOCH, epoch_us
from transforms.timing.zones import zone_of


def us(text: str) -> int:
    """`2026-03-29 01:30`, UTC."""
    return epoch_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def text_of(micros: int) -> str | None:
    return None if micros == NEVER else f"{EPOCH + timedelta(microseconds=micros):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("cron", "zone", "expected"),
    [
        ("0 9 * * *", "UTC", ["2026-03-28 09:00", "2026-03-29 09:00"]),
        ("0 9 * * *", "Europe/Berlin", ["2026-03-28 08:00", "2026-03-29 07:00"]),
        ("30 2 * * *", "Europe/Berlin", ["2026-03-28 01:30", "2026-03-29 01:00"]),
        ("0 0 1 * *", "UTC", []),
    ],
)
def test_a_cron_fires_by_the_wall_clock(cron: str, zone: str, expected: list[str]) -> None:
    """On 2026-03-29 Berlin's clocks go from 02:00 to 03:00: what is skipped is the first instant after."""
    found = cron_instants(cron, zone, us("2026-03-27 23:00"), us("2026-03-29 23:00"))
    assert [text_of(one) for one in found.tolist()] == expected


def test_the_span_of_a_cron_leaves_out_its_start() -> None:
    nine = us("2026-03-28 09:00")
    assert cron_instants("0 9 * * *", "UTC", nine, nine + 1).tolist() == []
    assert cron_instants("0 9 * * *", "UTC", nine - 1, nine).tolist() == [nine]


@pytest.mark.parametrize(
    ("offset", "at", "is_wall", "expected"),
    [
        (timedelta(0), None, False, "2026-03-29 00:00"),
        (timedelta(0), None, True, "2026-03-28 23:00"),
        (timedelta(days=-3), None, True, "2026-03-25 23:00"),
        (timedelta(0), time(9), True, "2026-03-29 07:00"),
        (timedelta(days=-1), time(9), False, "2026-03-28 08:00"),
    ],
)
def test_a_date_fires_at_its_offset_and_time_of_day(
    offset: timedelta, at: time | None, is_wall: bool, expected: str
) -> None:
    schedule = Schedule(None, "renews", offset, at, None)
    values = np.array([us("2026-03-29 00:00"), NEVER])
    found = date_instants(schedule, values, np.array([is_wall, is_wall]), zone_of("Europe/Berlin"))
    assert [text_of(one) for one in found.tolist()] == [expected, None]


NIGHT = quiet_hours(QuietHours(start=time(21), end=time(8)))
OFFICE = send_window(SendWindow(start=time(9), end=time(17), days=("mon", "tue")))
BLINK = send_window(SendWindow(start=time(23), end=time(1), days=("fri",)))


@pytest.mark.parametrize(
    ("times", "asked", "expected"),
    [
        ([NIGHT], "2026-03-02 20:59", "2026-03-02 20:59"),
        ([NIGHT], "2026-03-02 21:00", "2026-03-03 08:00"),
        ([NIGHT], "2026-03-03 07:59", "2026-03-03 08:00"),
        ([OFFICE], "2026-03-03 17:00", "2026-03-09 09:00"),
        ([NIGHT, OFFICE], "2026-03-01 22:00", "2026-03-02 09:00"),
        ([BLINK], "2026-03-07 00:30", "2026-03-07 00:30"),
        ([NIGHT, BLINK], "2026-03-02 12:00", None),
    ],
)
def test_a_send_waits_until_all_send_times_allow_it(
    times: list[SendTime], asked: str, expected: str | None
) -> None:
    found = next_allowed([(one, zone_of("UTC")) for one in times], np.array([us(asked)]))
    assert text_of(found.item()) == expected
