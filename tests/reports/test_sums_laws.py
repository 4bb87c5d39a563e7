"""Sums that are kept by what changes equal those counted over everything, whatever changes and when."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.reports.reconcile import differences
from flows.warehouse import append, frame
from tests.effort import few_cases
from tests.reports.sums import TABLES, columns_of, counted_tables, tick
from transforms.program.standing import with_held_by, with_held_by_moved

Row = dict[str, Any]
T = datetime(2026, 3, 1, 22, tzinfo=UTC)
ACTIONS = {
    "send_email": ("done", "suppressed:consent", *["deferred:quiet_hours"] * 2, "failed:out_of_range"),
    "wait": (*["done"] * 4, "skipped", "failed:out_of_range"),
    "wait_for_event": ("waiting", "waiting", "skipped", "failed:out_of_range"),
    "branch_decision": ("yes", "default"),
    "add_tag": ("done",),
}
DISPATCHED = ("sent", "suppressed", "expired", "failed", "unknown")
IN_FLIGHT = pl.col("status").is_in(["running", "paused"])
PLACE = ("workflow_id", "version", "branch")


class World:
    """Tables that change at random as ticks, dispatch, pauses and migrations change them."""

    def __init__(self, con: DuckDBPyConnection, random: Random) -> None:
        self.con, self.random, self.tick_id, self.made = con, random, 0, 0
        for table in (*TABLES, "sums"):
            con.execute(f"delete from {table}")
        self.programs: dict[tuple[str, str, str], list[str]] = {}
        for workflow in ("cart", "welcome"):
            for number in range(1, random.randint(1, 3) + 1):
                self._add_version(workflow, number)

    def _add_version(self, workflow: str, number: int) -> None:
        of = {"workflow_id": workflow, "version": f"v{number}"}
        name = {"number": number, "workflow_name": f"{workflow} {number}"}
        append(self.con, "workflow_versions", self.rows("workflow_versions", [of | name]))
        for branch in ("default", "vip"):
            actions = self.random.choices(
                [*sorted(ACTIONS), *["wait"] * 4, "send_email"], k=self.random.randint(2, 5)
            )
            self.programs[workflow, f"v{number}", branch] = actions
            steps = [
                {**of, "branch": branch, "step": str(place), "position": place, "action_type": action}
                | {"label": self.random.choice(["hello", "tips", ""])}
                for place, action in enumerate(actions)
            ]
            append(self.con, "program_steps", self.rows("program_steps", steps))

    def rows(self, table: str, given: list[Row]) -> pl.DataFrame:
        """Rows of a table; columns that aren't given are null."""
        none = columns_of(self.con, table)
        return pl.DataFrame([dict.fromkeys(none.columns) | one for one in given], schema=none.schema)

    def in_flight(self) -> list[Row]:
        """Some of the executions in flight."""
        found = frame(self.con, "from executions").filter(IN_FLIGHT).sort("execution_id").to_dicts()
        return [one for one in found if self.random.random() < 0.6]

    def now(self) -> datetime:
        """Some instant after those of earlier ticks."""
        return T + timedelta(hours=self.tick_id, microseconds=self.random.randrange(3_600_000_000))

    def decide(self) -> None:
        """A tick: some enter, some go on."""
        self.tick_id += 1
        taken = [*self.in_flight(), *(self.entered() for _ in range(self.random.randint(4, 20)))]
        steps, messages = [], []
        for one in taken:
            for step in self.advance(one):
                steps.append(step)
                if step["action_type"] == "send_email" and step["outcome"] == "done":
                    ids = {"message_id": f"{one['execution_id']}/{one['version']}/{step['step']}"}
                    messages.append({**step, **ids, "template_id": "hello", "status": "pending"})
        logged = self.rows("steps", [_known(self.con, "steps", one) for one in steps])
        executions = with_held_by(self.rows("executions", taken), logged)
        sent = self.rows("messages", [_known(self.con, "messages", one) for one in messages])
        tick(self.con, executions, logged, sent.unique("message_id"))

    def entered(self) -> Row:
        """A new execution, or one that is held out."""
        self.made += 1
        workflow, version, branch = self.random.choice(sorted(self.programs))
        at = self.now()
        row = {
            "execution_id": f"{self.made:04}",
            "workflow_id": workflow,
            "version": version,
            "customer_id": "c",
        }
        if self.random.random() < 0.15:
            return row | {"entered_at": at, "ended_at": at, "branch": None, "status": "held_out"}
        due = {"step": "0", "phase": "due", "due_at": at, "held_by": None}
        return row | {"entered_at": at, "branch": branch, "status": "running", "converted_at": None, **due}

    def advance(self, one: Row) -> list[Row]:
        """Let an execution log some steps, and stand or end after them; returns what it logged."""
        if one["status"] == "held_out":
            return []
        actions, logged = self.programs[one["workflow_id"], one["version"], one["branch"]], []
        place = len(actions) if one["step"] is None else int(one["step"])
        for _ in range(self.random.randint(0, 3)):
            if one["status"] not in ("running", "paused") or place >= len(actions):
                break
            outcome = self.outcome(one, actions[place])
            entry = {**one, "step": str(place), "action_type": actions[place], "outcome": outcome}
            logged.append(entry | {"at": self.now(), "tick_id": self.tick_id, "processed_at": T})
            if outcome.startswith("failed:"):
                one |= {"status": "failed", "ended_at": self.now()}
            elif outcome == "waiting":
                one |= {"phase": "waiting"}
            elif not outcome.startswith("deferred:"):
                place += 1
                one |= {"phase": "due", "step": str(place) if place < len(actions) else None}
        self.end(one)
        return logged

    def outcome(self, one: Row, action: str) -> str:
        """What becomes of a step."""
        if one["phase"] == "waiting":
            return self.random.choice(["event", "timeout"])
        return self.random.choice(ACTIONS[action])

    def end(self, one: Row) -> None:
        """Perhaps it reaches its goal, is paused, goes on or ends."""
        if one["converted_at"] is None and self.random.random() < 0.2:
            one["converted_at"] = one["entered_at"] + timedelta(microseconds=self.random.randrange(10**12))
        if one["status"] in ("running", "paused"):
            one["status"] = self.random.choice(
                ["running"] * 8
                + ["paused", "converted", "exited"]
                + ["completed"] * 4 * (one["step"] is None)
            )
            if one["status"] not in ("running", "paused"):
                one["ended_at"] = one["entered_at"] + timedelta(microseconds=self.random.randrange(10**13))
            elif one["phase"] == "due" and self.random.random() < 0.3:
                one["phase"] = "delayed"

    def dispatch(self) -> None:
        """Some messages are sent, or not."""
        pending = frame(self.con, "from messages where status = 'pending' order by message_id").to_dicts()
        some = [one for one in pending if self.random.random() < 0.6]
        for one in some:
            one["status"] = self.random.choice(DISPATCHED)
        tick(self.con, self.rows("executions", []), self.rows("steps", []), self.rows("messages", some))

    def migrate(self) -> None:
        """Some executions of a workflow go on in another of its versions, perhaps in another branch."""
        workflow, version, branch = self.random.choice(sorted(self.programs))
        moved = [
            one
            for one in self.in_flight()
            if one["workflow_id"] == workflow and one["version"] != version and one["phase"] != "waiting"
        ]
        for one in moved:
            one["from_branch"] = one["branch"]
            branch = self.random.choice([one["branch"], one["branch"], branch])
            places = len(self.programs[workflow, version, branch])
            step = self.random.randint(0, places)
            one |= {"version": version, "branch": branch, "step": str(step) if step < places else None}
        number = {"after_tick": self.tick_id, "number": 1, "workflow_id": workflow, "version": version}
        append(self.con, "migrations", self.rows("migrations", [number]))
        if moved:
            there = frame(self.con, "from program_steps").filter(workflow_id=workflow, version=version)
            branches = pl.Series("from_branch", [one.pop("from_branch") for one in moved])
            executions = self.rows("executions", moved).with_columns(branches)
            after = with_held_by_moved(executions, there).drop("from_branch")
            tick(self.con, after, self.rows("steps", []), self.rows("messages", []))


