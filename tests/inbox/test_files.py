"""The inbox on the run path: each content once, each event once, bad rows kept."""

import json
import re
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.errors import InputError
from tests.runs import FORMATS, Format, House, house, person
from tests.semantics.cases import Row, at, condition, event, tag, trigger, workflow


@pytest.fixture
def home(tmp_path: Path) -> House:
    """A workflow that tags whoever goes, and Ann."""
    built = house(tmp_path, workflow(tag("went")))
    built.customers("people", person("ann"), person("bob"))
    return built


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_loads_the_same(home: House, format_: Format) -> None:
    told = event("go", at(5), value=2.5, properties={"a": [1, "x"]}, attributes={"plan": "pro"})
    home.events("one", told, format=format_)
    assert home.tick(at(10)).executions == 1
    ((*found, properties, attributes),) = home.rows(
        "select event_id, ts, type, name, value, properties, attributes from events"
    )
    assert found == [told["event_id"], at(5), "behavioral", "go", 2.5]
    assert (json.loads(properties), json.loads(attributes)) == (told["properties"], told["attributes"])


def test_one_content_loads_once_whatever_its_name(home: House) -> None:
    first = home.events("one", event("go", at(5)))
    assert home.tick(at(10)).events == 1
    first.rename(first.with_name("another.ndjson"))
    home.events("one", event("go", at(5)))
    again = home.tick(at(20))
    assert (again.batches, again.events, again.duplicates, again.changed) == (0, 0, 0, False)
    assert home.rows("select count(*) from batches where kind = 'events'") == [(1,)]


def test_two_files_of_one_content_in_one_tick_load_once(home: House) -> None:
    home.events("one", event("go", at(5)))
    home.events("two", event("go", at(5)))
    assert home.tick(at(10)).events == 1
    assert home.rows("select file, rows from batches where kind = 'events'") == [("one.ndjson", 1)]


def test_the_first_loaded_of_one_event_id_stays(home: House) -> None:
    home.events("a", event("go", at(5), event_id="x"), event("stop", at(6), event_id="x"))
    home.events("b", event("stop", at(7), "bob", event_id="x"), event("go", at(7), "bob", event_id="y"))
    assert home.tick(at(10)).duplicates == 2
    home.events("c", event("stop", at(12), event_id="y"), event("stop", at(13), event_id="z"))
    assert home.tick(at(20)).duplicates == 1
    assert home.rows("select event_id, name, customer_id from events order by all") == [
        ("x", "go", "ann"),
        ("y", "go", "bob"),
        ("z", "stop", "ann"),
    ]
    assert home.rows("select file, duplicates from batches where kind = 'events' order by all") == [
        ("a.ndjson", 1),
        ("b.ndjson", 1),
        ("c.ndjson", 1),
    ]


def test_bad_rows_are_quarantined_with_file_line_reason_and_row(home: House) -> None:
    lines = [
        '{"event_id":"1","customer_id":"ann","ts":"2026-03-02T00:05:00Z","type":"behavioral","name":"go"}',
        '{"event_id":"2","customer_id":"","ts":"2026-03-02T00:05:00Z","type":"behavioral","name":"go"}',
        '{"event_id":"3","customer_id":"ann","ts":"yesterday","type":"behavioral","name":"go"}',
        "",
        '{"event_id":"4","customer_id":"ann","ts":"2026-03-02T00:05:00Z","type":"behavioural","name":"go"}',
        '{"event_id":"5","customer_id":"ann"',
    ]
    (home.settings.inbox / "events" / "mixed.ndjson").write_text("\n".join(lines))
    told = home.tick(at(10))
    assert (told.events, told.quarantined, told.executions) == (1, 4, 1)
    found = home.rows("select file, line, reason, row, quarantined_at from quarantine order by line")
    assert [(Path(file).name, line, row) for file, line, _, row, _ in found] == [
        ("mixed.ndjson", number, lines[number - 1]) for number in (2, 3, 5, 6)
    ]
    reasons = [reason.partition(":")[0] for _, _, reason, _, _ in found]
    assert reasons[:3] == ["no_customer_id", "bad_time", "bad_type"]
    assert "JSON" in reasons[3].upper()
    assert {when for *_, when in found} == {at(10)}


