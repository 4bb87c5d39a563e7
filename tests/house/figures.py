"""Figures of the house, now and at a commit of before: `python -m tests.house.figures [--against COMMIT]`.

What is counted, always in `flows/` and `transforms/` but for the tests:

- files of a room: its Python files, `__init__` too;
- import chain: the most modules that lie on one path of imports, those in functions and for types too;
- function body: lines from after the docstring to the end, methods and functions within functions each by itself;
- lines of SQL in Python: the lines on which texts stand that begin like a statement (`STATEMENT`), f-strings and texts
  of several pieces too, docstrings not. SQLite's own statements in `send_ledger.py` are counted apart;
- arguments: all that a function takes but `self` and `cls`;
- tests: functions `test_…`, annotated where each parameter and the result are.
"""

import argparse
import ast
import io
import re
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.house.rooms import ROOT
from tests.house.scan import House, Module, is_text, read_house, read_module

Function = ast.FunctionDef | ast.AsyncFunctionDef
MANY = 6
SQLITE = "send_ledger.py"
STATEMENT = re.compile(
    r"""\s*(
        select\s | with\s+"?\w+"?\s+as\b | with\s*\{ | from\s*\( | describe\s+select | merge\s+into\s
        | insert\s+(or|into)\s | update\s+\S+\s+set\b | delete\s+from\s | truncate\s
        | create\s+(or\s+replace|temp|temporary|table|view|macro|index|type|unique)\b
        | copy\s*\( | copy\s+\S+\s+(to|from)\s | drop\s+(table|view|index|\{) | alter\s+table
        | set\s+\w+\s*= | set\s+variable\s | pragma\s | attach\s
    )""",
    re.IGNORECASE | re.VERBOSE,
)
WANTED = {"lines of SQL in Python": 40.0, "functions of six or more arguments, %": 1.0}
"""The most of some; of the others, no more than before."""
LARGE = ("test functions annotated, %",)
"""What is better the larger it is."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Figures of the house.")
    parser.add_argument("--against", metavar="COMMIT", help="the commit to compare with")
    commit = parser.parse_args(arguments).against
    print("\n".join(table(figures(ROOT), figures_at(commit) if commit else {})))


def figures_at(commit: str) -> dict[str, float]:
    """The figures of a commit of this repository."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
        return figures(Path(folder))


def figures(root: Path) -> dict[str, float]:
    """The figures of a checkout."""
    house = read_house(root)
    modules = [one for one in house.modules.values() if not one.name.startswith("demo")]
    tests = [read_module(root, file) for file in sorted((root / "tests").rglob("*.py"))]
    lengths = [len((root / one.file).read_text(encoding="utf-8").splitlines()) for one in modules]
    functions = [node for one in modules for node in one.nodes if isinstance(node, Function)]
    found = {"files": float(len(modules)), "longest import chain, modules": longest_chain(house)}
    found |= spread("lines of a function's body", [body_lines(one) for one in functions])
    found |= spread("lines of a file", lengths)
    found |= figures_of_sql(modules)
    many = sum(len(arguments_of(one)) >= MANY for one in functions)
    found["functions of six or more arguments"] = many
    found["functions of six or more arguments, %"] = 100 * many / len(functions)
    return found | figures_of_tests(tests) | files_of_rooms(modules)


def figures_of_sql(modules: list[Module]) -> dict[str, float]:
    """How many lines of statements stand in Python, and how many of these in statements of several lines."""
    ours = [one for module in modules if not module.file.endswith(SQLITE) for one in statements(module)]
    theirs = [one for module in modules if module.file.endswith(SQLITE) for one in statements(module)]
    return {
        "lines of SQL in Python": sum(ours),
        "of these, in statements of several lines": sum(one for one in ours if one > 1),
        "lines of SQLite's SQL, in send_ledger.py": sum(theirs),
    }


