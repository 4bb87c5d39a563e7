"""`onward forecast` as people and programs use it: a steady store told exactly, a look back, and what it refuses."""

import json
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, wait, workflow
from tests.tick.test_command_line import Onward, onward, says  # noqa: F401

PEOPLE = [f"p{number}" for number in range(10)]


def steady(root: Path, *ticks: datetime) -> House:
    """Ten customers enter every Monday (`at(days=7 * week)`) and have a message at 06:00 three days later."""
    nobody = workflow(send("hello", content="Hi"), workflow_id="nobody", on="never")
    built = house(root, workflow(wait("3d"), send("hello", content="Hi")), nobody)
    built.customers("people", *map(person, PEOPLE))
    entries = [event("go", at(360, days=7 * week), one) for week in range(10) for one in PEOPLE]
    for now in ticks:
        built.events(f"until-{now:%m%d}", *(one for one in entries if one["ts"] <= now))
        built.tick(now)
    return built


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    """On a Tuesday noon after ten weeks; what came lately was in time to be sent."""
    return steady(tmp_path_factory.mktemp("home"), at(days=59.5), at(days=64.5))


@pytest.fixture
def forecast(onward: Onward, home: House) -> Onward:  # noqa: F811
    """`onward forecast` in that house."""
    return partial(onward, "forecast", **home.environment())


def told(forecast: Onward, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    """What it answers as JSON."""
    found = forecast(*arguments, "--json")
    says(found, 0)
    return dict(json.loads(found.stdout))


def test_a_steady_store_is_told_exactly(forecast: Onward) -> None:
    found = told(forecast, "--days", "10")
    assert found["about"] == [
        {
            "as_of": "2026-05-05T12:00:00.000000Z",
            "first_day": "2026-05-05",
            "days": 10,
            "so_far": 0,
            "last_entry": "2026-05-04",
        }
    ]
    thursdays = {"2026-05-07": (10.0, 0.0), "2026-05-14": (0.0, 10.0)}
    expected = [
        (f"2026-05-{number:02}", *thursdays.get(f"2026-05-{number:02}", (0.0, 0.0)))
        for number in range(5, 15)
    ]
    assert [(one["day"], one["in_flight"], one["entries"]) for one in found["days"]] == expected
    assert all(one["low"] == one["messages"] == one["high"] for one in found["days"])
    assert found["total"] == [{"messages": 20.0, "low": 20, "high": 20, "in_flight": 10.0, "entries": 10.0}]
    assert found["workflows"] == [{"workflow_id": "w", **found["total"][0]}]
    assert found["hours"] == [{"hour": 6, "messages": 20.0, "low": 20, "high": 20}]
    assert [(one["sender"], one["messages"]) for one in found["senders"]] == [("eml", 20.0)]
    assert all(found[name] == [] for name in ("bursts", "young", "inactive", "strangers"))


def test_a_look_back_says_what_came(forecast: Onward) -> None:
    found = told(forecast, "--backcast", "--days", "7")
    assert found["about"][0]["first_entry"] == "2026-03-02"
    assert len(found["errors"]) == 7
    assert all((one["error"], one["last_week_error"], one["within"]) == (0, 0, 1) for one in found["errors"])
    assert [one["came"] for one in found["days"][-7:]] == [0, 0, 10, 0, 0, 0, 0]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_number_is_cut(forecast: Onward, width: int) -> None:
    found = forecast(COLUMNS=str(width))
    says(found, 0, "Thu 2026-05-07", "10.0", "Messages to come, from 2026-05-05")
    assert max(map(len, found.stdout.splitlines())) <= width
    back = forecast("--backcast", COLUMNS=str(width))
    says(back, 0, "What would have been said", "Off by 0.0 messages a day")
    assert max(map(len, back.stdout.splitlines())) <= width


def test_other_workflows_are_left_out(forecast: Onward) -> None:
    assert told(forecast, "--workflow", "w") == told(forecast)
    says(forecast("--workflow", "W1"), 2, "'W1' is the id of no workflow", "allowed: nobody, w")


def test_of_a_workflow_that_nobody_entered_nothing_is_told(forecast: Onward) -> None:
    says(forecast("--workflow", "nobody"), 0, "No forecast: nobody had entered before 2026-05-05.")
    says(forecast("--workflow", "nobody", "--backcast"), 0, "look back 14 days", "nobody has entered yet")
    assert told(forecast, "--workflow", "nobody")["about"][0]["last_entry"] is None


@pytest.mark.parametrize("days", ["0", "93", "soon"])
def test_days_are_a_number_within_reason(forecast: Onward, days: str) -> None:
    says(forecast("--days", days), 2, "--days")


def test_a_store_of_ten_days_says_that_it_knows_too_little(onward: Onward, tmp_path: Path) -> None:  # noqa: F811
    young = steady(tmp_path / "young", at(days=10))
    found = onward("forecast", **young.environment())
    says(found, 0, "No forecast", "w: no figure; its first entry was on 2026-03-02")
    back = onward("forecast", "--backcast", **young.environment())
    says(back, 0, "too little history to look back 14 days", "the first entry was on 2026-03-02")
    assert told(partial(onward, "forecast", **young.environment()))["days"] == []


def test_of_a_paused_workflow_nothing_is_expected(onward: Onward, tmp_path: Path) -> None:  # noqa: F811
    paused = steady(tmp_path / "paused", at(days=64))
    paused.define(workflow(wait("3d"), send("hello", content="Hi"), is_active=False))
    paused.tick(at(days=64.5))
    found = onward("forecast", **paused.environment())
    says(found, 0, "No forecast", "Not active, so that nothing is expected of it: w")
    assert onward("forecast", "--backcast", **paused.environment()).returncode == 0


def test_a_store_without_a_run_says_so(onward: Onward, tmp_path: Path) -> None:  # noqa: F811
    empty = house(tmp_path / "empty")
    for option in ((), ("--backcast",)):
        says(onward("forecast", *option, **empty.environment()), 0, "No executions yet")
    says(onward("forecast", "--json", **empty.environment()), 0, "{}")


def test_of_messages_that_were_too_old_to_be_sent_no_sender_is_known(onward: Onward, tmp_path: Path) -> None:  # noqa: F811
    loaded = steady(tmp_path / "loaded", at(days=64))
    found = told(partial(onward, "forecast", **loaded.environment()))
    assert found["senders"] == [{"sender": None, "messages": 20.0, "low": 20, "high": 20}]
