"""A random store whose goals are reconsidered, against the oracle."""

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.errors import InputError
from flows.tick.reconsider import reconsider_goal
from tests.oracle.interpreter import decide_ticks
from tests.runs import House
from tests.semantics.cases import Case, Row, show
from tests.tick.test_equals_oracle import Ticks, ticked_house, with_columns

COLUMNS = ("execution_id", "entered_at", "at", "event_id")


def assert_recounted(case: Case, ticks: Ticks, goal: Row) -> None:
    """One workflow's goal reconsidered: unchanged gives the hits that ticks found, changed to `goal` the oracle's."""
    case = replace(case, start=None, customers=[with_columns(one) for one in case.customers])
    with TemporaryDirectory() as folder:
        home = ticked_house(Path(folder), case, ticks, ["ndjson"] * 3)
        for name in [one["workflow_id"] for one in case.workflows if one.get("goal")]:
            if _is_reconsidered(home, name):
                assert _hits(home, name, "goal_hits_reconsidered") == _hits(home, name, "goal_hits"), show(
                    case
                )
                break
        home.define(*({**one, "goal": goal} for one in case.workflows))
        counted = replace(case, workflows=[{**one, "counted": goal} for one in case.workflows])
        expected = decide_ticks(counted, ticks).goal_hits
        for name in [one["workflow_id"] for one in case.workflows]:
            if _is_reconsidered(home, name):
                rows = [
                    [str(one[column]) for column in COLUMNS] for one in expected if one["workflow_id"] == name
                ]
                assert _hits(home, name, "goal_hits_reconsidered") == sorted(rows), show(counted)
                break


def _is_reconsidered(home: House, name: str) -> bool:
    """Done, unless nobody entered it, the goal has no hits, or it isn't one in this house."""
    try:
        reconsider_goal(home.settings, name)
    except InputError as refused:
        if not re.search("nobody entered|asks for the execution|has faults", str(refused)):
            raise
        return False
    return True


def _hits(home: House, name: str, table: str) -> list[list[str]]:
    columns = "execution_id, entered_at, acted_at, event_id"
    found = home.rows(f"select {columns} from {table} where workflow_id = '{name}'")
    return sorted([*map(str, row)] for row in found)
