"""Views that are counted when asked: who waits where, and what events tell of messages; against literal rows."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.runs import House, house, person
from tests.semantics.cases import Row, action, at, event, send, wait, workflow


def told(name: str, minute: float, message: str, **more: Any) -> Row:
    return event(name, at(minute), properties={"message_id": message, **more}, event_id=f"{name}-{minute}")


@pytest.fixture
def home(tmp_path: Path) -> House:
    """Ann and Bob have a letter each, and wait for a day; Cy awaits an event without end, after a delay of an hour."""
    listening = action("wait_for_event", event={"action": "reply"})
    home = house(
        tmp_path,
        workflow(send(), wait("1d"), workflow_id="w"),
        workflow(listening, workflow_id="v", on="ask"),
    )
    home.template("hello.txt.j2", "---\nsubject: Hello\n---\nHello!\n")
    home.customers("people", *(person(one, email=f"{one}@example.com") for one in ("ann", "bob", "cy")))
    home.events("1", event("go", at(5)), event("go", at(6), "bob"), event("ask", at(7), "cy"))
    home.tick(at(10))
    return home


def test_who_waits_where(home: House) -> None:
    asked = "select customer_id, workflow_id, step, action_type, since, until from waiting order by 1"
    assert home.rows(asked) == [
        ("ann", "w", "1", "wait", at(5), at(5, days=1)),
        ("bob", "w", "1", "wait", at(6), at(6, days=1)),
        ("cy", "v", "0", "wait_for_event", at(7), None),
    ]
    home.tick(at(10, days=1))
    assert [who for who, *_ in home.rows(asked)] == ["cy"]


def test_whoever_is_delayed_waits_at_the_step_to_come(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(), send(delay=3600)))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    assert home.rows("select step, status, since, until from waiting") == [("1", "running", at(5), at(65))]


def test_what_events_tell_of_messages(home: House) -> None:
    ((ann,), (_bob,)) = home.rows("select message_id from messages order by customer_id")
    home.events(
        "2",
        told("Email Delivered", 11, ann),
        told("Email Opened", 12, ann, machine=True),
        told("Email Link Clicked", 20, ann, link="https://example.com"),
        told("Email Opened", 25, ann),
        told("Email Link Clicked", 30, ann),
        told("Unsubscribed", 31, ann),
        told("Email Opened", 13, "nobody's"),
    )
    home.tick(at(40))
    columns = "delivered_at, opened_at, clicked_at, clicks, bounced_at, complained_at, unsubscribed_at"
    assert home.rows(f"select {columns} from message_engagement order by customer_id") == [
        (at(11), at(20), at(20), 2, None, None, at(31)),
        (None, None, None, 0, None, None, None),
    ]


def test_engagement_by_template(home: House) -> None:
    ((ann,), _) = home.rows("select message_id from messages where status = 'sent' order by customer_id")
    home.events("2", told("Email Opened", 12, ann), told("Email Delivered", 11, ann))
    home.tick(at(40))
    columns = "template_id, subject, sent, delivered, opened, clicked, open_rate"
    assert home.rows(f"select {columns} from report_message_engagement") == [
        ("hello", "Hello", 2, 1, 1, 0, 50.0)
    ]


def test_instants_have_names_that_need_no_quotes(home: House) -> None:
    for table, twin in (("steps", "acted_at"), ("messages", "decided_at")):
        assert home.rows(f'select bool_and("at" = {twin}) from {table}') == [(True,)]


def test_cohorts_by_week_and_arm(tmp_path: Path) -> None:
    goal = {"type": "behavioral", "config": {"action": "buy"}, "window": "2d"}
    treated = workflow(wait("1h"), goal=goal, workflow_id="w")
    home = house(tmp_path, treated, workflow(goal=goal, holdout=1, workflow_id="v"))
    home.customers("people", person("ann"), person("bob"))
    home.events(
        "1", event("go", at(5)), event("go", at(6), "bob"), event("buy", at(26)), event("buy", at(36), "bob")
    )
    home.tick(at(100))
    home.events("2", event("go", at(days=8)))
    home.tick(at(1, days=8))
    monday, next_monday = date(2026, 3, 2), date(2026, 3, 9)
    columns = "workflow_id, week, arm, entered, converted, active, hits, hit_rate"
    assert home.rows(f"select {columns} from report_entry_cohorts") == [
        ("v", monday, "held_out", 2, 0, 0, 2, 100.0),
        ("v", next_monday, "held_out", 1, 0, 0, 0, 0.0),
        ("w", monday, "treated", 2, 2, 0, 2, 100.0),
        ("w", next_monday, "treated", 1, 0, 1, 0, 0.0),
    ]
    timed = "workflow_id, executions, hits, open, median_seconds, p90_seconds"
    assert home.rows(f"select {timed} from report_time_to_goal") == [
        ("v", 3, 2, 1, 25.5 * 60, 29.1 * 60),
        ("w", 3, 2, 1, 25.5 * 60, 29.1 * 60),
    ]


def test_what_has_no_hits_has_no_rate(tmp_path: Path) -> None:
    decided = {"attribute": "execution.decision", "operator": "equals", "value": "yes"}
    goal = {"type": "behavioral", "config": {"action": "buy"}, "conditions": [decided]}
    home = house(tmp_path, workflow(wait("1h"), goal=goal), workflow(workflow_id="without"))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)), event("buy", at(6)))
    home.tick(at(10))
    assert home.rows("select hits, hit_rate from report_entry_cohorts") == [(None, None), (None, None)]
    assert home.rows("from report_time_to_goal") == []
