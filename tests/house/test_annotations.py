"""What a test is given says what it is: no parameter of a test or a fixture is annotated `Any`."""

import ast
from pathlib import Path

from tests.house.rooms import ROOT


def untyped(file: Path) -> list[str]:
    """The parameters of a file's tests and fixtures that are annotated `Any`."""
    return [
        f"{file.name}:{one.lineno}: {function.name}({one.arg}: Any)"
        for function in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef) and is_given(function)
        for one in ast.walk(function.args)
        if isinstance(one, ast.arg)
        and one.annotation
        and ast.unparse(one.annotation) in ("Any", "typing.Any")
    ]


def is_given(function: ast.FunctionDef) -> bool:
    """Whether pytest calls it: a test or a fixture."""
    marks = [ast.unparse(one) for one in function.decorator_list]
    return function.name.startswith("test_") or any("fixture" in one for one in marks)


def test_whatever_pytest_gives_has_a_type() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert [fault for file in files for fault in untyped(file)] == []


def test_a_fixture_without_a_type_is_found(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(
        "@pytest.fixture(scope='module')\ndef given(name: typing.Any): ...\n"
        "def test_it(given: Any, rows: dict[str, Any]): ...\ndef helper(value: Any): ...\n"
    )
    assert untyped(file) == ["test_it.py:2: given(name: Any)", "test_it.py:3: test_it(given: Any)"]
