"""Views of what comes in and what is kept, counted when asked: data quality, cohorts by step, resources."""

from datetime import date
from pathlib import Path

from flows.store.publish import report_views
from flows.warehouse import connect
from tests.runs import house, person
from tests.semantics.cases import action, at, condition, event, send, trigger, wait, workflow

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 9)


def test_what_is_wrong_with_what_comes_in(tmp_path: Path) -> None:
    asking = trigger("go", when=[condition("events.pay.day.sum.7d", "greater_than", 0)])
    waiting = action("wait_for_event", event={"action": "reply"})
    home = house(tmp_path, workflow(wait("1h"), on=asking), workflow(waiting, workflow_id="v", on="ask"))
    home.patterns({"keen": {"pattern": "cumulative", "events": [{"type": "browse", "threshold": 3}]}})
    home.customers("people", person("ann"))
    names = ("go", "ask", "reply", "pay.day", "Order Completed", "Email Opened", "scroll", "scroll", "pay")
    read = [event(name, at(5), event_id=f"e{number}") for number, name in enumerate(names)]
    home.events("1", *read, event("browse", at(6)), event("go", at(7), "stranger"))
    home.tick(at(10))
    bad = event("go", at(11)) | {"customer_id": ""}
    home.events(
        "2", bad, read[0], event("scroll", at(1), event_id="late"), event("go", at(2), event_id="late too")
    )
    home.tick(at(20))
    file = "2.ndjson"
    (refused,) = home.rows("select reason from quarantine")
    assert home.rows("select day, kind, parse_filename(file), detail, rows from report_data_quality") == [
        (DAY, "duplicate", file, None, 1),
        (DAY, "late", None, None, 2),
        (DAY, "quarantined", file, refused[0], 1),
        (DAY, "unknown_customer", None, None, 1),
        *((DAY, "unread", None, "pay", 1), (DAY, "unread", None, "scroll", 3)),
    ]


def test_a_trigger_that_names_nothing_reads_everything(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(wait("1h"), on=trigger()))
    home.events("1", event("anything", at(5)), event("door", at(5), type="external_event"))
    home.tick(at(10))
    assert home.rows("select detail, rows from report_data_quality where kind = 'unread'") == [("door", 1)]


def test_steps_by_week_of_entry(tmp_path: Path) -> None:
    """Ann's week went through but for the end; Bob's waits, and has left what comes after untouched."""
    home = house(tmp_path, workflow(wait("1h"), send(), wait("2d")))
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("go", at(5)), event("go", at(days=8), "bob"))
    home.tick(at(10, days=8))
    columns = "week, step, action_type, entered, passed, waiting_here, left_here, pct_of_entries"
    assert home.rows(f"select {columns} from report_drop_off_cohorts") == [
        *(
            (DAY, str(step), kind, 1, 1, 0, 0, 100.0)
            for step, kind in enumerate(("wait", "send_email", "wait"))
        ),
        (NEXT, "0", "wait", 1, 0, 1, 0, 100.0),
        *((NEXT, "1", "send_email", 0, 0, 0, 0, 0.0), (NEXT, "2", "wait", 0, 0, 0, 0, 0.0)),
    ]
    summed = "select step, sum(entered), sum(passed), sum(waiting_here), sum(left_here)"
    assert home.rows(f"{summed} from report_drop_off_cohorts group by step order by step") == home.rows(
        "select step, entered, passed, waiting_here, left_here from report_drop_off order by step"
    )


def test_what_is_kept_is_what_is_counted(tmp_path: Path) -> None:
    """Once a sum is another than it should be, it is named, and so is the report that is made of it."""
    home = house(tmp_path, workflow(wait("1h"), send(), wait("2d")))
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("go", at(5)), event("go", at(6), "bob"))
    home.tick(at(70))
    assert home.rows("from report_reconciliation") == []
    (wrong := tmp_path / "wrong.duckdb").write_bytes(home.published.read_bytes())
    with connect(wrong) as con:
        con.execute("update sums set n = n + 1 where name = 'executions'")
        found = con.execute(
            "select name, parts, measure, kept, counted from report_reconciliation"
        ).fetchall()
    assert found[0][2:] == ("n", "3", "2")
    assert {row[0] for row in found} == {"executions", "report_drop_off", "report_workflow_summary"}


def test_what_a_workflow_makes(tmp_path: Path) -> None:
    hook = action("trigger_webhook", url="https://example.com/")
    home = house(
        tmp_path,
        workflow(send(), hook),
        workflow(wait("1h"), workflow_id="v"),
        workflow(workflow_id="idle", on="x"),
    )
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)), event("go", at(6)))
    home.tick(at(10))
    assert home.rows("from report_resources") == [
        ("idle", 1, 0, 0, 0, 0, 0, 0, 0, 0.0),
        ("v", 1, 1, 1, 0, 0, 0, 1, 3, 100 * 3 / 13),
        ("w", 1, 2, 4, 2, 2, 0, 0, 10, 100 * 10 / 13),
    ]
    assert "report_resources" not in report_views()
