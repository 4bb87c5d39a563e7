"""The one-way border: `transforms/` is pure, `flows/` does all I/O; no loops over customers; commands exist."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRANSFORMS = sorted((ROOT / "transforms").rglob("*.py"))
FLOWS = sorted((ROOT / "flows").rglob("*.py"))
WORLDLY = {
    *("flows", "duckdb", "httpx", "prefect", "os", "pathlib", "time", "logging", "random"),
    *("sqlite3", "subprocess", "socket", "requests", "http", "io", "shutil", "tempfile", "secrets", "uuid"),
}
"""What `transforms/` may not import: the disk, the network, the clock, chance, and what is beyond the border."""
WORLDLY_CALLS = {"open", "print", "input"}
CLOCKS = {"now", "utcnow", "today"}
ROW_LOOPS = {"map_elements", "map_rows", "iter_rows", "iterrows", "to_dicts", "rows_by_key"}
CODED = {
    "transforms/engine/layout/encode.py": "kinds of facts",
    "transforms/columns/json_values.py": "distinct values",
}
"""Where `transforms/` may loop over rows: over what is distinct, however many customers there are."""


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[str]:
    """The top-level packages a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: relative import"
            yield (node.module or "").partition(".")[0]


def called(path: Path) -> Iterator[tuple[str, str, int]]:
    """Each call of a file: what it is called on (empty for a bare name), its name, its line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute):
                yield ast.unparse(node.func.value), node.func.attr, node.lineno


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_folders_are_scanned() -> None:
    assert len(TRANSFORMS) > 15
    assert len(FLOWS) > 15


@pytest.mark.parametrize("path", TRANSFORMS, ids=names)
def test_transforms_are_pure(path: Path) -> None:
    assert sorted(set(imported(path)) & WORLDLY) == []
    found = [(on, name, line) for on, name, line in called(path)]
    assert [one for one in found if not one[0] and one[1] in WORLDLY_CALLS] == []
    assert [
        one for one in found if one[1] in CLOCKS and one[0] in ("datetime", "date", "datetime.datetime")
    ] == []
    assert [
        one for one in found if one[1].startswith(("read_", "scan_", "write_", "sink_")) and one[0] == "pl"
    ] == []


@pytest.mark.parametrize("path", [one for one in TRANSFORMS if names(one) not in CODED], ids=names)
def test_transforms_do_not_loop_over_rows(path: Path) -> None:
    assert [one for one in called(path) if one[1] in ROW_LOOPS] == []


@pytest.mark.parametrize("path", [*TRANSFORMS, *FLOWS], ids=names)
def test_nothing_runs_python_per_row(path: Path) -> None:
    assert [one for one in called(path) if one[1] in {"map_elements", "map_rows", "iterrows"}] == []


def test_only_the_warehouse_opens_duckdb() -> None:
    opening = {
        names(path)
        for path in [*FLOWS, *TRANSFORMS, *sorted((ROOT / "demo").glob("*.py"))]
        if any((on, name) == ("duckdb", "connect") for on, name, _ in called(path))
        or "connect" in _from_duckdb(path)
    }
    assert opening == {"flows/warehouse.py"}


def _from_duckdb(path: Path) -> set[str]:
    return {
        one.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "duckdb"
        for one in node.names
    }


def modules_after(code: str) -> set[str]:
    """The top-level packages that are loaded after running `code` in a fresh interpreter."""
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(found.stdout.split())


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import flows.cli", {"prefect", "pandera", "polars", "duckdb", "pydantic", "rich"}),
        ("import flows.tick.run", {"prefect", "pandera", "fastapi", "sqlalchemy", "mypy", "rich"}),
        ("import flows.backtest.run", {"prefect", "pandera", "fastapi", "sqlalchemy"}),
        (
            "import pkgutil, transforms\n"
            "for one in pkgutil.walk_packages(transforms.__path__, 'transforms.'): __import__(one.name)",
            {"flows", "duckdb", "prefect", "httpx"},
        ),
    ],
    ids=["cli", "tick", "backtest", "transforms"],
)
def test_nothing_heavy_is_imported_unasked(code: str, unwanted: set[str]) -> None:
    assert sorted(modules_after(code) & unwanted) == []


def test_the_readme_and_the_checks_name_real_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for file in ("README.md", ".ci/run"):
        text = (ROOT / file).read_text()
        assert set(re.findall(r"(?:^|`)\s*make ([a-z-]+)", text, re.MULTILINE)) <= targets, file
    assert {"run", "test", "test-all"} <= targets


def test_the_readme_runs_real_commands() -> None:
    from flows.cli import app

    commands = {one.name for one in app.registered_commands}
    named = re.findall(
        r"^\s*(?:\$ )?(?:\.venv/bin/)?onward ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert set(named) <= commands


def test_nothing_names_a_place_on_somebodys_machine() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    texts = [ROOT / name for name in tracked.splitlines() if not name.endswith((".parquet", ".gz"))]
    place = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w")
    assert [
        names(file) for file in texts if file.exists() and place.search(file.read_text("utf-8", "replace"))
    ] == []