def test_a_row_too_far_ahead_is_quarantined_and_may_come_again(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("went")), max_future=timedelta(hours=1))
    home.customers("people", person("ann"))
    home.events("early", event("go", at(200)), event("go", at(70)))
    assert home.tick(at(10)).quarantined == 1
    ((line, reason, row),) = home.rows("select line, reason, row from quarantine")
    assert (line, reason.partition(":")[0]) == (1, "future")
    assert '"name":"go"' in row.replace(" ", "")
    home.events("later", event("go", at(200)))
    home.tick(at(180))
    home.tick(at(240))
    assert home.rows("select entered_at from executions order by 1") == [(at(70),), (at(200),)]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("e.ndjson", ['{"type": "behavioral",  "ts": "2026-03-03 09:00", "customer_id": 12.0, "x": "\\u00e9"}']),
        ("e.csv", ["name,ts,customer_id,type,x", 'go,20260303, ann ,behavioral,"a ""b"""']),
        ("e.json", ['[{"ts": 1772708400, "type": "behavioral",', ' "customer_id": "ann"}]']),
    ],
)  # fmt: skip
def test_a_row_too_far_ahead_keeps_its_text(tmp_path: Path, name: str, lines: list[str]) -> None:
    home = house(tmp_path, workflow(tag("went")), max_future=timedelta(hours=1))
    (home.settings.inbox / "events" / name).write_text("\n".join(lines) + "\n")
    assert home.tick(at(10)).quarantined == 1
    ((reason, row),) = home.rows("select reason, row from quarantine")
    assert re.fullmatch(r"future: 2026-03-0\d \d\d:00:00\+00 is more than 1h ahead", reason)
    assert row == ("\n".join(lines).strip("[]") if name == "e.json" else lines[-1])


def test_a_refused_row_is_not_the_first_of_its_id(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("went")), max_future=timedelta(hours=1))
    home.customers("people", person("ann"))
    home.events("e", event("go", at(500), event_id="x"), event("go", at(5), event_id="x"))
    told = home.tick(at(60))
    assert (told.quarantined, told.events, told.executions) == (1, 1, 1)


def assert_same_frames(before: dict[str, pl.DataFrame], home: House) -> None:
    after = home.frames()
    assert [name for name in before if not after[name].equals(before[name])] == []


def test_an_unknown_customer_is_kept_and_counted(home: House) -> None:
    home.events("one", event("go", at(5), "zoe", attributes={"plan": "pro"}))
    told = home.tick(at(10))
    assert (told.counts, told.executions) == ({"unknown_customer": 1}, 0)
    assert home.rows("select reason, n from tick_counts") == [("unknown_customer", 1)]
    assert home.rows("select attributes, known from customers where customer_id = 'zoe'") == [
        ('{"plan":"pro"}', False)
    ]
    home.customers("zoe", person("zoe", color="red"))
    home.events("two", event("go", at(15), "zoe"))
    assert home.tick(at(20)).executions == 1
    assert home.rows("select attributes, known from customers where customer_id = 'zoe'") == [
        ('{"color":"red","plan":"pro"}', True)
    ]


def test_a_future_event_acts_when_its_time_comes(home: House) -> None:
    home.events("one", event("go", at(45)))
    assert home.tick(at(10)).counts == {"future": 1}
    assert home.tick(at(20)).executions == 0
    assert home.tick(at(60)).executions == 1
    assert home.rows("select entered_at from executions") == [(at(45),)]


def test_late_and_too_late_events_are_counted(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("went")), max_lateness=timedelta(hours=1))
    home.customers("people", person("ann"), person("bob"))
    home.tick(at(100))
    home.events("late", event("go", at(40)), event("go", at(39), "bob", attributes={"plan": "pro"}))
    assert home.tick(at(120)).counts == {"late": 1, "too_late": 1}
    assert home.rows("select customer_id, entered_at from executions") == [("ann", at(100))]
    assert home.rows("select attributes from customers where customer_id = 'bob'") == [('{"plan":"pro"}',)]


@pytest.mark.parametrize("beside", [[], [event("view", at(611), "bob", attributes={"plan": "x"})]])
def test_a_too_late_update_is_seen_by_what_its_tick_decides(tmp_path: Path, beside: list[Row]) -> None:
    """It acts where the tick starts, whatever others of the tick write to the same attribute."""
    vip = workflow(tag("vip"), on=trigger("go", when=[condition("plan", "equals", "pro")]))
    home = house(tmp_path, vip, max_lateness=timedelta(hours=1))
    home.customers("people", person("ann", plan="free"), person("bob", plan="free"))
    home.tick(at(600))
    home.events("late", event("view", at(5), attributes={"plan": "pro"}), event("go", at(610)), *beside)
    home.tick(at(620))
    assert home.rows("select attributes, tags from customers where customer_id = 'ann'") == [
        ('{"plan":"pro"}', ["vip"])
    ]


def test_now_before_the_last_tick_is_refused_and_changes_nothing(home: House) -> None:
    home.tick(at(10))
    before = home.frames()
    home.events("one", event("go", at(5)))
    with pytest.raises(InputError, match="already decided everything until 2026-03-02T00:10"):
        home.tick(at(9))
    assert_same_frames(before, home)


def test_a_second_run_with_nothing_new_changes_nothing(home: House) -> None:
    home.events("one", event("go", at(5)))
    home.tick(at(10))
    published = home.settings.published / "onward.duckdb"
    before, copied = home.frames(), published.stat().st_mtime_ns
    told = home.tick(at(10))
    assert not told.changed
    assert (told.events, told.steps, told.executions) == (0, 0, 0)
    del before["ticks"]
    assert_same_frames(before, home)
    assert published.stat().st_mtime_ns == copied
