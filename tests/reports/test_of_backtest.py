"""The reports over a backtest are those of a store that decided the same, and go with the next backtest."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from flows.cli import app
from flows.warehouse import connect
from tests.runs import House, house, person
from tests.semantics.cases import at, condition, event, send, tag, trigger, wait, workflow

FLOW = workflow(
    send(),
    wait("1h"),
    send("later", when=[condition("plan", "equals", "pro")]),
    wait("3d"),
    tag("done"),
    goal={"type": "behavioral", "config": {"action": "buy"}, "exit": False, "window": "2d"},
    holdout=0.3,
    exit_on=[trigger("leave")],
)
END = at(days=2)
COUNTED = ("report_drop_off", "report_entry_cohorts", "report_drop_off_cohorts", "report_time_to_goal")


@pytest.fixture
def home(tmp_path: Path) -> House:
    built = house(tmp_path, FLOW)
    built.customers("people", *(person(f"c{n}", plan="pro" if n % 2 else "free") for n in range(30)))
    entered = [event("go", at(5 + n), f"c{n}") for n in range(30)]
    bought = [event("buy", at(40 + 7 * n), f"c{n}") for n in range(0, 30, 4)]
    left = [event("leave", at(60 + n), f"c{n}") for n in range(0, 30, 5)]
    built.events("1", *entered, *bought, *left)
    return built


def backtested(home: House, out: Path, *options: str) -> str:
    given = {
        "--workflows": home.settings.workflows,
        "--customers": home.settings.inbox / "customers" / "people.ndjson",
        "--events": home.settings.inbox / "events" / "1.ndjson",
        "--end": f"{END:%Y-%m-%dT%H:%M:%SZ}",
        "--out": out,
    }
    told = [str(part) for pair in given.items() for part in pair]
    found = CliRunner().invoke(app, ["backtest", *told, *options])
    assert not found.exception, found.output
    return found.output


def of_store(home: House, name: str, until: datetime) -> pl.DataFrame:
    home.tick(until)
    with connect(home.published, read_only=True) as con:
        return con.sql(f"from {name}").pl()


def test_reports_are_those_of_a_store(home: House, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "Drop-off: w, branch default" in backtested(home, out, "--report")
    for name in (*COUNTED, "report_survival"):
        found = pl.read_parquet(out / "reports" / f"{name}.parquet")
        assert len(found) > 0, name
        assert_frame_equal(found, of_store(home, name, END), check_dtypes=False, rel_tol=1e-9)
    summary = pl.read_parquet(out / "reports" / "report_workflow_summary.parquet")
    same = [one for one in summary.columns if not one.startswith(("median_", "p95_"))]
    assert_frame_equal(summary.select(same), of_store(home, "report_workflow_summary", END).select(same))


def test_messages_count_as_accepted_and_not_sent(home: House, tmp_path: Path) -> None:
    backtested(home, tmp_path / "out", "--report")
    daily = pl.read_parquet(tmp_path / "out" / "reports" / "report_messages_daily.parquet")
    assert daily["accepted"].sum() == daily["pending"].sum() > 0
    assert daily["sent"].sum() == 0


def test_reports_of_an_earlier_backtest_go(home: House, tmp_path: Path) -> None:
    out = tmp_path / "out"
    backtested(home, out, "--report")
    backtested(home, out)
    assert list((out / "reports").glob("*.parquet")) == []


def test_tables_that_the_reports_read_have_to_be_written(home: House, tmp_path: Path) -> None:
    given = ["--workflows", str(home.settings.workflows), "--events", "none.ndjson", "--end", "2026-01-01"]
    asked = ["backtest", *given, "--out", str(tmp_path / "out"), "--only", "executions,messages", "--report"]
    found = CliRunner().invoke(app, asked)
    assert "--report reads steps, goal_hits, too; add them, or leave --only out" in str(found.exception)
