"""Goal hits counted again by a goal that has changed since, beside those that ticks found (docs/reconsider-goal.md)."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import InputError, OnwardError
from flows.reports.reconcile import reconcile
from flows.store.check import check
from flows.store.compact import compact
from flows.store.ledger import LedgerError
from flows.tick.migrate import Request, migrate
from flows.tick.rebuild import rebuild
from flows.tick.reconsider import drop, reconsider_goal
from tests.engine.strategies import ticked_cases
from tests.engine.strategies_workflows import goals
from tests.runs import House, house, onward, person
from tests.semantics.cases import Case, Row, action, at, condition, event, send, tag, trigger, wait, workflow
from tests.tick.recounted import assert_recounted
from tests.tick.test_equals_oracle import Ticks

BUY = trigger("buy") | {"window": "1d"}
VISIT = trigger("visit") | {"window": "1d"}
ANN_BUYS, ANN_VISITS, ANN_BUYS_LATE = (("ann", at(5), one) for one in (at(30), at(20), at(days=2)))


def hits(home: House, table: str = "goal_hits_reconsidered") -> list[tuple[object, ...]]:
    """Who entered when and hit the goal when."""
    return home.rows(f"select customer_id, entered_at, acted_at from {table} order by all")


def lived(root: Path, **given: object) -> House:
    """Ann enters at minute 5, visits at 20 and buys at 30 and after two days."""
    home = house(root, workflow(send(), goal=BUY, **given))
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("go", at(5)), event("visit", at(20)), event("buy", at(30)))
    home.tick(at(40))
    home.events("2", event("buy", at(days=2)))
    home.tick(at(days=3))
    return home


def assert_sound(home: House) -> None:
    """What is kept is as it is counted, and every file as it was written."""
    assert reconcile(home.settings).is_empty()
    assert check(home.settings).is_empty()


def test_it_stands_beside_what_ticks_found_is_done_again_and_taken_back(tmp_path: Path) -> None:
    home = lived(tmp_path, holdout=1)
    decided = hits(home, "goal_hits")
    home.define(workflow(send(), goal=BUY | {"window": "3d"}, holdout=1))
    found = reconsider_goal(home.settings, "w")
    assert hits(home) == [ANN_BUYS, ANN_BUYS_LATE]
    assert (found.kept.entries, found.kept.hits, found.decided, found.number) == (1, 2, 1, None)
    assert "Counted 2 goal hits of 1 entries of w, until 2026-03-05 UTC; ticks found 1\n" in found.sentence
    home.define(workflow(send(), goal=VISIT, holdout=1))
    home.tick(at(days=4))
    found = reconsider_goal(home.settings, "w")
    assert (hits(home), found.number) == ([ANN_VISITS], 2)
    assert hits(home, "goal_hits") == decided == [ANN_BUYS]
    compact(home.settings)
    assert_sound(home)
    kept = home.rows("select version, window_seconds, until, entries, hits from goal_reconsiderations")
    assert kept == [(found.kept.version, 86_400, at(days=4), 1, 1)]
    assert "w: reports show" in drop(home.settings, "w")
    assert hits(home) == home.rows("from goal_reconsiderations") == []
    assert hits(home, "goal_hits_counted") == decided
    assert_sound(home)
    with pytest.raises(InputError, match="nothing to take back"):
        drop(home.settings, "w")


@pytest.mark.slow
def test_a_shorter_window_is_a_query(tmp_path: Path) -> None:
    home = lived(tmp_path)
    home.define(workflow(send(), goal=BUY | {"window": "25m"}))
    reconsider_goal(home.settings, "w")
    within = "(from goal_hits where acted_at - entered_at <= interval 25 minutes)"
    assert hits(home) == hits(home, within) == [ANN_BUYS]


@pytest.mark.slow
def test_late_events_a_move_a_version_without_a_goal_and_a_file_that_was_gone(tmp_path: Path) -> None:
    plain = workflow(wait("1h"), workflow_id="plain")
    moved = workflow(wait("3d"), goal=BUY, workflow_id="moved")
    home = house(tmp_path, plain, moved)
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    home.define(workflow(wait("3d"), send(), goal=BUY, workflow_id="moved"))
    home.forget("plain")
    home.tick(at(15))
    migrate(home.settings, Request("moved"))
    home.events("2", event("visit", at(20)))
    home.tick(at(30))
    home.events("late", event("visit", at(25), event_id="late"))
    home.tick(at(40))
    home.define(*({**one, "goal": VISIT} for one in (plain, moved)))
    for one in ("plain", "moved"):
        reconsider_goal(home.settings, one)
        own = f"select acted_at from goal_hits_reconsidered where workflow_id = '{one}' order by all"
        assert home.rows(own) == [(at(20),), (at(30),)]
    drop(home.settings, "moved")
    assert home.rows("select distinct workflow_id from goal_hits_reconsidered") == [("plain",)]
    assert_sound(home)


def test_reports_say_which_they_show_and_until_when(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(), goal=BUY, holdout=0))
    home.customers("people", *map(person, ("ann", "bob", "cy")))
    home.events("1", *(event("go", at(minute), who) for minute, who in ((5, "ann"), (9, "bob"))))
    home.events("2", *(event("visit", at(minute), who) for minute, who in ((20, "ann"), (21, "bob"))))
    home.events("3", event("buy", at(22)))
    home.tick(at(30))
    home.define(workflow(send(), goal=VISIT))
    reconsider_goal(home.settings, "w", at(9))
    home.events("4", event("go", at(40), "cy"), event("visit", at(50), "cy"), event("visit", at(51), "bob"))
    home.tick(at(60))
    asked = "select customer_id, acted_at, goal_counted from goal_hits_counted order by all"
    assert home.rows(asked) == [
        ("ann", at(22), "as decided"),
        ("bob", at(21), "reconsidered"),
        ("cy", at(50), "as decided"),
    ]
    times = "executions, hits, open, median_seconds, goal_counted, counted_until"
    assert home.rows(f"select {times} from report_time_to_goal order by goal_counted") == [
        (2, 2, 0, 810.0, "as decided", at(60)),
        (1, 1, 0, 720.0, "reconsidered", at(30)),
    ]
    cohorts = "select entered, hits, hit_rate, goal_counted from report_entry_cohorts order by goal_counted"
    assert home.rows(cohorts) == [(2, 2, 100.0, "as decided"), (1, 1, 100.0, "reconsidered")]


def test_a_killed_one_changes_nothing_and_a_rebuild_leaves_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = lived(tmp_path)
    home.define(workflow(send(), goal=VISIT))
    reconsider_goal(home.settings, "w")
    home.define(workflow(send(), goal=trigger("never")))
    with monkeypatch.context() as patch:
        patch.setattr("flows.store.reconsidered.name_files", _killed)
        with pytest.raises(KeyboardInterrupt):
            reconsider_goal(home.settings, "w")
    assert hits(home) == [ANN_VISITS]
    assert_sound(home)
    rebuild(home.settings)
    assert hits(home) == []
    assert hits(home, "goal_hits_counted") == hits(home, "goal_hits") == [ANN_BUYS]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.slow
def test_a_file_that_is_damaged_is_counted_again(tmp_path: Path) -> None:
    home = lived(tmp_path)
    home.define(workflow(send(), goal=VISIT))
    reconsider_goal(home.settings, "w")
    (file,) = home.settings.state.rglob("goal_hits_reconsidered*.parquet")
    file.write_bytes(b"")
    ((told,),) = check(home.settings).select("next").rows()
    assert "`onward reconsider-goal` counts it again" in told
    with pytest.raises(LedgerError, match="`onward reconsider-goal` counts it again"):
        home.tick(at(days=4))
    reconsider_goal(home.settings, "w")
    assert hits(home) == [ANN_VISITS]
    assert_sound(home)


@pytest.mark.slow
def test_nothing_is_written_into_the_archive_and_what_it_lacks_is_told(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(), goal=BUY))
    home.customers("1", person("ann", plan="free"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    home.customers("2", person("ann", plan="pro"))
    home.tick(at(20))
    archive = home.settings.state / "archive"
    before = {one: one.stat().st_mtime_ns for one in archive.rglob("*") if one.is_file()}
    home.define(workflow(send(), goal=VISIT))
    reconsider_goal(home.settings, "w")
    assert {one: one.stat().st_mtime_ns for one in archive.rglob("*") if one.is_file()} == before
    assert hits(home) == []
    (archive / "ticks/00000001.json").unlink()
    with pytest.raises(OnwardError, match="Nothing has changed"):
        reconsider_goal(home.settings, "w")


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(), goal=BUY))
    with pytest.raises(InputError, match="nothing was run yet"):
        reconsider_goal(home.settings, "w")
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    asks = trigger("buy", when=[condition("execution.decision", "equals", "a")])
    split = action("random_split", weights={"a": 1})
    refused: list[tuple[Row | None, str, datetime | None, str]] = [
        (workflow(send(), goal=BUY), "ww", None, r"no workflow 'ww'; .* did you mean 'w'\?"),
        (
            workflow(send(), goal=BUY),
            "w",
            at(11),
            "is after the last tick, which ended at 2026-03-02 00:10:00 UTC",
        ),
        (workflow(send(), goal=BUY), "w", at(6), "w: nobody entered it since then"),
        (workflow(send()), "w", None, "w has no goal"),
        (workflow(split, goal=asks), "w", None, "asks for the execution's decision"),
        (None, "w", None, "w has no present goal: it has no file any more"),
    ]
    for defined, name, since, said in refused:
        if defined:
            home.define(defined)
        else:
            home.forget("w")
        with pytest.raises(InputError, match=said):
            reconsider_goal(home.settings, name, since)


def test_the_command(tmp_path: Path) -> None:
    home = lived(tmp_path)
    home.define(workflow(send(), tag("more"), goal=VISIT))
    asked = onward("reconsider-goal", "w", "--json", cwd=tmp_path, **home.environment())
    told = json.loads(asked.stdout)
    assert (told["workflow_id"], told["hits"], told["decided_hits"], told["until"]) == (
        "w", 1, 1, "2026-03-05T00:00:00.000000Z",
    )  # fmt: skip
    assert told["goal"]["config"] == {"action": "visit"}
    refused = onward(
        "reconsider-goal", "w", "--drop", "--since", "2026-01-01", cwd=tmp_path, **home.environment()
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    report = onward("report", cwd=tmp_path, **home.environment())
    assert "Goal hits of w are reconsidered" in report.stdout


@given(ticked_cases(), st.data())
@settings(max_examples=max(1, settings().max_examples // 100))
def test_it_counts_what_the_oracle_does(drawn: tuple[Case, Ticks], data: st.DataObject) -> None:
    assert_recounted(*drawn, data.draw(goals()))


@pytest.mark.slow
@settings(max_examples=50)
@given(ticked_cases(), goals())
def test_many_more_count_what_the_oracle_does(drawn: tuple[Case, Ticks], goal: Row) -> None:
    assert_recounted(*drawn, goal)
