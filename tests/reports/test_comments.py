"""Every public table and column says what it is, in the database as in docs/tables.md."""

from pathlib import Path

from flows.reports.export import export
from flows.warehouse import connect
from tests.house.comments import FILE, described, plain, written
from tests.runs import house, person
from tests.semantics.cases import at, event, send, workflow

TABLES = """
select table_name, comment from duckdb_tables() where schema_name = 'main'
union all
select view_name, comment from duckdb_views() where schema_name = 'main' and not internal
"""
COLUMNS = """
select table_name, column_name, comment from duckdb_columns() where schema_name = 'main' and not internal
"""


def test_the_file_says_what_the_docs_say() -> None:
    assert FILE.read_text(encoding="utf-8") == written(), "run: python -m tests.house.comments"


def test_what_is_published_and_exported_is_described(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send()))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    export(home.settings, tmp_path / "all.duckdb")
    docs = described()
    for file in (home.published, tmp_path / "all.duckdb"):
        with connect(file, read_only=True) as con:
            tables = dict(con.execute(TABLES).fetchall())
            columns = {(table, one): said for table, one, said in con.execute(COLUMNS).fetchall()}
        assert tables == {name: plain(grain) for name, (grain, _) in docs.items()}
        assert columns == {
            (name, one): plain(told) for name, (_, told_of) in docs.items() for one, told in told_of.items()
        }
