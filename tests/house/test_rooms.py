"""The rooms: the house keeps the rules of `rooms.py` and `rules.py`, and each rule catches what breaks it."""

from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.house.figures import longest_chain
from tests.house.rooms import ROOMS, ROOT, purpose
from tests.house.rules import violations
from tests.house.scan import Violation, read_house


def test_the_house_keeps_its_rules() -> None:
    broken = violations(read_house(ROOT))
    assert not broken, "\n".join(["", *map(str, broken)])


def test_the_scan_finds_the_house() -> None:
    house = read_house(ROOT)
    assert len(house.modules) > 120
    assert len(house.sql) > 60


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for(room: str) -> None:
    assert purpose(room)


def test_rooms_import_one_way() -> None:
    TopologicalSorter(ROOMS).prepare()


def test_modules_import_one_way_too() -> None:
    """Also where an import stands in a function."""
    assert 1 < longest_chain(read_house(ROOT)) < 40


def faults_of(root: Path, files: dict[str, str]) -> list[Violation]:
    """What breaks a rule in a checkout with these files."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return violations(read_house(root))


LATER = "def f() -> None:\n    from flows.tick.run import run_tick\n"
TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from flows import cli\n"
CLI = {"flows/cli.py": ""}
LOOP = 'for one in ("a", "b"):\n    run_sql(con, f"store/{one}.sql")\n'
PIECE = 'run_sql(con, f"tick/{kind}_apart.sql")\n'
TICK_SQL = {"sql/tick/events_apart.sql": "", "sql/tick/customers_apart.sql": ""}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"flows/store/lock.py": "import flows.tick.run"}, "flows/store/lock.py:1: imports flows.tick.run"),
        ({"flows/store/lock.py": LATER}, "flows/store/lock.py:2: imports flows.tick.run"),
        ({"flows/store/lock.py": TYPES} | CLI, "flows/store/lock.py:3: imports flows.cli"),
        ({"flows/store/lock.py": "from ..tick import run"}, "flows/store/lock.py:1: imports flows.tick"),
        ({"flows/files.py": "import flows.settings"}, "flows/files.py:1: imports flows.settings"),
        ({"transforms/columns/a.py": "import transforms.timing.zones"}, "imports transforms.timing.zones"),
        ({"transforms/engine/layout/a.py": "import transforms.engine.waves.b"}, "imports transforms.engine.w"),
        ({"transforms/engine/waves/a.py": "import transforms.engine.layout.b"}, "imports transforms.engine.l"),
        ({"transforms/engine/lanes/a.py": "import transforms.engine.ledger"}, "imports transforms.engine.l"),
        ({"transforms/engine/decide.py": "import transforms.engine.fold"}, "imports transforms.engine.fold"),
        ({"flows/tick/a.py": "import transforms.engine.lanes.memory"}, "imports transforms.engine.lanes.memory"),
        ({"flows/tick/a.py": "import transforms.engine.layout.reach"}, "imports transforms.engine.layout.reach"),
        ({"transforms/lint/a.py": "import transforms.engine.decide"}, "imports transforms.engine.decide"),
        ({"transforms/columns/a.py": "import flows.files"}, "imports flows.files"),
        ({"transforms/columns/a.py": "from flows import files"}, "imports flows"),
        ({"transforms/columns/a.py": "import os.path"}, "imports os.path"),
        ({"flows/tick/a.py": "import prefect.states"}, "imports prefect.states"),
        ({"transforms/definitions/a.py": "from jinja2 import nodes"}, "imports jinja2"),
        ({"flows/delivery/outbox.py": "import sqlite3"}, "imports sqlite3"),
        ({"flows/store/a.py": "import duckdb as d\ncon = d.connect()"}, "a.py:2: uses duckdb.connect"),
        ({"flows/store/a.py": "from duckdb import connect"}, "imports duckdb.connect"),
        ({"flows/store/a.py": "import duckdb\nduckdb.sql('from t')"}, "a.py:2: uses duckdb.sql"),
        ({"flows/store/a.py": LOOP, "sql/store/a.sql": ""}, "a.py:2: names sql/store/b.sql"),
        ({"flows/store/a.py": PIECE} | TICK_SQL, "a.py:1: names sql/tick/*_apart.sql"),
        ({"flows/store/a.py": "sql_names('tick')"} | TICK_SQL, "a.py:1: names sql/tick/*.sql"),
        ({"flows/store/a.py": "run_sql('tick/migrate/a.sql')", "sql/tick/migrate/a.sql": ""}, "names sql/tick/"),
        ({"flows/tick/a.py": PIECE, "sql/tick/b.sql": ""} | TICK_SQL, "sql/tick/b.sql:1: nobody names it"),
        ({"flows/tick/__init__.py": ""}, "tick/__init__.py:1: is something else than one docstring"),
        ({"flows/tick/__init__.py": '"""A tick."""\nNOW = 1'}, "is something else than one docstring"),
        ({"transforms/columns/a.py": "frame.map_elements(f)"}, "a.py:1: calls frame.map_elements"),
        ({"transforms/columns/a.py": "for row in frame.iter_rows(): pass"}, "a.py:1: calls frame.iter_rows"),
        ({"flows/tick/a.py": "frame.map_rows(f)"}, "a.py:1: calls frame.map_rows"),
        ({"transforms/columns/a.py": "print(open(name))"}, "a.py:1: calls open"),
        ({"transforms/columns/a.py": "datetime.now(UTC)"}, "a.py:1: calls datetime.now"),
        ({"transforms/columns/a.py": "pl.scan_parquet(file)"}, "a.py:1: calls pl.scan_parquet"),
        ({"flows/helpers.py": ""}, "flows/helpers.py:1: isn't a room's"),
        ({"flows/store.py": ""}, "flows/store.py:1: isn't a room's"),
        ({"transforms/engine/helpers.py": ""}, "transforms/engine/helpers.py:1: isn't a room's"),
        ({"flows/helpers/a.py": ""}, "flows/helpers:1: isn't a room's"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_told(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    found = faults_of(tmp_path, files)
    assert [one for one in found if expected in str(one).partition("\n")[0]], found


@pytest.mark.parametrize(
    "files",
    [
        {"flows/tick/a.py": "import flows.store.lock, flows.tick.b, transforms.columns.ids, transforms.engine.fold"},
        {"flows/decide/a.py": "from transforms.engine.layout.reach import present"},
        {"flows/session.py": "from flows.settings import Settings"},
        {"flows/store/a.py": "from duckdb import DuckDBPyConnection", "flows/warehouse.py": "import duckdb.connect"},
        {"flows/store/a.py": "sql_names('reports')", "sql/reports/a.sql": ""},
        {"flows/tick/a.py": '"""Runs what `tick/nothing.sql` says."""\nmessage = "in tick/nothing.sql, line 1"'},
        {"flows/tick/a.py": PIECE} | TICK_SQL,
        {"flows/tick/a.py": "print(open(name), datetime.now(UTC), frame.to_dicts())"},
        {"transforms/columns/json_values.py": "values.to_dicts()"},
        {"flows/delivery/send_ledger.py": "import sqlite3"},
    ],
)  # fmt: skip
def test_what_keeps_the_rules_is_let_be(tmp_path: Path, files: dict[str, str]) -> None:
    assert faults_of(tmp_path, files) == []


def test_a_violation_says_the_rule_and_where_such_an_import_may_be(tmp_path: Path) -> None:
    (found,) = faults_of(tmp_path, {"flows/inbox/intake.py": "import flows.decide.facts"})
    assert str(found).splitlines() == [
        "flows/inbox/intake.py:1: imports flows.decide.facts",
        "    rule: inbox imports arguments, errors, files, fitting, formats, interrupts, processes, secrets, sending, "
        "session, setting_faults, settings, store, summary, warehouse",
        "    decide may be imported in backtest, commands, reports, scenarios, tick.",
    ]
