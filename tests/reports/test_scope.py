"""Reports since an instant, of some workflows, and of the last week: literal rows, plain counts."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flows.errors import InputError
from flows.reports.frames import report_frames
from flows.reports.scope import COUNTED_SINCE, Scope, last_week, scoped_frames
from flows.reports.terminal import print_last_week, print_scoped
from flows.store.publish import report_views
from flows.warehouse import append
from tests.effort import few_cases
from tests.reports.sums import counted_tables
from tests.reports.test_sums import rows
from tests.reports.test_views import SENT, T, execution, insert, message, version

DAY = timedelta(days=1)
SINCE = T + DAY
STEPS = [("0", "send_email", "hello"), ("1", "wait", "1d")]
MEASURES = ["entries", "completions", "conversions", "messages"]


@pytest.fixture
def con() -> Iterator[DuckDBPyConnection]:
    with tables() as found:
        yield found


def tables() -> Any:
    """Tables of which reports count the rows."""
    return counted_tables(on_sums=False)


def ticked(con: DuckDBPyConnection, *nows: datetime) -> None:
    """Ticks until these instants."""
    con.execute("create or replace table ticks (now timestamptz)")
    insert(con, "ticks", *({"now": now} for now in nows))


def before_and_after(con: DuckDBPyConnection) -> None:
    """Of each of two workflows an execution and a message before `SINCE`, and one at it."""
    for workflow in ("hello", "welcome"):
        version(con, workflow, steps=STEPS)
        for name, at in (("old", SINCE - timedelta(microseconds=1)), ("new", SINCE)):
            ended = {"entered_at": at, "ended_at": at + DAY, "converted_at": at + DAY}
            execution(con, f"{name} {workflow}", "converted", SENT, workflow=workflow, step="1", **ended)
            message(con, f"{name} {workflow}", "sent", at, workflow)


# Since an instant


def test_every_view_can_be_counted_since() -> None:
    assert set(COUNTED_SINCE) == set(report_views())


def test_since_counts_who_entered_and_what_was_sent_then_or_later(con: DuckDBPyConnection) -> None:
    before_and_after(con)
    found = scoped_frames(con, Scope(("welcome",), SINCE))
    summary = found["report_workflow_summary"].select(
        "workflow_id", "total_executions", "converted", "first_entry"
    )
    assert summary.rows() == [("welcome", 1, 1, SINCE)]
    places = found["report_drop_off"].select(
        "step", "entered", "passed", "left_here_converted", "pct_of_entries"
    )
    assert places.rows() == [("0", 1, 1, 0, 100.0), ("1", 1, 0, 1, 100.0)]
    daily = found["report_messages_daily"].select("day", "workflow_id", "accepted")
    assert daily.rows() == [(date(2026, 3, 2), "welcome", 1)]


def test_messages_since_are_those_of_earlier_entries_too(con: DuckDBPyConnection) -> None:
    version(con, steps=STEPS)
    execution(con, "a", "running", entered_at=T)
    message(con, "m", "sent", SINCE + DAY)
    refused = {
        "execution_id": "a",
        "workflow_id": "welcome",
        "version": "v1",
        "customer_id": "a",
        "branch": "default",
    }
    refused |= {"step": "0", "action_type": "send_email", "outcome": "suppressed:consent", "entered_at": T}
    insert(con, "steps", {**refused, "at": SINCE}, {**refused, "at": T})
    found = scoped_frames(con, Scope(since=SINCE))
    daily = found["report_messages_daily"].select("day", "accepted", "suppressed_consent")
    assert daily.rows() == [(date(2026, 3, 2), 0, 1), (date(2026, 3, 3), 1, 0)]
    assert found["report_workflow_summary"]["total_executions"].to_list() == [0]


INSTANTS = st.integers(-20 * 24, 20 * 24).map(lambda hours: T + timedelta(hours=hours))
STATUSES = st.sampled_from(["running", "completed", "converted", "exited", "failed", "held_out", "paused"])
EXECUTIONS = st.lists(
    st.fixed_dictionaries(
        {
            "workflow_id": st.sampled_from(["hello", "welcome"]),
            "status": STATUSES,
            "entered_at": INSTANTS,
            "ended_at": st.none() | INSTANTS,
            "converted_at": st.none() | INSTANTS,
        }
    ),
    max_size=8,
)
MESSAGES = st.lists(st.tuples(st.sampled_from(["hello", "welcome"]), INSTANTS), max_size=8)


@pytest.fixture(scope="module")
def two() -> Iterator[list[DuckDBPyConnection]]:
    """Two stores with the two workflows, which cases fill anew."""
    with tables() as first, tables() as second:
        for con in (first, second):
            for workflow in ("hello", "welcome"):
                version(con, workflow, steps=STEPS)
        yield [first, second]


def fill(
    con: DuckDBPyConnection, executions: list[dict[str, Any]], messages: list[tuple[str, datetime]]
) -> None:
    """Instead of what there is, executions, each with a send that it passed, and messages."""
    ids = [f"{number}" for number in range(len(executions))]
    entries = [
        {
            "execution_id": name,
            "customer_id": name,
            "version": "v1",
            "branch": "default",
            "phase": "due",
            **one,
        }
        for name, one in zip(ids, executions, strict=True)
    ]
    standing = [
        one | {"step": None if one["status"] in {"completed", "held_out"} else "1"} for one in entries
    ]
    of_step = ("execution_id", "workflow_id", "version", "customer_id", "entered_at", "branch")
    sent = {"step": "0", "action_type": "send_email", "outcome": "done", "at": T}
    taken = [{name: one[name] for name in of_step} | sent for one in entries if one["status"] != "held_out"]
    of = {"execution_id": "e", "customer_id": "c", "template_id": "hello", "status": "sent"}
    kept = [
        {**of, "message_id": f"{number}", "workflow_id": workflow, "at": at}
        for number, (workflow, at) in enumerate(messages)
    ]
    for table, these in {"executions": standing, "steps": taken, "messages": kept}.items():
        con.execute(f"delete from {table}")
        append(con, table, rows(con, table, *these))


@few_cases
@given(executions=EXECUTIONS, messages=MESSAGES, since=INSTANTS)
def test_since_is_what_the_views_say_of_the_rows_since(
    two: list[DuckDBPyConnection],
    executions: list[dict[str, Any]],
    messages: list[tuple[str, datetime]],
    since: datetime,
) -> None:
    whole, rest = two
    fill(whole, executions, messages)
    late = [one for one in executions if one["entered_at"] >= since]
    fill(rest, late, [one for one in messages if one[1] >= since])
    found, expected = scoped_frames(whole, Scope(since=since)), report_frames(rest)
    assert {name: rows.to_dicts() for name, rows in found.items()} == {
        name: rows.to_dicts() for name, rows in expected.items()
    }


# The last week


def test_the_last_week_stands_beside_the_one_before(con: DuckDBPyConnection) -> None:
    before_and_after(con)
    version(con, "quiet")
    ticked(con, T, SINCE + 7 * DAY)
    rows = last_week(con, ["quiet", "welcome"]).drop("since", "until").rows()
    assert rows == [
        *(("quiet", measure, 0, 0, 0, None) for measure in MEASURES),
        ("welcome", "entries", 0, 2, -2, -100.0),
        ("welcome", "completions", 0, 0, 0, None),
        ("welcome", "conversions", 2, 0, 2, None),
        ("welcome", "messages", 0, 2, -2, -100.0),
    ]


def test_without_a_tick_there_is_nothing_to_compare(con: DuckDBPyConnection) -> None:
    ticked(con)
    assert last_week(con).is_empty()
    console = Console(file=io.StringIO(), width=60)
    print_last_week(last_week(con), console)
    assert "onward run" in " ".join(console.file.getvalue().split())


@few_cases
@given(executions=EXECUTIONS, messages=MESSAGES, until=INSTANTS)
def test_weeks_are_plain_counts(
    two: list[DuckDBPyConnection],
    executions: list[dict[str, Any]],
    messages: list[tuple[str, datetime]],
    until: datetime,
) -> None:
    fill(two[0], executions, messages)
    ticked(two[0], until)
    found = {row[:2]: row[2:] for row in last_week(two[0]).drop("since", "until").rows()}
    for workflow in ("hello", "welcome"):
        own = [one for one in executions if one["workflow_id"] == workflow]
        instants = {
            "entries": [one["entered_at"] for one in own if one["status"] != "held_out"],
            "completions": [one["ended_at"] for one in own if one["status"] == "completed"],
            "conversions": [one["converted_at"] for one in own],
            "messages": [at for of, at in messages if of == workflow],
        }
        for measure, ats in instants.items():
            last, before = (
                sum(at is not None and timedelta() <= end - at < 7 * DAY for at in ats)
                for end in (until, until - 7 * DAY)
            )
            change = 100 * (last - before) / before if before else None
            assert found[workflow, measure] == (last, before, last - before, change)


# Workflows


def test_an_unknown_workflow_is_told_with_the_nearest(con: DuckDBPyConnection) -> None:
    before_and_after(con)
    ticked(con, T)
    told = "--workflow 'welcom'.*allowed: hello, welcome; did you mean 'welcome'"
    with pytest.raises(InputError, match=told):
        scoped_frames(con, Scope(("hello", "welcom")))
    with pytest.raises(InputError, match=told):
        last_week(con, ["welcom"])


def test_only_rows_of_the_workflows_are_told(con: DuckDBPyConnection) -> None:
    before_and_after(con)
    found = scoped_frames(con, Scope(("hello",)))
    assert list(found) == report_views()
    assert [rows["workflow_id"].unique().to_list() for rows in found.values()] == [["hello"]] * len(found)
    both = scoped_frames(con, Scope(("welcome", "hello")))
    assert all(both[name].equals(rows) for name, rows in report_frames(con).items())


# The printed form


def printed(con: DuckDBPyConnection, scope: Scope) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_scoped(scoped_frames(con, scope), scope, console)
    return console.file.getvalue()


def test_titles_say_what_was_asked_for(con: DuckDBPyConnection) -> None:
    before_and_after(con)
    text = printed(con, Scope(("welcome",), SINCE))
    assert f"Workflows, entered since {SINCE:%Y-%m-%d %H:%M:%S} UTC\n" in text
    assert f"Drop-off: welcome, branch default, entered since {SINCE:%Y-%m-%d %H:%M:%S} UTC\n" in text
    assert f"Messages of welcome, since {SINCE:%Y-%m-%d %H:%M:%S} UTC\n" in text
    assert "since 2026-03-02 UTC\n" in printed(con, Scope(since=datetime(2026, 3, 2, tzinfo=UTC)))


def test_all_days_since_are_shown(con: DuckDBPyConnection) -> None:
    version(con)
    for number in range(30):
        message(con, str(number), "sent", SINCE + number * DAY)
    text = printed(con, Scope(since=SINCE))
    assert text.count("\n2026-") == 30


def test_workflows_without_executions_are_told_as_such(con: DuckDBPyConnection) -> None:
    before_and_after(con)
    version(con, "quiet")
    assert "No executions yet" not in printed(con, Scope(("quiet",)))
    assert "quiet" in printed(con, Scope(("quiet",)))
    with tables() as empty:
        assert "No executions yet" in printed(empty, Scope(since=SINCE))


def test_the_weeks_say_which_they_are(con: DuckDBPyConnection) -> None:
    before_and_after(con)
    ticked(con, SINCE + 7 * DAY)
    console = Console(file=io.StringIO(), width=120)
    print_last_week(last_week(con), console)
    text = console.file.getvalue()
    assert "from 2026-03-02 09:00:00 UTC until 2026-03-09 09:00:00 UTC, the last tick" in text
    assert "welcome   messages        0       2       -2  -100.0\n" in text
