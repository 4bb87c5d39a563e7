"""Goal hits over the store (semantics.md §10): of versions that are no longer current, by crons, after a move."""

from pathlib import Path

import pytest

from flows.tick.migrate import Request, migrate
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import Row, at, event, send, trigger, wait, workflow

BUY = trigger("buy") | {"window": "2d"}


def hits(home: House) -> list[tuple[object, ...]]:
    """Whose goals were hit when, and by which event."""
    return home.rows('select customer_id, "at", event_id is null from goal_hits order by all')


def entered(root: Path, **given: object) -> House:
    """Ann has entered a workflow at minute 5; it is held out or long over."""
    home = house(root, workflow(send(), **given))
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    return home


@pytest.mark.parametrize("holdout", [0, 1])
@pytest.mark.parametrize("gone", [False, True])
def test_the_goal_is_that_of_the_version_entered(tmp_path: Path, holdout: int, gone: bool) -> None:
    home = entered(tmp_path, holdout=holdout, goal=BUY)
    if gone:
        home.forget("w")
    else:
        home.define(workflow(send(), holdout=holdout, goal=trigger("visit")))
    home.events("2", event("visit", at(20)), event("buy", at(30)))
    home.tick(at(40))
    assert hits(home) == [("ann", at(30), False)]
    home.events("3", event("buy", at(days=2)), event("buy", at(1, days=2), event_id="z"))
    home.tick(at(days=3))
    home.events("4", event("buy", at(5, days=3)))
    home.tick(at(days=4))
    assert hits(home) == [("ann", at(30), False), ("ann", at(days=2), False), ("ann", at(1, days=2), False)]


def test_an_older_versions_goal_may_refer_to_what_started_the_entry(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(), goal=trigger("buy", order={"from": "event.order"})))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5), properties={"order": 7, "other": 1}))
    home.tick(at(10))
    home.define(workflow(send()))
    home.events("2", *(event("buy", at(20 + one), properties={"order": one}) for one in (6, 7)))
    home.tick(at(40))
    assert hits(home) == [("ann", at(27), False)]


@pytest.mark.parametrize("changed", [False, True])
def test_a_cron_is_a_goal_without_an_event(tmp_path: Path, changed: bool) -> None:
    nine = trigger(type="time_based", cron="0 9 * * *") | {"window": "2d"}
    home = entered(tmp_path, holdout=1, goal=nine)
    if changed:
        home.define(workflow(send()))
    for day in range(1, 5):
        home.tick(at(days=day))
    assert hits(home) == [("ann", at(540), True), ("ann", at(540 + 1440), True)]


def test_whoever_is_moved_has_the_goal_of_the_version_moved_to(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(wait("3d"), goal=BUY))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    home.define(workflow(wait("3d"), goal=trigger("visit")))
    home.tick(at(11))
    migrate(home.settings, Request("w"))
    home.events("2", event("buy", at(20)), event("visit", at(30)), event("visit", at(40)))
    home.tick(at(50))
    assert [when for _, when, _ in hits(home)] == [at(30), at(40)]


def test_a_rebuild_makes_the_same_hits(tmp_path: Path) -> None:
    home = entered(tmp_path, holdout=1, goal=BUY)
    home.define(workflow(send()))
    home.events("2", event("buy", at(20)))
    home.tick(at(30))
    before: list[Row] = home.frames()["goal_hits"].to_dicts()
    assert before
    rebuild(home.settings)
    assert home.frames()["goal_hits"].to_dicts() == before
