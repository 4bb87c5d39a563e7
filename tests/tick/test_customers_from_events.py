"""An event stream alone runs the product: customers from events, in a store and in a backtest (semantics.md §4)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.runs import House, house, onward, person
from tests.semantics.cases import at, event, send, trigger, workflow

HOUR = timedelta(hours=1)


def call(kind: str, minutes: float, user: str | None = "ann", **given: Any) -> dict[str, Any]:
    """A call as Segment sends it."""
    row = {
        "type": kind,
        "messageId": f"{kind}-{minutes}-{user}",
        "timestamp": f"{at(minutes):%Y-%m-%dT%H:%M:%SZ}",
    }
    return row | ({"userId": user} if user else {}) | given


def deliver(home: House, name: str, *calls: dict[str, Any]) -> None:
    lines = [json.dumps(one) for one in calls]
    (home.settings.inbox / "events" / f"{name}.ndjson").write_text("\n".join(lines))


def people(home: House) -> list[tuple[Any, ...]]:
    return home.rows(
        "select customer_id, email, created_at::varchar, timezone, known from customers order by 1"
    )


def hello() -> dict[str, Any]:
    return workflow(send(subject="Hi {{ first_name }}", content="x"), on="signed_up")


def test_a_segment_stream_alone_sends_letters(tmp_path: Path) -> None:
    home = house(tmp_path, hello())
    traits = {"email": "ann@example.com", "first_name": "Ann", "createdAt": "2026-02-01T00:00:00Z"}
    deliver(home, "one", call("identify", 1, traits=traits), call("track", 2, event="signed_up"))
    summary = home.tick(at(60))
    assert summary.counts == {}
    assert people(home) == [("ann", "ann@example.com", "2026-02-01 00:00:00+00", None, True)]
    assert [line["subject"] for line in home.outbox()] == ["Hi Ann"]


def test_traits_of_the_context_count_where_the_call_has_none_of_that_name(tmp_path: Path) -> None:
    home = house(tmp_path, hello())
    context = {"traits": {"email": "old@example.com", "first_name": "Ann", "timezone": "Europe/Berlin"}}
    deliver(
        home,
        "one",
        call("identify", 1, traits={"email": "ann@example.com"}, context=context),
        call("identify", 1, user="bob", context=context),
        call("track", 2, event="signed_up", context=context),
    )
    home.tick(at(60))
    assert [row[:2] + row[3:] for row in people(home)] == [
        ("ann", "ann@example.com", "Europe/Berlin", True),
        ("bob", "old@example.com", "Europe/Berlin", True),
    ]


def test_a_later_file_is_the_first_of_its_customer_and_what_events_set_stays(tmp_path: Path) -> None:
    home = house(tmp_path, hello())
    deliver(home, "one", call("identify", 1, traits={"email": "ann@example.com", "plan": "pro"}))
    home.tick(at(60))
    home.customers("people", person(email="file@example.com", plan="free", city="Bonn", created_at=at(-999)))
    summary = home.tick(at(120))
    assert summary.events == 0
    assert people(home) == [("ann", "ann@example.com", "2026-03-02 00:01:00+00", None, True)]
    ((attributes,),) = home.rows("select attributes from customers")
    assert json.loads(attributes) == {"email": "ann@example.com", "plan": "pro", "city": "Bonn"}


def test_a_second_file_that_changes_an_address_is_a_change(tmp_path: Path) -> None:
    on = trigger("email", "attribute_change")
    home = house(tmp_path, workflow(send(subject="New address", content="x"), on=on))
    home.customers("one", person())
    home.tick(at(60))
    assert people(home)[0][1] == "ann@example.com"
    home.customers("two", person(email="new@example.com", timezone="Europe/Berlin"))
    home.tick(at(120))
    assert [row[1:2] + row[3:4] for row in people(home)] == [("new@example.com", "Europe/Berlin")]
    assert [line["to"] for line in home.outbox()] == ["new@example.com"]


def test_a_customer_known_by_an_event_is_known_in_later_ticks_and_after_a_rebuild(tmp_path: Path) -> None:
    from flows.tick.rebuild import rebuild

    home = house(tmp_path, hello())
    deliver(
        home,
        "one",
        call("track", 1, event="signed_up"),
        call("identify", 2, traits={"email": "ann@example.com"}),
    )
    assert home.tick(at(60)).counts == {"unknown_customer": 1}
    deliver(home, "two", call("track", 61, event="signed_up"))
    assert home.tick(at(120)).counts == {}
    before = home.frames()
    rebuild(home.settings)
    after = home.frames()
    assert {
        name: frame.equals(after[name]) for name, frame in before.items() if not frame.equals(after[name])
    } == {}
    assert len(home.outbox()) == 1


def test_an_introduction_that_comes_late_counts_from_the_ticks_start(tmp_path: Path) -> None:
    home = house(tmp_path, hello() | {"reentry": {"policy": "once"}})
    home.events("none", event("x", at(), "zoe"))
    home.tick(at(60))
    deliver(
        home,
        "late",
        call("identify", 1),
        call("track", 30, event="signed_up"),
        call("track", 70, event="signed_up"),
    )
    home.tick(at(120))
    assert home.rows("select entered_at::varchar from executions order by 1") == [("2026-03-02 01:00:00+00",)]


def test_events_of_anonymous_people_are_counted(tmp_path: Path) -> None:
    home = house(tmp_path, hello())
    some = [call("track", minute, user=None, anonymousId="a-1", event="signed_up") for minute in (1, 2)]
    deliver(
        home, "one", *some, some[0], call("identify", 3), call("identify", 4, user=" ", anonymousId="a-2")
    )
    assert home.tick(at(60)).counts == {"unknown_customer": 2, "anonymous": 3}
    assert [row[0] for row in people(home)] == ["a-1", "a-2", "ann"]
    (home.settings.inbox / "events" / "big.ndjson").write_text(
        "\n".join([" " * 300_000, json.dumps(call("page", 61, user=None, anonymousId="a-3"))])
    )
    assert home.tick(at(120)).counts == {"unknown_customer": 1, "anonymous": 1}


def test_a_backtest_needs_no_customers_but_those_of_events(tmp_path: Path) -> None:
    home = house(tmp_path, hello())
    deliver(
        home,
        "one",
        call("track", 1, event="signed_up"),
        call("identify", 2),
        call("track", 3, event="signed_up"),
    )
    given = [
        "--events",
        str(home.settings.inbox / "events" / "one.ndjson"),
        "--end",
        f"{at(60):%Y-%m-%dT%H:%MZ}",
    ]
    done = onward(
        "backtest", "--workflows", str(home.settings.workflows), *given, "--out", "out", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (found["executions"], found["unknown_customer"], found["profiles"]) == (1, 1, 1)
