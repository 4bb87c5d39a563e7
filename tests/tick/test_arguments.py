"""Arguments as people type them: what is read, and what is refused with what is allowed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from flows.arguments import parse_cap, parse_instant, parse_length, parse_size
from flows.errors import InputError
from transforms.engine.state import Cap

WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("read", "given", "found"),
    [
        (parse_instant, "2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (parse_instant, "2026-01-31T09:00:00+01:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        (parse_length, "7d", WEEK),
        (parse_length, "90.5", timedelta(seconds=90.5)),
        (parse_size, "4GB", 4 * 10**9),
        (parse_size, "1 KiB", 1024),
        (parse_cap, "3/7d", Cap(3, WEEK)),
        (parse_cap, " 0 /1w", Cap(0, WEEK)),
    ],
)
def test_what_is_read(read: Callable[[str, str], object], given: str, found: object) -> None:
    assert read("--option", given) == found


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (parse_instant, "tomorrow"),
        (parse_length, "often"),
        (parse_length, "0"),
        (parse_size, "much"),
        (parse_size, "0GB"),
        (parse_cap, "three"),
        (parse_cap, "3/"),
        (parse_cap, "-1/7d"),
    ],
)
def test_what_is_refused(read: Callable[[str, str], object], given: str) -> None:
    with pytest.raises(InputError, match="--option"):
        read("--option", given)
