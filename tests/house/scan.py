"""A checkout as the rules see it: its modules, what each imports, and which files of `sql/` each names."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TypeGuard

FOLDERS = ("transforms", "flows", "demo")


class _Text(ast.Constant):
    """A text as it stands."""

    value: str


@dataclass(frozen=True)
class Module:
    """A module: its dotted name (a package's own for its `__init__`), its file below the root, its syntax tree."""

    name: str
    file: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.file.endswith("/__init__.py")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Everything in its tree."""
        return list(ast.walk(self.tree))


@dataclass(frozen=True)
class SqlName:
    """A text of a module that names files of `sql/`: its line, the text with `*` for what varies, what it can name."""

    line: int
    text: str
    files: frozenset[str]


@dataclass(frozen=True)
class House:
    """A checkout: its root, and every module of its folders of code."""

    root: Path
    modules: dict[str, Module]

    @cached_property
    def sql(self) -> list[str]:
        """The files of `sql/`, by their paths in it."""
        folder = self.root / "sql"
        return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.sql"))

    @cached_property
    def imports(self) -> list[tuple[Module, str, int]]:
        """Who imports what on which line."""
        return [(one, name, line) for one in self.modules.values() for name, line in imports(one, self)]

    @cached_property
    def calls(self) -> list[tuple[Module, str, int]]:
        """Who calls what on which line, as it is written there: `open`, `frame.map_rows`."""
        return [
            (one, ast.unparse(node.func), node.lineno)
            for one in self.modules.values()
            for node in one.nodes
            if isinstance(node, ast.Call)
        ]

    @cached_property
    def sql_names(self) -> list[tuple[Module, SqlName]]:
        """Who names which files of `sql/`."""
        return [(one, named) for one in self.modules.values() for named in sql_names(one, self)]


@dataclass(frozen=True)
class Violation:
    """What breaks a rule: where, what it is, the rule, and where such a thing may be."""

    file: str
    line: int
    what: str
    rule: str
    where: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}\n    rule: {self.rule}\n    {self.where}"


def read_house(root: Path) -> House:
    """The modules below `root`."""
    files = [file for folder in FOLDERS for file in sorted((root / folder).rglob("*.py"))]
    found = [read_module(root, file) for file in files]
    return House(root, {one.name: one for one in found})


def read_module(root: Path, file: Path) -> Module:
    """One module of the checkout at `root`."""
    parts = file.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, file.relative_to(root).as_posix(), ast.parse(file.read_text(encoding="utf-8")))


def imports(module: Module, house: House) -> Iterator[tuple[str, int]]:
    """The modules that a module imports, wherever in it, each with its line; its own packages too if asked for.

    `from flows import store` imports `flows.store`; of packages from elsewhere it's the name that is written.
    """
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from ((one.name, node.lineno) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            names = {f"{base}.{one.name}" for one in node.names}
            inner = sorted(names & house.modules.keys())
            yield from ((name, node.lineno) for name in inner or [base])


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    """The dotted name that stands after `from`, its dots replaced by the packages they mean."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    up = node.level - module.is_package
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def sql_names(module: Module, house: House) -> Iterator[SqlName]:
    """Every text that names files of `sql/`, and every folder whose files are listed by `sql_names("…")`.

    An f-string names what it can become: a variable that a loop takes from texts in the loop's head becomes each of
    these, anything else becomes any name without a slash.
    """
    for nodes in ([*ast.walk(part)] for part in module.tree.body):
        loops = _loops(nodes)
        pieces = {id(one) for node in nodes if isinstance(node, ast.JoinedStr) for one in node.values}
        for node in nodes:
            if id(node) not in pieces:
                yield from (_named(node, text, house) for text in _texts(node, loops))


def _named(node: ast.AST, text: str, house: House) -> SqlName:
    pattern = re.escape(text).replace(r"\*", "[^/]+")
    assert isinstance(node, ast.expr)
    return SqlName(node.lineno, text, frozenset(file for file in house.sql if re.fullmatch(pattern, file)))


def _texts(node: ast.AST, loops: dict[str, list[str]]) -> Iterator[str]:
    """The names of files of `sql/` that an expression can be; `*` for what varies."""
    if isinstance(node, ast.Call) and _called(node) == "sql_names":
        yield from (f"{one.value}/*.sql" for one in node.args if is_text(one))
    elif isinstance(node, ast.JoinedStr) or is_text(node):
        for text in _filled(node, loops):
            if re.fullmatch(r"[\w*-]+(/[\w*-]+)+\.sql", text):
                yield text.removeprefix("sql/")


def _filled(node: ast.AST, loops: dict[str, list[str]]) -> list[str]:
    """What a text can become."""
    if is_text(node):
        return [node.value]
    if isinstance(node, ast.FormattedValue):
        return loops.get(node.value.id, ["*"]) if isinstance(node.value, ast.Name) else ["*"]
    parts = [_filled(part, loops) for part in node.values] if isinstance(node, ast.JoinedStr) else []
    return ["".join(some) for some in product(*parts)]


def _loops(nodes: list[ast.AST]) -> dict[str, list[str]]:
    """The variables of loops, each with what it becomes: texts of the loop's head, else `*`."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.For | ast.comprehension) and isinstance(node.target, ast.Name):
            given = node.iter.elts if isinstance(node.iter, ast.Tuple | ast.List) else []
            texts = [one.value for one in given if is_text(one)]
            found.setdefault(node.target.id, []).extend(texts if given and len(texts) == len(given) else "*")
    return found


def is_text(node: ast.AST) -> TypeGuard[_Text]:
    """Whether the node is a text as it stands."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""