def _known(con: DuckDBPyConnection, table: str, row: Row) -> Row:
    return {name: row[name] for name in columns_of(con, table).columns if name in row}


@pytest.fixture(scope="module")
def con() -> Generator[DuckDBPyConnection]:
    with counted_tables() as found:
        yield found


@few_cases
@given(seed=st.integers(0, 2**32), ticks=st.integers(2, 5))
def test_sums_kept_by_changes_equal_those_of_everything(
    con: DuckDBPyConnection, seed: int, ticks: int
) -> None:
    # Hypothesis would have to draw too much to make such a world itself.
    world = World(con, Random(seed))
    for _ in range(ticks):
        for change in (world.decide, world.random.choice([world.dispatch, world.migrate, world.migrate])):
            change()
            found = differences(con)
            assert found.is_empty(), (change, found.rows())
        check_places(con)


def check_places(con: DuckDBPyConnection) -> None:
    """Migrated or not, whoever is at a step stands at one of the drop-off's, and logged it if that is what is said."""
    logged = frame(con, "from execution_standing where is_logged")
    unlogged = logged.join(frame(con, "from steps"), on=["execution_id", "branch", "step"], how="anti")
    assert unlogged.is_empty()
    places = frame(con, "from report_drop_off")
    assert places.filter(pl.any_horizontal(pl.col(pl.Int64) < 0)).is_empty()
    at_a_step = frame(con, "from execution_standing where step is not null").filter(IN_FLIGHT)
    assert places["waiting_here"].sum() == at_a_step.height
