"""Customer files on the run path: upserts, changes as events at load time, tags, and who is known when."""

import json
from pathlib import Path

import pytest

from flows.store.opening import open_store
from flows.tick.rebuild import rebuild
from tests.runs import FORMATS, Format, House, house, person
from tests.semantics.cases import Json, at, condition, event, send, tag, trigger, wait, workflow

HEARD = workflow(tag("heard"), on=trigger("plan", "attribute_change", new_value="pro"), workflow_id="heard")


def profile(home: House, customer_id: str = "ann") -> tuple[object, ...]:
    ((attributes, tags, email, zone),) = home.rows(
        f"select attributes, tags, email, timezone from customers where customer_id = '{customer_id}'"
    )
    return json.loads(attributes), tags, email, zone


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_loads_the_same(tmp_path: Path, format_: Format) -> None:
    home = house(tmp_path)
    given = person("ann", score=2, note={"a": [1]}, tags=["b", "a"], timezone="Asia/Tokyo", created_at=at(3))
    home.customers("people", given, format=format_)
    home.tick(at(10))
    assert profile(home) == ({"score": 2, "note": {"a": [1]}}, ["a", "b"], "ann@example.com", "Asia/Tokyo")
    assert home.rows("select created_at, known from customers") == [(at(3), True)]


def test_a_first_profile_is_no_change(tmp_path: Path) -> None:
    home = house(tmp_path, HEARD)
    home.customers("people", person("ann", plan="pro"))
    assert home.tick(at(10)).executions == 0
    assert home.rows("select count(*) from events") == [(0,)]


def test_a_changed_attribute_is_an_event_at_load_time(tmp_path: Path) -> None:
    home = house(tmp_path, HEARD)
    home.customers("1", person("ann", plan="free", score=3), person("bob", plan="pro"))
    home.tick(at(10))
    home.customers("2", person("ann", plan="pro", score=3.0), person("bob", plan="pro"))
    assert home.tick(at(20)).executions == 1
    assert home.rows(
        "select customer_id, ts, type, name, properties::json ->> '$.old_value' from events"
    ) == [("ann", at(20), "attribute_change", "plan", "free")]
    assert home.rows("select customer_id, entered_at from executions") == [("ann", at(20))]
    assert profile(home)[:2] == ({"plan": "pro", "score": 3}, ["heard"])


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"a": 1, "b": [2.0, {"d": 1, "c": "é"}]}, {"b": [2, {"c": "\u00e9", "d": 1.0}], "a": 1}, 0),
        (2, 2.0, 0),
        (2**53 + 1, float(2**53), 1),
        (3, "3", 0),
        (True, "true", 0),
        (2.5, "2.5", 0),
        ("3", 3, 1),
        ("true", True, 1),
        (3, "three", 1),
        ([1, 2], [2, 1], 1),
        ([1], "[1]", 1),
    ],
)
def test_what_is_equal_or_only_spelled_is_no_change(
    tmp_path: Path, before: Json, after: Json, changes: int
) -> None:
    home = house(tmp_path)
    for name, minute, value in (("1", 10, before), ("2", 20, after)):
        row = {"customer_id": "ann", "attributes": {"x": value}}
        (home.settings.inbox / "customers" / f"{name}.ndjson").write_text(json.dumps(row))
        summary = home.tick(at(minute))
    assert summary.events == changes


def test_null_removes_and_what_a_file_leaves_out_stays(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.customers("1", person("ann", plan="free", score=3, timezone="Asia/Tokyo", tags=["a"]))
    home.tick(at(10))
    home.customers("2", {"customer_id": "ann", "attributes": {"plan": None}, "tags": ["b"]})
    home.tick(at(20))
    assert profile(home) == ({"score": 3}, ["a", "b"], "ann@example.com", "Asia/Tokyo")


def test_a_file_of_what_is_known_changes_nothing(tmp_path: Path) -> None:
    home = house(tmp_path, HEARD)
    home.customers("1", person("ann", plan="free", tags=["a"]))
    home.tick(at(10))
    home.customers("2", person("ann", plan="free", tags=["a"]), format="csv")
    told = home.tick(at(20))
    assert (told.batches, told.events, told.facts) == (1, 0, 0)


def test_new_customers_are_known_from_then_on(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("went")))
    home.customers("1", person("ann"))
    home.events("1", event("go", at(5)), event("go", at(5), "bob"))
    home.tick(at(10))
    home.customers("2", person("bob"), person("cy", created_at=at(16)))
    home.events("2", event("go", at(15), "bob"), event("go", at(15), "cy"), event("go", at(17), "cy"))
    assert home.tick(at(20)).counts == {"unknown_customer": 1}
    assert home.rows("select customer_id, entered_at from executions order by all") == [
        ("ann", at(5)),
        ("bob", at(15)),
        ("cy", at(17)),
    ]


def test_tags_of_a_file_are_seen_by_conditions(tmp_path: Path) -> None:
    vip = workflow(
        tag("seen"), on=trigger("go", when=[condition("tags", "contains", "vip")]), workflow_id="vip"
    )
    home = house(tmp_path, vip)
    home.customers("1", person("ann", tags=["vip"]), person("bob"))
    home.events("1", event("go", at(5)), event("go", at(5), "bob"))
    home.tick(at(10))
    home.customers("2", person("bob", tags=["vip"]))
    home.events("2", event("go", at(15), "bob"))
    home.tick(at(20))
    assert home.rows("select customer_id, tag from tags order by all") == [
        ("ann", "seen"),
        ("ann", "vip"),
        ("bob", "seen"),
        ("bob", "vip"),
    ]


