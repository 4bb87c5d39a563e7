"""The package `onward`: what notebooks import, made elsewhere."""

import ast
import tomllib

from tests.house.rooms import ROOT

FRONT = ROOT / "onward" / "__init__.py"


def test_it_holds_re_exports_only() -> None:
    docstring, *imported, exported = ast.parse(FRONT.read_text()).body
    assert isinstance(docstring, ast.Expr)
    names = []
    for one in imported:
        assert isinstance(one, ast.ImportFrom)
        assert str(one.module).partition(".")[0] in ("flows", "transforms")
        names += [each.asname or each.name for each in one.names]
    assert isinstance(exported, ast.Assign)
    assert ast.unparse(exported.targets[0]) == "__all__"
    assert sorted(names) == sorted(ast.literal_eval(exported.value))
    assert {one.name for one in FRONT.parent.iterdir()} - {"__pycache__"} == {"__init__.py", "py.typed"}


def test_nothing_else_imports_it() -> None:
    files = [file for folder in ("flows", "transforms", "demo") for file in (ROOT / folder).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    named = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    named |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not {one for one in named if one.partition(".")[0] == "onward"}


def test_it_is_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "onward" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
