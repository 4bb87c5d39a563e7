"""`onward backtest` equals the oracle, however its ticks fall; its files are what the contract says."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from flows.backtest.bucket import BACKTESTED
from flows.backtest.plan import Plan
from flows.backtest.run import backtest
from flows.definitions.folder import read_definitions
from flows.errors import InputError
from tests.engine.compare import assert_same
from tests.engine.strategies import cases
from tests.oracle.interpreter import decide
from tests.runs import FORMATS, Format, House, house, person
from tests.semantics.cases import (
    Case,
    Result,
    Row,
    at,
    case,
    customer,
    event,
    send,
    show,
    tag,
    wait,
    workflow,
)
from transforms.definitions.patterns import Pattern
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.definitions.workflow import Workflow
from transforms.engine.state import Cap
from transforms.tables.checks import check

INSTANT, TEXT = pl.Datetime("us", "UTC"), pl.String
PASS = {"execution_id": TEXT, "workflow_id": TEXT, "customer_id": TEXT, "entered_at": INSTANT}
CONTRACT: dict[str, dict[str, object]] = {
    "executions": {**PASS, "branch": TEXT, "status": TEXT, "ended_at": INSTANT, "converted_at": INSTANT},
    "steps": {**PASS, "branch": TEXT, "step": TEXT, "action_type": TEXT, "at": INSTANT, "outcome": TEXT},
    "messages": {"message_id": TEXT, **PASS, "step": TEXT, "at": INSTANT, "template_id": TEXT},
    "webhooks": {**PASS, "step": TEXT, "at": INSTANT, "url": TEXT},
    "profiles": {"customer_id": TEXT, "attributes": TEXT, "tags": pl.List(TEXT)},
}
SUMMARY = {
    *("events", "facts", "steps", "executions", "messages", "ticks", "waves"),
    *("load_seconds", "decide_seconds", "write_seconds", "peak_rss_bytes"),
}
ticks = st.sampled_from([None, timedelta(minutes=47), timedelta(hours=5), timedelta(days=2)])
formats = st.lists(st.sampled_from(FORMATS), min_size=3, max_size=3)


def backtested(
    home: House,
    found: Case,
    kinds: Sequence[Format] = ("parquet",),
    tick: timedelta | None = None,
    buckets: int | None = None,
    processes: int | None = None,
    history: Path | None = None,
) -> dict[str, float]:
    """Backtest the case into `out/`, its events in as many files as there are formats for them; or a history of it."""
    events = kinds[1:] or kinds
    quiet = [QuietHours.model_validate(found.quiet_hours)] if found.quiet_hours else []
    window = [SendWindow.model_validate(found.send_window)] if found.send_window else []
    plan = Plan(
        workflows=[Workflow.model_validate(one) for one in found.workflows],
        customers=None if history else home.customers("people", *found.customers, format=kinds[0]),
        events=[
            home.events(f"e{part}", *_share(found.events, part, len(events)), format=kind)
            for part, kind in enumerate(() if history else events)
        ],
        history=history,
        out=home.root / "out",
        end=found.end,
        start=found.start,
        tick=tick,
        caps=[Cap(*one) for one in found.caps],
        patterns=TypeAdapter(dict[str, Pattern]).validate_python(found.patterns),
        send_times=[*quiet, *window],
        timezone=found.timezone,
        buckets=buckets,
        processes=processes,
        facts_at_once=1,
    )
    return backtest(plan)


def _share(events: list[Row], part: int, parts: int) -> list[Row]:
    return events[len(events) * part // parts : len(events) * (part + 1) // parts]


def table(home: House, name: str) -> list[Row]:
    rows = pl.read_parquet(home.root / "out" / f"{name}.parquet")
    if name in CONTRACT:
        check(next(one for one in BACKTESTED if one.name == name), rows)
    return rows.to_dicts()


def result(home: House, summary: dict[str, float]) -> Result:
    """What the files say; refusals aren't among them."""
    profiles = {
        one["customer_id"]: {"attributes": json.loads(one["attributes"]), "tags": one["tags"]}
        for one in table(home, "profiles")
    }
    found = Result(profiles=profiles, counts={"unknown_customer": int(summary["unknown_customer"])})
    for name in ("executions", "goal_hits", "steps", "messages", "webhooks"):
        setattr(found, name, table(home, name))
    return found


