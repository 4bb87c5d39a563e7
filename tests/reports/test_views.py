"""Each report view against literal rows; the drop-off's invariants; the printed form."""

import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from rich.console import Console

from flows.reports.frames import report_frames
from flows.reports.terminal import print_reports
from flows.warehouse import tables
from tests.reports.sums import count_anew, counted_tables

T = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["tables", "sums"])
def con(request: pytest.FixtureRequest) -> Iterator[DuckDBPyConnection]:
    """Tables; reports count them, or are made of sums that `counted` counts."""
    with counted_tables(on_sums=request.param == "sums") as found:
        yield found


def counted(con: DuckDBPyConnection) -> DuckDBPyConnection:
    """The store, with sums of what is there now if it has any."""
    if "sums" in tables(con):
        count_anew(con)
    return con


def insert(con: DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join("?" for _ in row)
        con.execute(f"insert into {table} ({names}) values ({places})", list(row.values()))


def version(
    con: DuckDBPyConnection,
    workflow: str = "welcome",
    number: int = 1,
    steps: Sequence[tuple[str, str, str]] = (),
    branch: str = "default",
    name: str | None = None,
) -> None:
    known = con.execute(
        "select count(*) from workflow_versions where workflow_id = ? and number = ?", [workflow, number]
    ).fetchone()
    if not known[0]:
        insert(
            con,
            "workflow_versions",
            {
                "workflow_id": workflow,
                "version": f"v{number}",
                "number": number,
                "workflow_name": name or workflow,
            },
        )
    for position, (step, action, label) in enumerate(steps):
        place = {"workflow_id": workflow, "version": f"v{number}", "branch": branch, "step": step}
        insert(con, "program_steps", {**place, "position": position, "action_type": action, "label": label})


def execution(
    con: DuckDBPyConnection,
    name: str,
    status: str = "completed",
    *logged: tuple[str, str, str],
    workflow: str = "welcome",
    number: int = 1,
    branch: str | None = "default",
    **more: Any,
) -> None:
    """One execution and its logged steps: (step, action, outcome)."""
    ended = None if status in {"running", "paused"} else T + HOUR
    row = {"execution_id": name, "workflow_id": workflow, "version": f"v{number}", "customer_id": name}
    row |= {"entered_at": T, "branch": branch, "status": status, "ended_at": ended, **more}
    insert(con, "executions", row | {"held_by": held_by(logged)})
    of_steps = ("execution_id", "workflow_id", "version", "customer_id", "entered_at", "branch")
    for step, action, outcome in logged:
        entry = {column: row[column] for column in of_steps}
        insert(con, "steps", {**entry, "step": step, "action_type": action, "outcome": outcome, "at": T})


def held_by(logged: Sequence[tuple[str, str, str]]) -> str | None:
    """The step that holds an execution that logged these: (step, action, outcome)."""
    last = [one for one in logged if not one[2].startswith("deferred:")][-1:]
    holds = [
        step
        for step, action, outcome in last
        if (action, outcome) == ("wait", "done") or "failed:" in outcome
    ]
    return holds[0] if holds else None


def message(
    con: DuckDBPyConnection,
    name: str,
    status: str,
    at: datetime = T,
    workflow: str = "welcome",
    template: str = "hello",
) -> None:
    row = {"message_id": name, "execution_id": name, "workflow_id": workflow, "customer_id": name, "at": at}
    insert(con, "messages", {**row, "template_id": template, "status": status})


def report(con: DuckDBPyConnection, name: str) -> pl.DataFrame:
    return report_frames(counted(con))[f"report_{name}"]


def summary(con: DuckDBPyConnection) -> dict[str, Any]:
    """The one workflow's row, without medians and the like, which only sums say."""
    (row,) = report(con, "workflow_summary").drop(pl.selectors.matches("^(median|p95)_")).rows(named=True)
    return row


# The workflow summary


def test_summary_of_a_workflow_without_executions_is_zeros(con: DuckDBPyConnection) -> None:
    version(con, name="Welcome")
    assert summary(con) == {
        "workflow_id": "welcome",
        "workflow_name": "Welcome",
        **dict.fromkeys(["total_executions", "completed", "failed", "active", "converted"], 0),
        **dict.fromkeys(["exited", "held_out", "conversions"], 0),
        **dict.fromkeys(["completion_rate", "failure_rate", "conversion_rate"], None),
        **dict.fromkeys(["average_execution_seconds", "first_entry", "last_entry"], None),
    }


def test_summary_counts_each_status_once_and_leaves_the_held_out_ones_out_of_the_total(
    con: DuckDBPyConnection,
) -> None:
    version(con, number=1, name="Old name")
    version(con, number=2, name="New name")
    execution(con, "a")
    execution(con, "b", ended_at=T + 3 * HOUR)
    execution(con, "c", "running", converted_at=T)
    execution(con, "d", "paused")
    execution(con, "e", "converted", converted_at=T + HOUR, entered_at=T + HOUR)
    execution(con, "f", "exited")
    execution(con, "g", "failed", number=2)
    execution(con, "h", "held_out", branch=None, entered_at=T + 2 * HOUR)
    assert summary(con) == {
        "workflow_id": "welcome",
        "workflow_name": "New name",
        "total_executions": 7,
        "completed": 2,
        "failed": 1,
        "active": 2,
        "converted": 1,
        "exited": 1,
        "held_out": 1,
        "conversions": 2,
        "completion_rate": pytest.approx(200 / 7),
        "failure_rate": pytest.approx(100 / 7),
        "conversion_rate": pytest.approx(200 / 7),
        "average_execution_seconds": 7200.0,
        "first_entry": T,
        "last_entry": T + HOUR,
    }


def test_counts_reach_polars_as_integers(con: DuckDBPyConnection) -> None:
    schema = report(con, "workflow_summary").schema
    assert schema["total_executions"] == pl.Int64
    assert schema["completion_rate"] == pl.Float64
    assert schema["first_entry"] == pl.Datetime("us", "UTC")
    assert report(con, "drop_off").schema["entered"] == pl.Int64
    assert report(con, "messages_daily").schema["accepted"] == pl.Int64


# The drop-off


def places(con: DuckDBPyConnection) -> dict[str, tuple[int, ...]]:
    """step → (entered, passed, waiting, converted, exited, failed), in order; invariants checked."""
    rows = report(con, "drop_off").rows(named=True)
    for row in rows:
        gone = row["left_here_converted"] + row["left_here_exited"] + row["left_here_failed"]
        assert row["left_here"] == gone
        assert row["entered"] == row["passed"] + row["waiting_here"] + row["left_here"]
    names = (
        "entered",
        "passed",
        "waiting_here",
        "left_here_converted",
        "left_here_exited",
        "left_here_failed",
    )
    return {row["step"]: tuple(row[name] for name in names) for row in rows}


LINE = [
    ("0", "send_email", "hello"),
    ("1", "wait", "2d"),
    ("2", "send_email", "tips"),
    ("3", "add_tag", "vip"),
]
SENT, WAITED = ("0", "send_email", "done"), ("1", "wait", "done")
SKIPPED = ("2", "send_email", "skipped")


def test_drop_off_of_a_straight_path(con: DuckDBPyConnection) -> None:
    version(con, steps=LINE)
    execution(con, "done", "completed", SENT, WAITED, ("2", "send_email", "done"), ("3", "add_tag", "done"))
    execution(con, "skipped", "completed", SENT, WAITED, SKIPPED, ("3", "add_tag", "done"))
    execution(con, "new", "running", step="0", phase="due")
    execution(
        con, "suppressed", "running", ("0", "send_email", "suppressed:consent"), step="1", phase="delayed"
    )
    execution(con, "held", "held_out", branch=None)
    assert places(con) == {
        "0": (4, 3, 1, 0, 0, 0),
        "1": (3, 2, 1, 0, 0, 0),
        "2": (2, 2, 0, 0, 0, 0),
        "3": (2, 2, 0, 0, 0, 0),
    }
    assert report(con, "drop_off")["pct_of_entries"].to_list() == [100.0, 75.0, 50.0, 50.0]
    assert report(con, "drop_off")["label"].to_list() == ["hello", "2d", "tips", "vip"]


def test_whoever_waits_or_ends_during_a_wait_counts_at_the_wait(con: DuckDBPyConnection) -> None:
    version(con, steps=LINE)
    execution(con, "waits", "running", SENT, WAITED, step="2", phase="due", due_at=T + 48 * HOUR)
    execution(con, "bought", "converted", SENT, WAITED, step="2", phase="due")
    execution(con, "left", "exited", SENT, WAITED, step="2", phase="due")
    execution(con, "delayed", "running", SENT, WAITED, step="2", phase="delayed")
    assert places(con) == {
        "0": (4, 4, 0, 0, 0, 0),
        "1": (4, 1, 1, 1, 1, 0),
        "2": (1, 0, 1, 0, 0, 0),
        "3": (0, 0, 0, 0, 0, 0),
    }


def test_a_wait_at_the_end_is_still_waited_in(con: DuckDBPyConnection) -> None:
    version(con, steps=LINE[:2])
    execution(con, "waits", "running", SENT, WAITED, step=None, phase="due", due_at=T + 48 * HOUR)
    execution(con, "through", "completed", SENT, WAITED, step=None, phase="due")
    assert places(con) == {"0": (2, 2, 0, 0, 0, 0), "1": (2, 1, 1, 0, 0, 0)}


def test_waiting_for_an_event_until_it_comes(con: DuckDBPyConnection) -> None:
    version(
        con,
        steps=[("0", "wait_for_event", "opened"), ("0.event.0", "add_tag", "keen"), ("1", "add_tag", "x")],
    )
    started, came = ("0", "wait_for_event", "waiting"), ("0", "wait_for_event", "event")
    execution(con, "waits", "running", started, step="0", phase="waiting")
    execution(con, "bought", "converted", started, step="0", phase="waiting")
    execution(
        con, "came", "completed", started, came, ("0.event.0", "add_tag", "done"), ("1", "add_tag", "done")
    )
    assert places(con) == {
        "0": (3, 1, 1, 1, 0, 0),
        "0.event.0": (1, 1, 0, 0, 0, 0),
        "1": (1, 1, 0, 0, 0, 0),
    }


def test_a_failure_is_left_where_it_failed(con: DuckDBPyConnection) -> None:
    version(con, steps=LINE)
    execution(con, "late", "failed", SENT, ("1", "wait", "failed:out_of_range"), step="1", phase="due")
    execution(con, "moved_on", "failed", SENT, ("1", "wait", "failed:out_of_range"), step=None, phase=None)
    assert places(con)["1"] == (2, 0, 0, 0, 0, 2)
    assert places(con)["2"] == (0, 0, 0, 0, 0, 0)


def test_drop_off_keeps_branches_apart_and_orders_by_position(con: DuckDBPyConnection) -> None:
    version(con, steps=[(str(n), "add_tag", f"t{n}") for n in range(11)])
    version(con, steps=[("0", "send_email", "vip_hello")], branch="vip")
    execution(con, "a", "exited", step="0", phase="due")
    execution(con, "b", "running", step="0", phase="due", branch="vip")
    rows = report(con, "drop_off").rows(named=True)
    assert [(row["branch"], row["step"]) for row in rows] == [
        *(("default", str(n)) for n in range(11)),
        ("vip", "0"),
    ]
    assert (rows[0]["left_here_exited"], rows[-1]["waiting_here"], rows[-1]["label"]) == (1, 1, "vip_hello")


def test_versions_with_executions_are_merged_under_the_newest_of_them(con: DuckDBPyConnection) -> None:
    version(con, number=1, steps=LINE)
    version(con, number=2, steps=[("0", "send_email", "hello_2"), *LINE[1:2]])
    version(con, number=3, steps=[("0", "send_email", "unused")])
    execution(con, "old", "running", SENT, step="1", phase="delayed", number=1)
    execution(con, "new", "running", step="0", phase="due", number=2)
    rows = report(con, "drop_off").rows(named=True)
    assert [(row["step"], row["label"], row["entered"]) for row in rows] == [
        ("0", "hello_2", 2),
        ("1", "2d", 1),
        ("2", "tips", 0),
        ("3", "vip", 0),
    ]


# Where executions stand


def standing(con: DuckDBPyConnection) -> dict[str, tuple[Any, ...]]:
    """execution → (step, is_logged)."""
    return {
        name: tuple(place)
        for name, *place in con.execute(
            "select execution_id, step, is_logged from execution_standing"
        ).fetchall()
    }


def test_an_execution_stands_at_its_step_or_in_the_wait_before_it(con: DuckDBPyConnection) -> None:
    version(con, steps=LINE)
    version(con, steps=[("0", "wait_for_event", "opened")], branch="other")
    execution(con, "new", "running", step="0", phase="due")
    execution(con, "delayed", "paused", SENT, WAITED, step="2", phase="delayed")
    execution(con, "in_wait", "running", SENT, WAITED, step="2", phase="due")
    execution(con, "bought_in_wait", "converted", SENT, WAITED, step="2", phase="due")
    execution(con, "last_wait", "running", SENT, WAITED, step=None, phase="due")
    execution(
        con,
        "for_event",
        "running",
        ("0", "wait_for_event", "waiting"),
        branch="other",
        step="0",
        phase="waiting",
    )
    execution(con, "deferred", "running", ("0", "send_email", "deferred:quiet_hours"), step="0", phase="due")
    execution(con, "failed", "failed", SENT, ("1", "wait", "failed:out_of_range"), step="2", phase="due")
    execution(con, "nowhere", "exited", SENT, step=None, phase=None)
    execution(con, "through", "completed", SENT, step=None)
    execution(con, "held", "held_out", branch=None)
    assert standing(con) == {
        "new": ("0", False),
        "delayed": ("2", False),
        "in_wait": ("1", True),
        "bought_in_wait": ("1", True),
        "last_wait": ("1", True),
        "for_event": ("0", True),
        "deferred": ("0", False),
        "failed": ("1", True),
        "nowhere": (None, False),
    }


# Messages by day


def test_messages_by_utc_day_workflow_and_template(con: DuckDBPyConnection) -> None:
    version(con, steps=LINE)
    for name, status in enumerate(["sent", "sent", "suppressed", "expired", "failed", "unknown", "pending"]):
        message(con, str(name), status)
    message(con, "next", "sent", at=datetime(2026, 3, 2, tzinfo=UTC))
    execution(con, "a", "completed", ("0", "send_email", "suppressed:consent"))
    execution(con, "b", "completed", ("0", "send_email", "suppressed:frequency_cap"))
    execution(con, "c", "completed", ("2", "send_email", "suppressed:consent"), SENT)
    names = [
        "day",
        "template_id",
        "accepted",
        "sent",
        "suppressed_at_dispatch",
        "expired",
        "failed",
        "unknown",
    ]
    names += ["pending", "suppressed_consent", "suppressed_frequency_cap"]
    assert report(con, "messages_daily").select(names).rows() == [
        (date(2026, 3, 1), "hello", 7, 2, 1, 1, 1, 1, 1, 1, 1),
        (date(2026, 3, 1), "tips", 0, 0, 0, 0, 0, 0, 0, 1, 0),
        (date(2026, 3, 2), "hello", 1, 1, 0, 0, 0, 0, 0, 0, 0),
    ]


def test_the_day_is_utc_whatever_the_session_says(con: DuckDBPyConnection) -> None:
    con.execute("set TimeZone = 'Asia/Tokyo'")
    message(con, "m", "sent", at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    assert report(con, "messages_daily")["day"].to_list() == [date(2026, 3, 1)]


# Customers and events


def test_customers_carry_their_attributes_as_one_object_and_sorted_tags(con: DuckDBPyConnection) -> None:
    insert(con, "profiles", {"customer_id": "a", "known": True})
    insert(con, "profiles", {"customer_id": "b", "known": False})
    for name, value in {
        "plan": '"pro"',
        'odd "name"': "1.5",
        "gone": None,
        "list": '[1, {"a": null}]',
        "email": '"a@example.com"',
        "timezone": '"UTC"',
    }.items():
        insert(con, "attributes", {"customer_id": "a", "attribute": name, "value": value})
    insert(con, "tags", {"customer_id": "a", "tag": "vip"}, {"customer_id": "a", "tag": "big"})
    first, second = con.sql("select * from customers order by customer_id").pl().rows(named=True)
    assert json.loads(first["attributes"]) == {"plan": "pro", 'odd "name"': 1.5, "list": [1, {"a": None}]}
    assert (first["tags"], first["email"], first["known"]) == (["big", "vip"], "a@example.com", True)
    assert (second["attributes"], second["tags"], second["known"]) == ("{}", [], False)


# The printed form


def printed(con: DuckDBPyConnection) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_reports(counted(con), console)
    return console.file.getvalue()


def test_without_executions_the_reports_say_what_to_do(con: DuckDBPyConnection) -> None:
    assert "onward run" in " ".join(printed(con).split())


def test_the_printed_reports_fit_and_name_everything(con: DuckDBPyConnection) -> None:
    version(con, steps=LINE, workflow="abandoned_cart_recovery")
    steps = [SENT, WAITED, SKIPPED, ("3", "add_tag", "done")]
    execution(con, "a", "completed", *steps, workflow="abandoned_cart_recovery")
    execution(con, "b", "running", workflow="abandoned_cart_recovery", step="0", phase="due")
    message(con, "m", "sent", workflow="abandoned_cart_recovery", template="cart_reminder_1")
    message(
        con, "old", "sent", at=T - timedelta(days=20), workflow="abandoned_cart_recovery", template="too_old"
    )
    text = printed(con)
    assert max(map(len, text.splitlines())) <= 100
    assert all(
        word in text for word in ("abandoned_cart_recovery", "send_email", "vip", "50.0", f"{T:%Y-%m-%d}")
    )
    assert "1.0 h" in text
    assert f"{T - timedelta(days=20):%Y-%m-%d}" not in text


def test_every_report_file_says_its_grain() -> None:
    folder = Path(__file__).parents[2] / "sql"
    files = [
        file
        for name in ("reports", "store/sums", "store/views", "store/schema")
        for file in (folder / name).rglob("*.sql")
    ]
    assert files
    assert all(
        file.read_text().startswith(("-- One row per ", "-- One row:", "-- No rows:")) for file in files
    )
