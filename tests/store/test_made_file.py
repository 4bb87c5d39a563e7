"""What is published is brought up to date in a copy, and is then what would have been made anew."""

import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flows.store import made_file as module
from flows.store.made_file import made_file
from flows.store.opening import open_store
from flows.store.shown import read_shown
from flows.warehouse import connect
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, wait, workflow

CATALOG = """
select schema_name, table_name, comment, null from duckdb_tables() where not internal
union all
select schema_name, view_name, comment, sql from duckdb_views() where not internal
union all
select schema_name, table_name || '.' || column_name, comment, data_type from duckdb_columns() where not internal
order by all
"""


@pytest.fixture
def home(tmp_path: Path) -> House:
    built = house(tmp_path, workflow(send(content="Hi"), wait("1h")))
    built.customers("people", person("ann"))
    built.events("1", event("go", at(5)))
    built.tick(at(10))
    return built


def made(home: House, last: Path, file: Path) -> list[Any]:
    """What stands in the file that is made of the last one: its catalog, and the rows of its tables."""
    with open_store(home.settings, passing=True) as store:
        made_file(store, read_shown(store), last, file).close()
    return stands_in(file)


def stands_in(file: Path) -> list[Any]:
    with connect(file, read_only=True) as con:
        tables = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by all"
        ).fetchall()
        return [
            sorted(map(_ordered, con.execute(CATALOG).fetchall()), key=str),
            *(con.execute(f"from {name}").fetchall() for (name,) in tables),
        ]


def _ordered(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """DuckDB tells the columns that a view leaves out in any order."""
    *told, sql = row
    return *told, sql and re.sub(
        r"EXCLUDE \(([^)]*)\)", lambda found: f"EXCLUDE ({sorted(found[1].split(', '))})", sql
    )


def test_a_copy_brought_up_to_date_is_a_new_one(home: House, tmp_path: Path) -> None:
    """Also where relations have files now that had none."""
    home.events("2", event("go", at(90)), event("go", at(91), "bob"))
    home.tick(at(100))
    assert stands_in(home.published) == made(home, tmp_path / "none", tmp_path / "new.duckdb")


@pytest.mark.parametrize(
    "change",
    [
        "update internal.made_by set hash = 'another'",
        "create or replace view internal.steps as select *, 1 as more from internal.no_steps",
        "drop table internal.made_by",
    ],
)
def test_what_others_made_is_made_anew(
    home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    other = tmp_path / "other.duckdb"
    shutil.copyfile(home.published, other)
    with closing(connect(other)) as con:
        con.execute(change)
    filled: list[object] = []
    fill = module._fill
    monkeypatch.setattr(module, "_fill", lambda *given: (filled.append(1), fill(*given)))
    assert made(home, other, tmp_path / "file.duckdb") == stands_in(home.published)
    assert filled
