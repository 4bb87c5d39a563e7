"""Patterns, signals and schedules over a store: what a tick keeps of windows, and what it makes of history."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import flows.decide.pending
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import Row, at, condition, event, tag, wait, workflow

KEEN: Row = {"keen": {"pattern": "sequence", "events": [{"type": "view", "timeWindow": "1h", "minCount": 2}]}}
CALM: Row = {"calm": {"pattern": "sequence", "events": [{"type": "view", "timeWindow": "1h", "maxCount": 0}]}}
LOYAL: Row = {
    "loyal": {
        "pattern": "cumulative",
        "events": [{"type": "buy", "metric": "total_value", "threshold": 100}],
    }
}
STEPS: Row = {"steps": {"pattern": "ordered", "events": [{"type": "view"}, {"type": "buy", "within": "1h"}]}}

WAS: Row = {
    "was": {
        "pattern": "sequence",
        "events": [{"type": "view", "timeWindow": "1h", "offset": "30m", "minCount": 2}],
    }
}


def on_pattern(name: str, *actions: Row, **more: Any) -> Row:
    return workflow(*actions, triggers=[{"type": "pattern", "config": {"pattern": name}}], **more)


def entered(home: House) -> list[tuple[str, datetime]]:
    return home.rows("select customer_id, entered_at from executions order by all")


def amounts(home: House) -> list[tuple[str, str, int]]:
    unnested = "select customer_id, unnest(keys) as number, unnest(amounts) as amount from window_amounts"
    tracked = "join watched_keys using (number) where tracked"
    return home.rows(f"select customer_id, key, amount from ({unnested}) {tracked} order by all")


def test_a_decline_fires_between_ticks_without_a_new_event(tmp_path: Path) -> None:
    home = house(tmp_path, on_pattern("calm", tag("calm")))
    home.patterns(CALM)
    home.customers("people", person("ann"))
    home.events("1", event("view", at(5)))
    home.tick(at(10))
    assert entered(home) == []
    home.tick(at(200))
    assert entered(home) == [("ann", at(65))]
    assert home.rows("select trigger_type, trigger_name from executions") == [("pattern", "calm")]


def test_a_new_pattern_knows_history_and_fires_only_for_what_comes(tmp_path: Path) -> None:
    always, later = (house(tmp_path / name, on_pattern("loyal", tag("t"))) for name in ("always", "later"))
    always.patterns(LOYAL)
    later.define(workflow(tag("t")))
    for home in (always, later):
        home.customers("people", person("ann"), person("bob"))
        home.events("1", buy("ann", 5, 70), buy("bob", 6, 120))
        home.tick(at(10))
    later.define(on_pattern("loyal", tag("t")))
    later.patterns(LOYAL)
    for home in (always, later):
        home.events("2", buy("ann", 15, 40))
        home.tick(at(20))
    assert entered(always) == [("ann", at(15)), ("bob", at(6))]
    assert entered(later) == [("ann", at(15))]
    assert amounts(always)[0] == amounts(later)[0] == ("ann", "total_value|0||buy", 110_000_000)
    for home in (always, later):
        home.events("3", event("other", at(25), "bob"))
        home.tick(at(30))
    assert (
        amounts(later)
        == amounts(always)
        == [
            ("ann", "total_value|0||buy", 110_000_000),
            ("bob", "total_value|0||buy", 120_000_000),
        ]
    )
    assert entered(later) == [("ann", at(15))]


def buy(customer_id: str, minute: int, value: float) -> Row:
    return event("buy", at(minute), customer_id, value=value)


def test_an_event_without_a_value_adds_nothing_in_history_either(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("t")))
    home.customers("people", person("ann"))
    home.events("1", event("buy", at(5)), buy("ann", 6, 70))
    home.tick(at(10))
    home.define(on_pattern("loyal", tag("t")))
    home.patterns(LOYAL)
    home.events("2", buy("ann", 15, 20))
    home.tick(at(20))
    assert entered(home) == []
    assert amounts(home) == [("ann", "total_value|0||buy", 90_000_000)]


def test_amounts_made_from_history_are_those_kept_all_along(tmp_path: Path) -> None:
    names = ("buy.count.1h", "buy.sum.2h", "buy.sum", "view.count", "view.days_since")
    asking = [
        workflow(*(tag("t", when=[condition(f"events.{name}", "exists")]) for name in names)),
        *(on_pattern(name, tag("t"), workflow_id=name) for name in ("was", "steps")),
    ]
    always, later = house(tmp_path / "always", *asking), house(tmp_path / "later", workflow(tag("t")))
    first = event("view", at(0)), event("view", at(40)), buy("ann", 45, 1.0000015), buy("bob", 60, -3)
    second = event("buy", at(61)), buy("ann", 90, 1e13), event("view", at(95), "cy"), buy("cy", 5, 2)
    for home in (always, later):
        home.patterns(WAS | STEPS)
        home.customers("people", person("ann"), person("bob"), person("cy"))
        home.events("1", *first)
        home.tick(at(60))
        home.events("2", *second)
        home.tick(at(100))
    later.define(*asking)
    late = event("view", at(70), "bob"), buy("ann", 99, 5), buy("cy", 96, 1)
    for home in (always, later):
        home.events("3", *(event("other", at(101), who) for who in ("ann", "bob", "cy")), *late)
        assert home.tick(at(101)).counts == {"late": 3}
    assert amounts(later) == amounts(always)
    assert len(amounts(later)) > 12


def test_amounts_made_from_history_at_several_ticks_are_those_kept_all_along(tmp_path: Path) -> None:
    """Ann has events that count at each of these ticks, Bob mostly others, Cy none until the end."""
    asking = [
        workflow(tag("t", when=[condition(f"events.{name}", "exists")]), workflow_id=f"w{number}")
        for number, name in enumerate(("buy.count.2h", "buy.sum", "view.count", "view.days_since"))
    ]
    always, later = house(tmp_path / "always", *asking), house(tmp_path / "later", workflow(tag("t")))
    people = ("ann", "bob", "cy")
    for home in (always, later):
        home.customers("people", *map(person, people))
        home.events(
            "0", *(buy(who, 5, 2.5) for who in people), *(event("view", at(6), who) for who in people)
        )
        home.tick(at(10))
    for number, one in enumerate(asking, 1):
        later.define(one)
        minute = 20 * number
        for home in (always, later):
            seen = buy("ann", minute - 1, number), event("view", at(minute))
            home.events(str(number), *seen, event("buy" if number == 2 else "other", at(minute), "bob"))
            home.tick(at(minute))
    for home in (always, later):
        home.events("last", *(event("other", at(99), who) for who in people))
        home.tick(at(100))
    assert amounts(later) == amounts(always)
    assert len(amounts(later)) == 12
    before = amounts(later)
    rebuild(later.settings)
    assert amounts(later) == before


def test_what_windows_held_at_the_start_is_made_from_history(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("t")))
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("view", at(0)), event("view", at(50)), event("view", at(58), "bob"))
    home.tick(at(61))
    home.patterns(KEEN | STEPS)
    home.define(on_pattern("keen", tag("t")), on_pattern("steps", tag("s"), workflow_id="s"))
    home.events("2", event("view", at(62)), event("view", at(62), "bob"), buy("bob", 63, 1))
    home.tick(at(70))
    assert entered(home) == [("ann", at(62)), ("bob", at(62)), ("bob", at(63))]


def test_a_pattern_taken_back_starts_from_history_again(tmp_path: Path) -> None:
    home = house(tmp_path, on_pattern("loyal", tag("t")))
    home.patterns(LOYAL)
    home.customers("people", person("ann"))
    home.events("1", buy("ann", 5, 70))
    home.tick(at(10))
    home.define(workflow(tag("t")))
    home.events("2", buy("ann", 15, 20))
    home.tick(at(20))
    home.define(on_pattern("loyal", tag("t")))
    home.events("3", buy("ann", 25, 10))
    home.tick(at(30))
    assert entered(home) == [("ann", at(25))]


def test_a_cron_reaches_customers_without_events(tmp_path: Path) -> None:
    daily = {"type": "time_based", "config": {"cron": "0 9 * * *", "timezone": "customer"}}
    gold = {"conditions": [{"attribute": "plan", "operator": "equals", "value": "gold"}]}
    home = house(tmp_path, workflow(tag("t"), triggers=[daily | gold]))
    home.customers(
        "people",
        person("ann", plan="gold", timezone="Asia/Tokyo"),
        person("bob", plan="free"),
        person("cy", plan="gold"),
    )
    home.tick(at(0))
    home.tick(at(24 * 60))
    assert entered(home) == [("ann", at(24 * 60)), ("cy", at(9 * 60))]  # 9:00 in Tokyo is midnight
    assert home.rows("select trigger_type, trigger_name from executions group by all") == [
        ("time_based", "0 9 * * *")
    ]


def test_a_cron_ends_executions_that_wait_for_nothing_else(tmp_path: Path) -> None:
    at_nine = {"type": "time_based", "config": {"cron": "0 9 * * *"}}
    home = house(tmp_path, workflow(wait("10d"), exit_on=[at_nine]))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    for minute in (10, 500, 700):
        home.tick(at(minute))
    assert home.rows("select status, ended_at from executions") == [("exited", at(9 * 60))]


def test_dates_are_armed_once_and_anew_when_they_change(tmp_path: Path) -> None:
    ends = {"type": "time_based", "config": {"attribute": "ends", "offset": "-1h"}}
    home = house(tmp_path, workflow(tag("t"), triggers=[ends]))
    home.customers("people", person("ann", ends=at(120).isoformat()), person("bob", ends=at(300).isoformat()))
    home.tick(at(10))
    assert home.rows('select customer_id, "at" from schedule_alarms order by all') == [
        ("ann", at(60)),
        ("bob", at(240)),
    ]
    home.events("1", change("bob", 20, at(100)))
    home.tick(at(70))
    assert entered(home) == [("ann", at(60)), ("bob", at(40))]
    home.tick(at(400))
    assert len(entered(home)) == 2
    home.customers("more", person("cy", ends=at(600).isoformat()))
    home.tick(at(410))
    home.tick(at(600))
    assert entered(home)[-1] == ("cy", at(540))


def test_a_cron_that_nobody_meets_leaves_armed_dates_alone(tmp_path: Path) -> None:
    ends = {"type": "time_based", "config": {"attribute": "ends"}}
    gold = {"attribute": "plan", "operator": "equals", "value": "gold"}
    hourly = {"type": "time_based", "config": {"cron": "0 * * * *"}, "conditions": [gold]}
    dates = workflow(tag("t"), triggers=[ends])
    home = house(tmp_path, dates, workflow(tag("h"), workflow_id="hourly", triggers=[hourly]))
    home.customers("people", person("ann", ends=at(300).isoformat()))
    for minute in (10, 100, 200, 400):
        home.tick(at(minute))
    assert entered(home) == [("ann", at(300))]


def change(customer_id: str, minute: int, ends: datetime) -> Row:
    properties = {"old_value": None, "new_value": ends.isoformat()}
    return event("ends", at(minute), customer_id, type="attribute_change", properties=properties)


@pytest.mark.parametrize("buckets", [1, 3])
def test_ticks_decide_the_same_in_buckets_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buckets: int
) -> None:
    monkeypatch.setattr(flows.decide.pending, "how_many", lambda *_: buckets)
    home = house(tmp_path, on_pattern("keen", wait("1h"), tag("t")))
    home.patterns(KEEN)
    names = [f"c{number}" for number in range(20)]
    home.customers("people", *(person(name) for name in names))
    home.events("1", *(event("view", at(n), name) for n, name in enumerate(names)))
    home.tick(at(30))
    home.events("2", *(event("view", at(30 + n), name) for n, name in enumerate(names)))
    home.tick(at(55))
    home.tick(at(500))
    assert entered(home) == [
        (name, at(30 + n)) for n, name in sorted(enumerate(names), key=lambda one: one[1])
    ]
    before = home.frames()
    rebuild(home.settings)
    after = home.frames()
    assert all(before[name].equals(after[name]) for name in before)