@settings(max_examples=25)
@given(cases(), formats, ticks, st.sampled_from([None, 3, 16]))
def test_a_backtest_decides_what_the_oracle_does_in_any_buckets(
    found: Case, kinds: list[Format], tick: timedelta | None, buckets: int | None
) -> None:
    expected = decide(found)
    expected.refusals = []
    with TemporaryDirectory() as folder:
        home = house(Path(folder))
        told = result(home, backtested(home, found, kinds, tick, buckets))
    try:
        assert_same(expected, told, ("oracle", "backtest"))
    except AssertionError as error:
        error.add_note(f"tick {tick}, {kinds}, {buckets}\n{show(found)}")
        raise


@pytest.fixture
def small() -> Case:
    """Everybody goes, twice; a message, a webhook, a tag."""
    hook: Row = {"type": "trigger_webhook", "config": {"url": "https://example.com"}}
    return case(
        workflow(send("hello"), wait("1d"), hook, tag("done")),
        *(event("go", at(minute), who) for minute in (5, 4000) for who in ("ann", "bob", "zoe")),
        customers=[customer("ann", plan="pro", tags=["b", "a"]), customer("bob")],
    )


def test_one_tick_is_many(tmp_path: Path, small: Case) -> None:
    lengths = (None, timedelta(minutes=7), timedelta(days=1), timedelta(days=100), timedelta(seconds=1))
    homes = [house(tmp_path / str(length)) for length in lengths]
    told = [backtested(home, small, tick=length) for home, length in zip(homes, lengths, strict=True)]
    assert [one["ticks"] for one in told] == [1, 2057, 10, 1, 863_700]
    for home in homes[1:]:
        assert_same(result(homes[0], told[0]), result(home, told[0]))


def test_how_many_facts_there_are_depends_on_neither_ticks_nor_buckets(tmp_path: Path) -> None:
    pro = [{"attribute": "plan", "operator": "equals", "value": "pro"}]
    nightly: Row = {"type": "time_based", "config": {"cron": "*/30 1-3 * * *"}, "conditions": pro}
    refused = workflow(tag("went"), on=[{"type": "behavioral", "config": {"action": "go"}}, nightly])
    events = [event("go", at(60 * hour), who) for who in ("ann", "bob") for hour in (1, 50, 60)]
    found = case(refused, *events, customers=[customer(), customer("bob"), customer("cy", plan="pro")])
    told = {
        backtested(house(tmp_path / f"{tick} {buckets}"), found, tick=tick, buckets=buckets)["facts"]
        for tick in (None, timedelta(minutes=47), timedelta(hours=5))
        for buckets in (1, 50)
    }
    assert len(told) == 1


@pytest.mark.parametrize("found", ["small", "empty"])
def test_files_have_the_columns_and_types_of_the_contract(tmp_path: Path, small: Case, found: str) -> None:
    home = house(tmp_path)
    backtested(home, small if found == "small" else case([], customers=[]))
    for name, wanted in CONTRACT.items():
        schema = pl.read_parquet_schema(home.root / "out" / f"{name}.parquet")
        assert {column: schema.get(column) for column in wanted} == wanted, name


def test_the_summary_has_the_numbers_of_the_contract(tmp_path: Path, small: Case) -> None:
    home = house(tmp_path)
    told = backtested(home, small)
    assert json.loads((home.root / "out" / "summary.json").read_text()) == told
    assert told.keys() >= SUMMARY
    counts = ("events", "executions", "steps", "messages", "webhooks", "ticks", "unknown_customer")
    assert [told[name] for name in counts] == [6, 4, 16, 4, 4, 1, 2]
    assert told["peak_rss_bytes"] > 10**7


def test_before_the_start_events_only_build_profiles(tmp_path: Path) -> None:
    early, there = event("go", at(5), attributes={"plan": "pro"}), event("go", at(60))
    home = house(tmp_path)
    told = backtested(home, case(workflow(tag("went")), early, there, start=at(60)))
    assert [row["entered_at"] for row in table(home, "executions")] == [at(60)]
    assert json.loads(table(home, "profiles")[0]["attributes"]) == {"plan": "pro"}
    assert (told["events"], told["history"]) == (2, 1)


