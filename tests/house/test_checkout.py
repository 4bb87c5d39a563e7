"""Nothing heavy is imported unasked; what README and checks name is there; nothing names somebody's machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
        ("import onward", {"altair", "vl_convert", "prefect", "fastapi", "sqlalchemy", "IPython", "marimo"}),
        ("import flows.backtest.run", {"prefect", "pandera", "fastapi", "sqlalchemy"}),
        (
            "import pkgutil, transforms\n"
            "for one in pkgutil.walk_packages(transforms.__path__, 'transforms.'): __import__(one.name)",
            {"flows", "duckdb", "prefect", "httpx"},
        ),
    ],
    ids=["cli", "tick", "front", "backtest", "transforms"],
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
        file.relative_to(ROOT).as_posix()
        for file in texts
        if file.exists() and place.search(file.read_text("utf-8", "replace"))
    ] == []
