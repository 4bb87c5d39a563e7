"""`onward migrate`: executions in flight go to another version, and a rebuilt store moves them likewise."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.errors import InputError
from flows.store.store import STATE_FILE
from flows.tick.migrate import Migrated, Request, migrate
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import Row, action, at, event, send, tag, wait, workflow
from tests.tick.test_command_line import Onward, onward, says  # noqa: F401
from tests.tick.test_crash import tables
from tests.tick.test_rebuild import lose_state

AWAITED = action("wait_for_event", event={"action": "bought"})
STANDS = (
    "select customer_id, number, branch, step, phase, due_at from executions "
    "join workflow_versions using (workflow_id, version) where status in ('running', 'paused') order by all"
)
DUE = at(65)


def entered(root: Path, *actions: Row, **given: Any) -> House:
    """Ann entered at minute 5."""
    home = house(root, workflow(*actions, **given))
    home.customers("people", person("ann"), person("bob", plan="pro"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    return home


def moved(home: House, *maps: str, **given: Any) -> Migrated:
    return migrate(home.settings, Request("w", maps=maps, **given))


def test_a_step_goes_to_that_of_its_name_branch_and_type(tmp_path: Path) -> None:
    home = entered(tmp_path, wait("1h"), tag("old"))
    home.define(workflow(wait("2h"), tag("new"), tag("newer")))
    found = moved(home)
    assert (found.moved, found.left, found.target) == (1, 0, 2)
    assert home.rows(STANDS) == [("ann", 2, "default", "1", "due", DUE)]
    home.tick(at(100))
    assert home.rows("select tag from tags order by all") == [("new",), ("newer",)]
    assert home.rows("select status, ended_at from executions") == [("completed", DUE)]


def test_maps_go_to_other_steps_branches_and_the_end(tmp_path: Path) -> None:
    pro = {"attribute": "plan", "operator": "equals", "value": "pro"}
    vip = {"name": "vip", "conditions": [pro], "actions": [wait("1h"), tag("vip")]}
    home = entered(tmp_path, wait("1h"), tag("old"), branches=[vip])
    home.events("2", event("go", at(15), "bob"))
    home.tick(at(20))
    home.define(workflow(tag("a"), tag("b"), branches=[{**vip, "name": "gold"}]))
    assert moved(home, "default/1=gold/1").left == 1
    found = moved(home, "default/1=gold/1", "vip/1=end")
    assert found.moved == 2
    assert home.rows(STANDS) == [
        ("ann", 2, "gold", "1", "due", DUE),
        ("bob", 2, "vip", None, "due", at(75)),
    ]
    home.tick(at(100))
    assert home.rows("select customer_id, tag from tags") == [("ann", "vip")]
    assert home.rows("select count(*) from executions where status = 'completed'") == [(2,)]


def test_nothing_is_moved_unless_all_can_be(tmp_path: Path) -> None:
    home = entered(tmp_path, wait("1h"), tag("old"))
    home.define(workflow(wait("1h"), send("hello", content="Hi")))
    before = tables(home)
    found = moved(home)
    assert (found.moved, found.left) == (0, 1)
    assert found.plan["reason"].to_list() == ["no step of this name, branch and type"]
    assert moved(home, skip_unmapped=True).moved == 0
    assert moved(home, "1=1", dry_run=True).moved == 0
    assert all(before[name].equals(frame) for name, frame in tables(home).items())
    assert moved(home, "1=1").moved == 1


def test_those_without_a_counterpart_can_stay(tmp_path: Path) -> None:
    home = entered(tmp_path, wait("1h"), tag("old"), wait("1h"), tag("older"))
    home.events("2", event("go", at(60), "bob"))
    home.tick(at(70))  # ann stands at step 3, bob at step 1
    home.define(workflow(wait("1h"), tag("new")))
    found = moved(home, skip_unmapped=True)
    assert (found.moved, found.left) == (1, 1)
    assert [row[:4] for row in home.rows(STANDS)] == [("ann", 1, "default", "3"), ("bob", 2, "default", "1")]


def test_whoever_waits_for_an_event_begins_a_step_of_another_type_anew(tmp_path: Path) -> None:
    home = entered(tmp_path, AWAITED, tag("old"))
    home.define(workflow(tag("new")))
    assert moved(home, "0=0").moved == 1
    assert home.rows(STANDS) == [("ann", 2, "default", "0", "due", at(10))]
    home.tick(at(20))
    assert home.rows("select tag from tags") == [("new",)]


def test_whoever_waits_for_an_event_waits_on_in_a_step_of_that_type(tmp_path: Path) -> None:
    home = entered(tmp_path, AWAITED, tag("old"))
    home.define(workflow(tag("first"), AWAITED, tag("new")))
    assert moved(home, "0=1").moved == 1
    assert home.rows(STANDS) == [("ann", 2, "default", "1", "waiting", None)]
    home.events("2", event("bought", at(20)))
    home.tick(at(30))
    assert home.rows("select tag from tags") == [("new",)]


def test_no_message_id_is_used_twice(tmp_path: Path) -> None:
    home = entered(tmp_path, wait("1m"), send("a", content="A"), wait("1h"), send("b", content="B"))
    home.define(workflow(wait("1m"), send("b", content="B")))
    found = moved(home, "3=1")
    assert (found.moved, found.left) == (0, 1)
    assert found.plan["reason"].to_list() == ["has sent as step 1 already, which is still ahead"]
    home.define(workflow(wait("1m"), send("a", content="A"), wait("1h"), tag("c"), send("b", content="B")))
    assert moved(home, "3=4").moved == 1
    home.tick(at(100))
    assert home.rows("select step, template_id from messages order by all") == [("1", "a"), ("4", "b")]


def test_paused_executions_move_and_stay_paused(tmp_path: Path) -> None:
    home = entered(tmp_path, wait("1h"), tag("old"))
    home.define(workflow(wait("1h"), tag("new"), is_active=False))
    home.tick(at(100))
    assert moved(home).moved == 1
    assert home.rows("select status from executions") == [("paused",)]
    home.define(workflow(wait("1h"), tag("newest")))
    assert moved(home).target == 3
    home.tick(at(200))
    assert home.rows("select tag from tags") == [("newest",)]
    assert home.rows("select steps.at from steps where step = '1'") == [(at(100),)]


def test_back_to_an_older_version(tmp_path: Path) -> None:
    home = entered(tmp_path, wait("1h"), tag("old"))
    home.define(workflow(wait("2h"), tag("new")))
    assert moved(home).moved == 1
    assert moved(home, to="1").moved == 1
    home.tick(at(100))
    assert home.rows("select tag from tags") == [("old",)]


def killed(*_: object) -> int:
    raise KeyboardInterrupt


def edits(home: House) -> Iterator[int]:
    """Ticks, pauses, migrations, two of them after one tick, one after an idle tick, one by a map."""
    home.define(workflow(wait("1h"), tag("second"), wait("1h"), tag("late")))
    yield moved(home).moved
    home.define(workflow(tag("start"), wait("1h"), tag("third"), wait("1h"), tag("late")))
    yield moved(home, "1=2").moved
    home.tick(at(30))
    home.events("2", event("go", at(35), "bob"))
    home.tick(at(70))
    home.tick(at(80))
    home.define(workflow(tag("start"), wait("1h"), tag("fourth"), wait("1h"), tag("last")))
    yield moved(home).moved
    home.tick(at(300))


@pytest.mark.parametrize("way", ["rebuilt", "caught up", "without its file"])
def test_a_rebuilt_store_has_migrated_at_the_same_places(tmp_path: Path, way: str) -> None:
    home = entered(tmp_path, wait("1h"), tag("first"), wait("1h"), tag("late"))
    assert list(edits(home)) == [1, 1, 2]
    before = tables(home)
    if way == "without its file":
        (home.settings.state / STATE_FILE).unlink()
    else:
        lose_state(home)
    if way == "rebuilt":
        rebuild(home.settings)
    else:
        home.tick(at(300))
    after = tables(home)
    del before["ticks"], after["ticks"]  # idle ticks aren't told again
    assert [name for name in before if not before[name].equals(after[name])] == []
    assert home.rows("select customer_id, tag from tags order by all") == [
        ("ann", "last"),
        ("ann", "third"),
        ("bob", "fourth"),
        ("bob", "last"),
        ("bob", "start"),
    ]


def test_a_migration_killed_before_its_commit_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = entered(tmp_path, wait("1h"), tag("old"))
    home.define(workflow(wait("1h"), tag("new")))
    with monkeypatch.context() as patch:
        patch.setattr("flows.tick.migrate.apply_migration", killed)
        with pytest.raises(KeyboardInterrupt):
            moved(home)
    assert [row[1] for row in home.rows(STANDS)] == [1]
    home.tick(at(20))
    assert [row[1] for row in home.rows(STANDS)] == [2]


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ("1", "--map '1' is not a map; give OLD=NEW"),
        ("9=1", "--map '9=1': no step '9' in the versions in flight; allowed: "),
        ("1=vip/1", "no step 'vip/1' in the new version; allowed: "),
        ("1=dfault/1", "did you mean 'default/1'?"),
    ],
)
def test_maps_that_are_none_are_refused(tmp_path: Path, maps: str, message: str) -> None:
    home = entered(tmp_path, wait("1h"), tag("old"))
    home.define(workflow(wait("1h"), tag("new")))
    with pytest.raises(InputError) as error:
        moved(home, maps)
    assert message in str(error.value)


@pytest.mark.parametrize("form", ["2", "2=", "=2", "="])
def test_a_map_without_two_sides_is_refused_though_nobody_is_in_flight(
    tmp_path: Path,
    onward: Onward,  # noqa: F811
    form: str,
) -> None:
    entered(tmp_path, wait("1h"), tag("old"))
    says(onward("migrate", "w", "--map", form), 2, f"--map '{form}' is not a map; give OLD=NEW, like 2=3")


def test_one_step_has_one_target(tmp_path: Path) -> None:
    home = entered(tmp_path, wait("1h"), tag("old"))
    home.define(workflow(wait("1h"), tag("new")))
    with pytest.raises(InputError, match="--map gives default/1 two targets"):
        moved(home, "1=0", "default/1=1")


def test_the_command_shows_and_moves(tmp_path: Path, onward: Onward) -> None:  # noqa: F811
    home = entered(tmp_path, wait("1h"), tag("old"))
    says(onward("migrate", "w"), 0, "No executions of other versions of w are in flight")
    home.define(workflow(tag("other"), tag("new")))
    shown = onward("migrate", "w", "--dry-run")
    says(
        shown, 0, "1 add_tag old", "1 add_tag new", "in version 2", "Would move 1 executions; 0 have no place"
    )
    home.define(workflow(tag("new")))
    says(
        onward("migrate", "w"),
        2,
        "none: no step of this name",
        "1 execution can't be moved",
        "--skip-unmapped",
    )
    says(onward("migrate", "w", "--map", "1=0"), 0, "Moved 1 executions to version 2; 0 stay where they are")
    says(onward("migrate", "v"), 2, "no workflow 'v'; allowed: w")
    says(onward("migrate", "w", "--to", "7"), 2, "--to '7': no such version of w; allowed: 1 (")
    home.forget("w")
    says(onward("migrate", "w"), 2, "w has no current version: it has no file any more; give --to")
