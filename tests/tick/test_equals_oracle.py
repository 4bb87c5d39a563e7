"""The run path equals the oracle: files in an inbox, tick after tick, some events late and some ahead."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from flows.tick.rebuild import rebuild
from tests.engine.compare import assert_same
from tests.engine.strategies import ticked_cases
from tests.oracle.interpreter import decide_ticks
from tests.oracle.introductions import COLUMNS
from tests.runs import FORMATS, Format, House, house
from tests.semantics.cases import Case, Result, Row, show

Ticks = list[tuple[datetime, list[Row]]]
limits = st.sampled_from([timedelta(hours=hours) for hours in (3, 6, 12, 24)])
formats = st.lists(st.sampled_from(FORMATS), min_size=3, max_size=3)


def run_ticks(
    root: Path, case: Case, ticks: Ticks, kinds: Sequence[Format], rebuilt: bool, **bounds: timedelta
) -> Result:
    """The case by `onward run`; if `rebuilt`, the state is then made again, and the last run repeated."""
    home = ticked_house(root, case, ticks, kinds, **bounds)
    if rebuilt:
        rebuild(home.settings)
        home.tick(case.end)
    return home.result()


def ticked_house(root: Path, case: Case, ticks: Ticks, kinds: Sequence[Format], **bounds: timedelta) -> House:
    """A house where the case was run: its customers delivered before the first tick, each tick's events before it."""
    clocks = {"timezone": case.timezone, "quiet_hours": case.quiet_hours, "send_window": case.send_window}
    home = house(root, *case.workflows, frequency_caps=list(map(_cap, case.caps)), **clocks, **bounds)
    home.patterns(case.patterns)
    home.customers("people", *case.customers, format=kinds[0])
    for number, (now, events) in enumerate(ticks):
        _deliver(home, f"{number:03d}", events, kinds)
        home.tick(now)
    return home


def _cap(cap: tuple[Any, ...]) -> Row:
    names = ("messages", "window", "channel", "message_class")
    return {**dict(zip(names, cap, strict=False)), "window": cap[1].total_seconds()}


def with_columns(customer: Row) -> Row:
    """What a store shows in columns is in columns, not among the attributes."""
    told = {name: customer["attributes"].get(name) for name in COLUMNS}
    others = {name: value for name, value in customer["attributes"].items() if name not in COLUMNS}
    return {**customer, "attributes": others, **{name: one for name, one in told.items() if one is not None}}


def _deliver(home: House, name: str, events: list[Row], kinds: Sequence[Format]) -> None:
    """In one file, or in two of different formats."""
    half = len(events) // 2 if len(events) % 3 == 0 else len(events)
    for part, rows in enumerate((events[:half], events[half:])):
        if rows:
            home.events(f"{name}-{part}", *rows, format=kinds[1 + part])


def check(drawn: tuple[Case, Ticks], kinds: Sequence[Format], rebuilt: bool, **bounds: timedelta) -> Result:
    """Decide it both ways and compare; what the oracle says."""
    customers = [with_columns(one) for one in drawn[0].customers]
    case, ticks = replace(drawn[0], start=None, customers=customers), drawn[1]
    expected = decide_ticks(case, ticks, **bounds)
    with TemporaryDirectory() as folder:
        found = run_ticks(Path(folder), case, ticks, kinds, rebuilt, **bounds)
    loads = [(f"{now:%d %H:%M}", [event["event_id"] for event in events]) for now, events in ticks]
    try:
        assert_same(expected, found, ("oracle", "run"))
    except AssertionError as error:
        error.add_note(f"ticks and what they load: {loads}\n{bounds}, rebuilt: {rebuilt}\n{show(case)}")
        raise
    return expected


@settings(max_examples=max(2, settings().max_examples // 12))
@given(ticked_cases(), formats, st.booleans(), limits, limits)
def test_runs_decide_what_the_oracle_does(
    drawn: tuple[Case, Ticks], kinds: list[Format], rebuilt: bool, late: timedelta, ahead: timedelta
) -> None:
    check(drawn, kinds, rebuilt, max_lateness=late, max_future=ahead)


@pytest.mark.slow
@pytest.mark.parametrize("part", [1, 2])
def test_many_more_runs_decide_what_the_oracle_does(part: int) -> None:
    """All kinds of lateness occur among them."""
    seen: Counter[str] = Counter()

    @seed(part)
    @settings(max_examples=150)
    @given(ticked_cases(), formats, st.booleans(), limits, limits)
    def search(
        drawn: tuple[Case, Ticks], kinds: list[Format], rebuilt: bool, late: timedelta, ahead: timedelta
    ) -> None:
        seen.update(check(drawn, kinds, rebuilt, max_lateness=late, max_future=ahead).counts)

    search()
    assert [reason for reason in ("late", "too_late", "future", "unknown_customer") if not seen[reason]] == []