def test_after_the_end_nothing_counts(tmp_path: Path) -> None:
    events = event("go", at(60)), event("go", at(60.001), "bob")
    home = house(tmp_path)
    told = backtested(
        home, case(workflow(tag("went")), *events, customers=[customer(), customer("bob")], end=at(60))
    )
    assert [row["customer_id"] for row in table(home, "executions")] == ["ann"]
    assert told["events"] == 1


def test_caps(tmp_path: Path) -> None:
    events = [event("go", at(days=day)) for day in (0, 1, 2, 3)]
    home = house(tmp_path)
    backtested(home, case(workflow(send()), *events, caps=[(2, timedelta(days=3))]))
    outcomes = [row["outcome"] for row in table(home, "steps")]
    assert outcomes == ["done", "done", "suppressed:frequency_cap", "done"]


SEED_EVENTS: list[tuple[str, str, str, str, Row]] = [
    ("s1", "customer_001", "2026-03-02T10:00:00Z", "cart_abandonment", {"cart_value": 125.99, "items": 3}),
    ("s2", "customer_002", "2026-03-02T10:00:00Z", "cart_abandonment", {"cart_value": 49.99}),
    ("s3", "customer_002", "2026-03-02T11:00:00Z", "cart_abandonment", {"cart_value": 50}),
    ("s4", "customer_001", "2026-03-02T12:00:00Z", "email_open", {}),
]


def canonical(id_: str, who: str, when: str, name: str, properties: Row) -> Row:
    given = {"event_id": id_, "customer_id": who, "ts": when, "type": "behavioral", "name": name}
    return {**given, "properties": properties}


def seed(id_: str, who: str, when: str, name: str, properties: Row) -> Row:
    given = {
        "event_id": id_,
        "customer_id": who,
        "timestamp": when,
        "event_type": "behavioral",
        "action": name,
    }
    return {**given, **properties}


def segment(id_: str, who: str, when: str, name: str, properties: Row) -> Row:
    given = {"messageId": id_, "userId": who, "timestamp": when, "type": "track", "event": name}
    return {**given, "properties": properties}


def test_the_seed_example_is_the_same_in_every_shape(tmp_path: Path) -> None:
    definitions = read_definitions(Path(__file__).parents[2] / "data" / "workflows").workflows
    found = []
    for shape in (canonical, seed, segment):
        home = house(tmp_path / shape.__name__)
        customers = home.customers(
            "people",
            person("customer_001", total_purchases=2, first_name="Ada"),
            person("customer_002", total_purchases=1),
        )
        events = home.events("e", *(shape(*one) for one in SEED_EVENTS))
        end = datetime(2026, 3, 9, tzinfo=UTC)
        told = backtest(Plan(definitions, customers, [events], home.root / "out", end))
        found.append(result(home, told))
    assert [len(one.messages) for one in found] == [4, 4, 4]
    assert_same(found[0], found[1], ("canonical", "seed"))
    assert_same(found[0], found[2], ("canonical", "segment"))


def test_bad_rows_are_written_beside(tmp_path: Path) -> None:
    home = house(tmp_path)
    bad = event("go", at(6)) | {"type": "nothing"}
    told = backtested(home, case(workflow(tag("went")), event("go", at(5)), bad), kinds=("ndjson",))
    assert (told["quarantined"], told["events"]) == (1, 1)
    ((line, reason),) = [(row["line"], row["reason"]) for row in table(home, "quarantine")]
    assert (line, reason) == (2, "bad_type: nothing")


def test_one_event_id_in_two_files_is_one_event(tmp_path: Path) -> None:
    home = house(tmp_path)
    twice = [event("go", at(5), event_id="x"), event("go", at(9), "bob", event_id="x")]
    found = case(workflow(tag("went")), *twice, customers=[customer(), customer("bob")])
    assert backtested(home, found, kinds=("csv", "csv", "ndjson"))["duplicates"] == 1
    assert [row["customer_id"] for row in table(home, "executions")] == ["ann"]


def test_a_broken_file_writes_nothing(tmp_path: Path, small: Case) -> None:
    home = house(tmp_path)
    broken = home.events("broken", *small.events, format="parquet")
    broken.write_bytes(broken.read_bytes()[:-20])
    people = home.customers("people", *small.customers)
    with pytest.raises(InputError, match=r"broken\.parquet"):
        backtest(Plan([], people, [broken], home.root / "out", small.end))
    assert not (home.root / "out").exists()
