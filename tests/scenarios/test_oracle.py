"""What comes of a test is what the oracle makes of its customers and events, row by row."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.definitions.folder import read_definitions
from flows.definitions.scenarios import load_scenarios
from flows.scenarios.cases import Case as CaseOfFile
from flows.scenarios.cases import cases_of
from flows.scenarios.play import LONG_AFTER
from flows.scenarios.run import Against, places_of_tests, run_cases
from flows.scenarios.staging import owner, stage_cases
from flows.settings import Settings
from flows.warehouse import connect
from tests.oracle.interpreter import decide
from tests.scenarios.mutants import declared
from tests.semantics.cases import Case, Row

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "messages": ("message_id", "at"),
    "steps": ("execution_id", "step", "at", "outcome"),
    "executions": ("execution_id", "branch", "status", "entered_at", "ended_at", "converted_at"),
}


@pytest.mark.parametrize("house", ["data", "demo"])
def test_the_oracle_says_the_same(house: str) -> None:
    folder = ROOT / house
    tests, places = places_of_tests(folder / "tests", Settings())
    found = read_definitions(places.workflows, places.patterns, places.templates)
    read, faults = load_scenarios(tests, [one.workflow_id for one in found.workflows])
    assert not faults
    cases = [case for one in read for case in cases_of(one)]
    with connect(threads=1) as con:
        staged = stage_cases(con, cases)
        tested = run_cases(con, cases, staged, Against.of(found, places, Settings()))
    files = {one.stem: declared(one) for one in (folder / "workflows").iterdir()}
    for number, one in enumerate(tested):
        rows = {name: rows_of(frame, owner(number)) for name, frame in vars(staged).items()}
        expected = decide(oracle_case(one.case, [files[name] for name in one.case.workflows], rows))
        for table, columns in COLUMNS.items():
            came = picked(getattr(one.outcome, table), columns)
            assert came == picked(getattr(expected, table), columns), (one.case.name, table)


def oracle_case(case: CaseOfFile, workflows: list[Any], rows: dict[str, list[Row]]) -> Case:
    end = case.scenario.until or case.last + LONG_AFTER
    return Case(workflows=workflows, customers=rows["customers"], events=rows["events"], end=end)


def rows_of(frame: Any, prefix: str) -> list[Row]:
    mine = [row for row in frame.to_dicts() if row["customer_id"].startswith(prefix)]
    return [
        {key: read(key, value) for key, value in row.items()}
        | {"customer_id": row["customer_id"].removeprefix(prefix)}
        for row in mine
    ]


def read(key: str, value: Any) -> Any:
    return json.loads(value or "{}") if key in ("properties", "attributes") else value


def picked(rows: Any, columns: tuple[str, ...]) -> list[str]:
    return sorted(str([str(row[name]).replace("+00:00", "") for name in columns]) for row in rows)