def figures_of_tests(tests: list[Module]) -> dict[str, float]:
    """How many test functions are annotated, and how many fixtures are given or made as just anything."""
    functions = [node for one in tests for node in one.nodes if isinstance(node, Function)]
    cases = [one for one in functions if one.name.startswith("test_")]
    bare = sum(not is_annotated(one) for one in cases)
    fixtures = {one.name for one in functions if any("fixture" in ast.unparse(d) for d in one.decorator_list)}
    tested = [one for one in functions if one in cases or one.name in fixtures]
    givens = [arg for one in tested for arg in arguments_of(one) if arg.arg in fixtures | BUILT_IN]
    vague = [one for one in givens if one.annotation is None or ast.unparse(one.annotation) == "Any"]
    return {
        "test functions annotated, %": 100 * (1 - bare / len(cases)),
        "test functions not annotated": bare,
        "parameters for fixtures, Any or untyped": len(vague),
    }


BUILT_IN = {"tmp_path", "tmp_path_factory", "monkeypatch", "capsys", "capfd", "caplog", "request"}


def files_of_rooms(modules: list[Module]) -> dict[str, float]:
    """How many files each room has; those in none by their folder."""
    found: dict[str, float] = {}
    for one in modules:
        folders = one.file.split("/")[:-1]
        name = f"files of {'/'.join(folders)}/"
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))


def longest_chain(house: House) -> int:
    """The most modules on a path of imports.

    Raises:
        graphlib.CycleError: modules import each other.
    """
    targets: dict[str, set[str]] = {name: set() for name in house.modules}
    for module, target, _ in house.imports:
        if target in targets and target != module.name:
            targets[module.name].add(target)
    lengths: dict[str, int] = {}
    for name in TopologicalSorter(targets).static_order():
        lengths[name] = 1 + max((lengths[one] for one in targets[name]), default=0)
    return max(lengths.values())


def spread(name: str, numbers: list[int]) -> dict[str, float]:
    """The median, the number that nine in ten don't exceed, and the largest."""
    ordered = sorted(numbers)
    places = {"median": 0.5, "p90": 0.9, "max": 1.0}
    return {
        f"{name}, {label}": ordered[min(int(p * len(ordered)), len(ordered) - 1)]
        for label, p in places.items()
    }


def body_lines(function: Function) -> int:
    """How many lines its statements take."""
    first, *others = function.body
    told = isinstance(first, ast.Expr) and is_text(first.value)
    body = others if told and others else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def arguments_of(function: Function) -> list[ast.arg]:
    """What it takes, but for `self` and `cls`."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    more = [one for one in (given.vararg, given.kwarg) if one]
    return [one for one in [*named, *more] if one.arg not in ("self", "cls")]


def is_annotated(function: Function) -> bool:
    """Whether each parameter and the result have a type."""
    return function.returns is not None and all(one.annotation for one in arguments_of(function))


def statements(module: Module) -> list[int]:
    """How many lines each text takes that is a statement and isn't part of another."""
    found: dict[tuple[int, int], int] = {}
    standing = {id(one.value) for one in module.nodes if isinstance(one, ast.Expr)}
    for node in module.nodes:
        text = beginning(node)
        if text is not None and STATEMENT.match(text) and id(node) not in standing:
            assert isinstance(node, ast.expr)
            last = node.end_lineno or node.lineno
            found.setdefault((node.lineno, node.col_offset), last - node.lineno + 1)
    return list(found.values())


def beginning(node: ast.AST) -> str | None:
    """A text as it begins, `{}` for what is filled in; none for what isn't a text or texts added to one another."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return beginning(node.left)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    return node.value if is_text(node) else None


def table(now: dict[str, float], before: dict[str, float]) -> Iterator[str]:
    """The lines of the table: what, before, now, wanted, and a mark where that isn't so."""
    names = [*now, *(name for name in before if name not in now)]
    rows = [("", "before", "now", "wanted", "")]
    rows += [
        (name, _number(before.get(name)), _number(now.get(name)), *_wish(name, now, before)) for name in names
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        line = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield f"{name.ljust(widths[0])}  {line}".rstrip()


def _wish(name: str, now: dict[str, float], before: dict[str, float]) -> tuple[str, str]:
    """What is wanted, and `no` where it isn't so."""
    limit = WANTED.get(name, before.get(name))
    if name.startswith("files") or limit is None or name not in now:
        return "", ""
    good = now[name] >= limit if name in LARGE else now[name] <= limit
    return f"{'≥' if name in LARGE else '≤'} {_number(limit)}", "" if good else "no"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}" if value % 1 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
