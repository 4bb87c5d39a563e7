"""Figures of the house: what counts as a line of SQL, an argument, an annotation, a chain of imports."""

import ast
from pathlib import Path

import pytest

from tests.house.figures import arguments_of, body_lines, figures, is_annotated, statements, table
from tests.house.scan import Module


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("run('select 1')", [1]),
        ("run(f'''\n    with x as (select {a})\n    select * from x\n''')", [4]),
        ("run('INSERT INTO t '\n    'values (1)')", [2]),
        ("run('delete from t ' +\n    where)", [2]),
        ("run(f'copy ({query}) to {file}')", [1]),
        ("run('select 1', 'update t set a = 1')", [1, 1]),
        ("'''Select what is due.'''", []),
        ("say('create the view', 'with the engine', 'copy it', 'selected', 'update Onward')", []),
    ],
)
def test_lines_of_sql(text: str, lines: list[int]) -> None:
    assert statements(Module("m", "m.py", ast.parse(text))) == lines


def function(text: str) -> ast.FunctionDef:
    found = ast.parse(text).body[0]
    assert isinstance(found, ast.FunctionDef)
    return found


def test_arguments_and_bodies() -> None:
    one = function(
        'def f(self, a: int, /, b: int, *c: int, d: int, **e: int) -> None:\n    """Told."""\n\n    g()\n'
    )
    assert [arg.arg for arg in arguments_of(one)] == ["a", "b", "d", "c", "e"]
    assert body_lines(one) == 1
    assert is_annotated(one)
    assert not is_annotated(function("def f(a: int): ..."))
    assert not is_annotated(function("def f(a) -> None: ..."))


def test_a_checkout(tmp_path: Path) -> None:
    files = {
        "flows/store/a.py": "import flows.store.b\n",
        "flows/store/b.py": "def f(a, b, c, d, e, f):\n    import transforms.c\n",
        "transforms/c.py": "",
        "tests/test_a.py": "def test_a(tmp_path, x: int) -> None: ...\ndef test_b() -> None: ...\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = figures(tmp_path)
    assert found["longest import chain, modules"] == 3
    assert found["functions of six or more arguments, %"] == 100
    assert found["test functions annotated, %"] == 50
    assert found["parameters for fixtures, Any or untyped"] == 1
    assert found["files of flows/store/"] == 2


def test_the_table_says_where_a_wish_isnt_met() -> None:
    now = {"lines of SQL in Python": 41.0, "lines of a file, max": 9.0, "test functions annotated, %": 50.0}
    before = {
        "lines of SQL in Python": 200.0,
        "lines of a file, max": 10.0,
        "test functions annotated, %": 49.5,
    }
    assert list(table(now, before)) == [
        "                             before  now  wanted",
        "lines of SQL in Python          200   41    ≤ 40  no",
        "lines of a file, max             10    9    ≤ 10",
        "test functions annotated, %    49.5   50  ≥ 49.5",
    ]
