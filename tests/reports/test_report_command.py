"""`onward report` as people and programs use it: JSON, CSV, workflows, since, compare, and what it refuses."""

import csv
import io
import json
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from flows.store.publish import report_views
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, tag, workflow
from tests.tick.test_command_line import Onward, onward, says  # noqa: F401

LONG = "a_workflow_whose_id_is_as_long_as_sixty_characters_in_a_row_0"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Two workflows after a tick: ann entered both at minute 5."""
    long = {**workflow(tag("too")), "workflow_id": LONG}
    built = house(tmp_path_factory.mktemp("home"), workflow(tag("went"), send("hello", content="Hi")), long)
    built.customers("people", person("ann"))
    built.events("go", event("go", at(5)))
    built.tick(at(10))
    return built


@pytest.fixture
def report(onward: Onward, home: House) -> Onward:  # noqa: F811
    """`onward report` in that house."""
    return partial(onward, "report", **home.environment())


def test_json_is_every_view_with_all_its_rows_and_instants_in_utc(report: Onward) -> None:
    found = report("--json")
    says(found, 0)
    told = json.loads(found.stdout)
    assert list(told) == report_views()
    first, _ = sorted(told["report_workflow_summary"], key=lambda one: -len(one["workflow_id"]))
    assert (first["workflow_id"], first["completed"]) == (LONG, 1)
    assert first["first_entry"] == "2026-03-02T00:05:00.000000Z"
    assert [one["day"] for one in told["report_messages_daily"]] == ["2026-03-02"]


def test_csv_is_one_view(report: Onward, home: House) -> None:
    found = report("--csv", "report_workflow_summary", "--workflow", "w")
    says(found, 0)
    (row,) = csv.DictReader(io.StringIO(found.stdout))
    ((total, first),) = home.rows(
        "select total_executions, first_entry from report_workflow_summary where workflow_id = 'w'"
    )
    assert (row["workflow_id"], int(row["total_executions"])) == ("w", total)
    assert row["first_entry"] == f"{first:%Y-%m-%dT%H:%M:%S}.000000Z"
    assert row["median_conversion_seconds"] == ""


def test_a_view_that_is_counted_when_asked_is_csv_too(report: Onward) -> None:
    found = report("--csv", "report_message_engagement", "--workflow", "w")
    says(found, 0)
    (row,) = csv.DictReader(io.StringIO(found.stdout))
    assert (row["workflow_id"], row["sent"], row["opened"]) == ("w", "1", "0")
    assert "report_message_engagement" not in json.loads(report("--json").stdout)


def test_since_and_workflows_are_told_of_alone(report: Onward) -> None:
    says(
        report("--since", "2026-03-02T00:05:00Z", "--workflow", "w"),
        0,
        "entered since 2026-03-02 00:05:00 UTC",
    )
    found = report("--since", "2026-03-02T00:05:01Z", "--json")
    assert [one["total_executions"] for one in json.loads(found.stdout)["report_workflow_summary"]] == [0, 0]
    both = report("--workflow", "w", "--workflow", LONG, "--json")
    assert both.stdout == report("--json").stdout


def test_the_last_week_is_that_of_the_last_tick(report: Onward) -> None:
    found = report("--compare", "last-week", "--workflow", "w")
    says(found, 0, "until 2026-03-02 00:10:00 UTC, the last tick")
    rows = json.loads(report("--compare", "last-week", "--json").stdout)["report_last_week"]
    assert {
        (one["measure"], one["last_week"], one["week_before"]) for one in rows if one["workflow_id"] == "w"
    } == {
        ("entries", 1, 0),
        ("completions", 1, 0),
        ("conversions", 0, 0),
        ("messages", 1, 0),
    }
    found = report("--compare", "last-week", "--csv", "report_last_week")
    assert pl.read_csv(io.StringIO(found.stdout)).height == 8


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ("--csv drop_off", ["--csv 'drop_off'", "report_messages_daily", "did you mean 'report_drop_off'?"]),
        ("--compare last-week --csv report_drop_off", ["allowed: report_last_week"]),
        ("--csv report_drop_off --html page.html", ["give it without --json and --html"]),
        ("--since 2026-01-01 --csv report_message_engagement", ["allowed: report_workflow_summary"]),
        ("--csv report_drop_off --json", ["--csv report_drop_off prints one view alone"]),
        ("--compare last-week --since 2026-01-01", ["--compare last-week", "without --since"]),
        ("--compare last-month", ["--compare", "last-week"]),
        ("--since yesterday", ["--since 'yesterday' is not an instant"]),
        (f"--workflow {LONG[:40]}", [f"did you mean '{LONG}'?"]),
        ("--workflow x", ["--workflow 'x'", f"allowed: {LONG}, w"]),
        ("--compare last-week --workflow x", ["--workflow 'x'"]),
        ("--html page.html --since 2026-01-01", ["--html page.html tells of all time", "without --since"]),
        ("--html page.html --compare last-week", ["without --since and --compare"]),
        ("--html nowhere/page.html", ["--html nowhere/page.html"]),
        (
            "--csv report_caps --workflow w",
            ["report_caps is of all workflows together", "without --workflow"],
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(report: Onward, options: str, texts: list[str]) -> None:
    found = report(*options.split())
    says(found, 2, *texts)
    assert found.stdout == ""


def test_a_page_has_every_column_however_narrow_the_terminal(report: Onward, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = report("--html", str(page), COLUMNS="60")
    says(found, 0, "not shown for want of width", "Written to")
    assert "not shown" not in page.read_text()
    assert LONG in page.read_text()
    found = report("--json", "--html", str(page))
    assert list(json.loads(found.stdout)) == report_views()
    assert "Written to" in found.stderr


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_long_id_is_whole_or_goes_on(report: Onward, width: int) -> None:
    found = report(COLUMNS=str(width))
    says(found, 0)
    assert max(map(len, found.stdout.split("\n"))) <= width
    assert LONG in (found.stdout if width > len(LONG) else found.stdout.replace("\n", ""))


def test_an_empty_store_has_views_without_rows(onward: Onward, tmp_path: Path) -> None:  # noqa: F811
    house(tmp_path)
    says(onward("report"), 0, "No executions yet")
    says(onward("report", "--compare", "last-week"), 0, "No executions yet")
    says(onward("report", "--since", "2026-01-01"), 0, "No executions yet")
    assert json.loads(onward("report", "--json").stdout) == {name: [] for name in report_views()}
    assert onward("report", "--csv", "report_drop_off").stdout.startswith("workflow_id,branch,step,")
    says(onward("report", "--workflow", "x"), 2, "allowed: none")
