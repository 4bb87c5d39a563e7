"""Rules of calls: who opens DuckDB; `transforms/` reads no clock and no disk; nothing loops over customers."""

import ast
from collections.abc import Iterator

from tests.house.rooms import BY_VALUE, OPENS_DUCKDB
from tests.house.scan import House, Module, Violation

WORLDLY = {"open", "print", "input"}
CLOCKS = {
    f"{on}.{name}" for on in ("datetime", "date", "datetime.datetime") for name in ("now", "utcnow", "today")
}
DISK = ("pl.read_", "pl.scan_", "pl.write_", "pl.sink_")
PER_ROW = {"map_elements", "map_rows", "iterrows"}
ROW_LOOPS = PER_ROW | {"iter_rows", "to_dicts", "rows_by_key"}


def purity(house: House) -> Iterator[Violation]:
    """`transforms/` calls nothing that reaches the world."""
    for module, name, line in house.calls:
        worldly = name in WORLDLY or name in CLOCKS or name.startswith(DISK)
        if worldly and module.name.startswith("transforms"):
            rule = "transforms/ is pure: no disk, network, clock or chance"
            yield Violation(
                module.file, line, f"calls {name}", rule, "It belongs in flows/; `now` is a parameter."
            )


def row_loops(house: House) -> Iterator[Violation]:
    """Nothing runs Python for each row; `transforms/` loops over what is distinct, and there only."""
    for module, name, line in house.calls:
        pure = module.name.startswith("transforms") and module.name not in BY_VALUE
        if name.rpartition(".")[2] in (ROW_LOOPS if pure else PER_ROW):
            rule = "no loops over rows"
            where = f"Use expressions; over distinct values loop {', '.join(BY_VALUE)}."
            yield Violation(module.file, line, f"calls {name}", rule, where)


def duckdb(house: House) -> Iterator[Violation]:
    """A database is opened by the warehouse; others are handed connections, and may import their types."""
    for module in house.modules.values():
        for line, what in [] if module.name == OPENS_DUCKDB else _functions_of_duckdb(module):
            rule = f"DuckDB is opened in {OPENS_DUCKDB} only"
            yield Violation(module.file, line, what, rule, f"Use {OPENS_DUCKDB}.connect.")


def _functions_of_duckdb(module: Module) -> Iterator[tuple[int, str]]:
    """Where one is reached: each opens a database, or uses the one that DuckDB keeps itself."""
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "duckdb":
            names = [one.name for one in node.names if one.name.islower()]
            yield from ((node.lineno, f"imports duckdb.{name}") for name in names)
        elif isinstance(node, ast.Attribute) and node.attr.islower() and _is_duckdb(node.value, module):
            yield node.lineno, f"uses duckdb.{node.attr}"


def _is_duckdb(node: ast.expr, module: Module) -> bool:
    """Whether it's the name under which the module imported DuckDB."""
    return isinstance(node, ast.Name) and any(
        one.name == "duckdb" and (one.asname or one.name) == node.id
        for other in module.nodes
        if isinstance(other, ast.Import)
        for one in other.names
    )
