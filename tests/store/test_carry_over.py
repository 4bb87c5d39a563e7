"""A state file of an earlier version is carried over by the first run, and nothing is decided otherwise for it."""

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.delivery.open_ledger import SEND_LEDGER
from flows.errors import InputError, OnwardError
from flows.store.carry_over import OLD_FILE
from flows.store.ledger import ledger_folder
from flows.warehouse import connect
from tests.runs import TABLES, House, house, person
from tests.semantics.cases import Row, at, event, send, tag, trigger, wait, workflow
from tests.store.agreement import assert_current
from tests.store.old_store import age
from tests.tick.test_named_points import kill_at

CROWD = [f"c{number:02d}" for number in range(20)]
MAIL = send("hello", subject="Hi {{ first_name }}", content="{{ event.color }}!")
WINDOW = {"attribute": "events.look.count.1d", "operator": "less_than", "value": 3}
TRIAL: Row = {"type": "time_based", "config": {"attribute": "trial", "offset": "-1h"}}
WORKFLOWS = [
    workflow(MAIL, wait("1h"), tag("waited"), wait("5h"), MAIL, exit_on=[trigger("bought")]),
    workflow(tag("seen"), MAIL, workflow_id="looks", triggers=[{**trigger("look"), "conditions": [WINDOW]}]),
    workflow(tag("ends"), workflow_id="trials", triggers=[TRIAL]),
    workflow(wait("1h"), tag("b"), wait("1h"), workflow_id="paused"),
]


def lived(root: Path) -> House:
    """A house with a past: people in waits, armed dates, counted windows, one who must not be written to."""
    home = house(root, *WORKFLOWS, frequency_caps=[{"messages": 3, "window": "1d"}])
    home.customers("people", *(person(who, first_name=who, trial=at(400).isoformat()) for who in CROWD))
    home.events("1", *(event("go", at(n), who, properties={"color": "red"}) for n, who in enumerate(CROWD)))
    home.events("2", *(event("look", at(20 + n), CROWD[n % 7]) for n in range(30)))
    home.events(
        "3", event("Unsubscribed", at(30), CROWD[3]), event("go", at(300), CROWD[5], event_id="ahead")
    )
    home.tick(at(60))
    home.define({**WORKFLOWS[3], "is_active": False})
    home.tick(at(90))
    return home


def lives_on(home: House) -> dict[str, pl.DataFrame]:
    """The tables after three more ticks."""
    home.events(
        "4", event("bought", at(95), CROWD[1]), event("look", at(95), CROWD[2]), event("look", at(96), "new")
    )
    home.customers("more", person(CROWD[4], trial=at(500).isoformat()), person("new"))
    home.tick(at(100))
    home.define(WORKFLOWS[3])
    home.tick(at(200))
    home.tick(at(600))
    return {name: frame.drop("tick_id", strict=False) for name, frame in home.frames().items()}


def test_what_was_carried_over_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    home = lived(tmp_path)
    before = home.frames()
    twin = House(home.settings.model_copy(update={"data_dir": tmp_path / "twin"}))
    shutil.copytree(home.root, twin.root)
    age(home)
    summary = home.tick(at(90))
    assert [one for one in summary.warnings if "carried over" in one]
    assert not (home.settings.state / OLD_FILE).exists()
    assert (home.settings.state / f"{OLD_FILE}.carried-over-1").exists()
    after = home.frames()
    again = ("ticks", "tick_counts", "considered")
    assert [name for name in TABLES if name not in again and not before[name].equals(after[name])] == []
    assert_current(home)
    expected, found = lives_on(twin), lives_on(home)
    assert [name for name in TABLES if name not in again and not expected[name].equals(found[name])] == []
    assert sorted(line["message_id"] for line in twin.outbox()) == sorted(
        line["message_id"] for line in home.outbox()
    )
    assert_current(home)


def test_addresses_and_zones_of_version_1_become_attributes(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(subject="Hi", content="x")))
    home.customers("people", person(plan="pro"), person("bob"), {"customer_id": "cy"})
    home.events("one", event("x", at(), "zoe"))
    home.tick(at(60))
    age(home, version=1)
    home.events("two", event("go", at(61)))
    home.tick(at(120))
    query = "select customer_id, email, timezone, attributes, known from customers order by 1"
    assert home.rows(query) == [
        ("ann", "ann@example.com", "Europe/Berlin", '{"plan":"pro"}', True),
        ("bob", "bob@example.com", None, "{}", True),
        ("cy", None, None, "{}", True),
        ("zoe", None, None, "{}", False),
    ]
    assert [line["to"] for line in home.outbox()] == ["ann@example.com"]
    home.customers("more", person("bob", email="new@example.com"))
    assert home.tick(at(120) + timedelta(minutes=1)).events == 1
    assert_current(home)


def test_a_killed_carrying_over_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = lived(tmp_path)
    before = home.frames()
    age(home)
    with monkeypatch.context() as patch:
        patch.setattr("flows.store.carry_over.put_back", die)
        with pytest.raises(KeyboardInterrupt):
            home.tick(at(90))
    assert (home.settings.state / OLD_FILE).exists()
    home.tick(at(90))
    assert before["executions"].equals(home.frames()["executions"])
    assert_current(home)


def test_what_a_killed_carrying_over_wrote_goes_with_the_next(tmp_path: Path) -> None:
    home = lived(tmp_path)
    age(home)
    assert kill_at("flows.store.carry_over:put_back", "after", home, "run", "--now", at(90).isoformat())
    assert list((ledger_folder(home.settings) / "0001").iterdir())
    home.tick(at(90))
    assert [one.name for one in ledger_folder(home.settings).iterdir()] == ["0001"]
    assert_current(home)


def die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_lost_send_ledger_of_a_state_that_names_none_stops_the_run(tmp_path: Path) -> None:
    home = lived(tmp_path)
    age(home, version=1)
    (home.settings.state / SEND_LEDGER).unlink()
    with pytest.raises(InputError, match=r"sends\.sqlite: missing"):
        home.tick(at(90))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("create table theirs as select 1 as one", "not Onward's"),
        ("create table schema_version as select 99 as version, '' as fingerprint", "newer Onward"),
    ],
)
def test_a_file_of_somebody_elses_is_left_alone(tmp_path: Path, made: str, told: str) -> None:
    home = house(tmp_path, workflow(tag("t")))
    home.settings.state.mkdir()
    with connect(home.settings.state / OLD_FILE) as con:
        con.execute(made)
    with pytest.raises(OnwardError, match=told):
        home.tick(at(10))
    assert (home.settings.state / OLD_FILE).exists()
    assert not (home.settings.state / "state.sqlite").exists()