def test_a_later_event_wins_over_an_earlier_file_and_a_later_file_over_an_event(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.customers("1", person("ann", plan="a"))
    home.events("1", event("go", at(5), attributes={"plan": "b"}))
    home.tick(at(10))
    assert profile(home)[0] == {"plan": "b"}
    home.customers("2", person("ann", plan="c"))
    home.events("2", event("go", at(15), attributes={"plan": "d"}))
    home.tick(at(20))
    assert profile(home)[0] == {"plan": "c"}


def test_a_change_by_file_while_an_execution_runs_exits_it(tmp_path: Path) -> None:
    gone = workflow(wait("1h"), send("hello", content="Hi"), exit_on=[trigger("plan", "attribute_change")])
    home = house(tmp_path, gone)
    home.customers("1", person("ann", plan="free"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    home.customers("2", person("ann", plan="pro"))
    home.tick(at(20))
    home.tick(at(200))
    assert home.rows("select status, ended_at from executions") == [("exited", at(20))]
    assert home.outbox() == []


def test_an_attribute_that_no_workflow_sees_is_updated_beside_one_that_acts(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("went")))
    home.customers("1", person("ann", plan="a"))
    home.events("1", event("go", at(5), attributes={"plan": "b"}))
    home.tick(at(10))
    assert profile(home)[:2] == ({"plan": "b"}, ["went"])


def test_of_two_files_in_one_tick_the_later_name_wins(tmp_path: Path) -> None:
    home = house(tmp_path)
    crowd = [f"c{number}" for number in range(20)]
    for name, plan in (("1", "a"), ("2", "b"), ("3", "c")):
        home.customers(name, *(person(who, plan=plan) for who in crowd))
        if name == "1":
            home.tick(at(10))
    home.tick(at(20))
    assert home.rows("select distinct attributes from customers") == [('{"plan":"c"}',)]


def test_what_a_later_file_of_the_tick_takes_back_is_as_before(tmp_path: Path) -> None:
    home = house(tmp_path)
    for name, plan in (("1", "a"), ("2", "b"), ("3", "a")):
        home.customers(name, person("ann", plan=plan), person(f"other-{name}"))
        if name == "1":
            home.tick(at(10))
    home.tick(at(20))
    assert profile(home)[0] == {"plan": "a"}


def test_bad_customer_rows_are_quarantined(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.customers("1", person("ann"), person(""), person("cy", created_at="some day"))
    assert home.tick(at(10)).quarantined == 2
    assert home.rows("select line, split_part(reason, ':', 1) from quarantine order by line") == [
        (2, "no_customer_id"),
        (3, "bad_time"),
    ]
    assert home.rows("select customer_id from customers") == [("ann",)]


def plans(home: House) -> list[str]:
    """The changes of Ann's plan so far, in order."""
    found = home.rows("select properties::json ->> '$.new_value' from events order by ts, event_id")
    return [plan for (plan,) in found]


def test_a_file_that_returns_to_an_earlier_state_applies_again(tmp_path: Path) -> None:
    home = house(tmp_path)
    for minute, plan in enumerate("abaab"):
        home.customers("people", person("ann", plan=plan))
        home.tick(at(minute))
    assert plans(home) == ["b", "a", "b"]


def test_each_new_name_is_a_state_too_unless_it_says_what_was_said_last(tmp_path: Path) -> None:
    home = house(tmp_path)
    batches = []
    for minute, plan in enumerate("abbab"):
        home.customers(f"day-{minute}", person("ann", plan=plan))
        batches.append(home.tick(at(minute)).batches)
    assert plans(home) == ["b", "a", "b"]
    assert batches == [1, 2, 0, 2, 2]


def test_files_that_lie_there_unchanged_are_not_found_again(tmp_path: Path) -> None:
    home = house(tmp_path)
    first = home.customers("1", person("ann", plan="a"))
    home.customers("2", person("ann", plan="b"))
    home.tick(at(1))
    first.touch()
    first.chmod(0o600)
    assert home.tick(at(2)).batches == 0
    rebuild(home.settings)
    assert home.tick(at(3)).batches == 0
    assert plans(home) == ["b"]


def test_a_file_that_was_taken_away_and_comes_back_is_found_again(tmp_path: Path) -> None:
    home = house(tmp_path)
    first = home.customers("1", person("ann", plan="a"))
    content = first.read_bytes()
    home.customers("2", person("ann", plan="b"))
    home.tick(at(1))
    first.unlink()
    home.tick(at(2))
    first.write_bytes(content)
    home.tick(at(3))
    home.tick(at(4))
    assert plans(home) == ["b", "a"]


def test_states_of_one_tick_apply_in_the_order_of_names(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.customers("0", person("ann", plan="0"))
    home.tick(at(1))
    for name, plan in (("3", "a"), ("1", "a"), ("2", "b")):
        home.customers(name, person("ann", plan=plan))
    home.tick(at(2))
    assert plans(home) == ["a", "b", "a"]


def test_a_store_that_was_carried_over_knows_the_files_it_read(tmp_path: Path) -> None:
    """Versions of before didn't note the contents of files."""
    home = house(tmp_path)
    first = home.customers("1", person("ann", plan="a"))
    home.customers("2", person("ann", plan="b"))
    home.tick(at(1))
    with open_store(home.settings) as store:
        store.state.query("update inbox_files set content_hash = null")
    first.touch()
    assert home.tick(at(2)).batches == 0
    home.customers("1", person("ann", plan="c"))
    home.tick(at(3))
    assert plans(home) == ["b", "c"]
