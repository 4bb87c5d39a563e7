"""Each part of the lanes has one writer in the waves, and the rooms of the engine build on each other one way."""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from transforms.engine.lanes.memory import Executions, Profiles, Queue, TickContext

ENGINE = Path(__file__).resolve().parents[2] / "transforms" / "engine"
MODULES = sorted(ENGINE.rglob("*.py"))
PARTS = {"profiles": Profiles, "executions": Executions, "queue": Queue, "tick": TickContext}
IN_THE_WAVES = {
    "profiles": {"waves/profiles.py"},
    "executions": {"waves/executions.py"},
    "queue": {"waves/queue.py"},
    "tick": set[str](),
}
BEFORE_THE_WAVES = {
    "profiles": {"layout/place_state.py"},
    "executions": {"layout/place_state.py"},
    "queue": {"layout/place_state.py", "layout/events.py"},
    "tick": set[str](),
}
"""Where start values are written; nothing of the lay-out runs once the waves do."""
BUILDS_ON = {
    "state.py": set[str](),
    "lanes": {"state.py"},
    "layout": {"state.py", "lanes"},
    "waves": {"state.py", "lanes"},
    "ledger.py": {"state.py", "lanes", "layout", "waves"},
    "fold.py": {"state.py", "ledger.py"},
    "decide.py": {"state.py", "layout", "waves", "ledger.py"},
}


def written(path: Path) -> Iterator[str]:
    """The columns and parts that a module stores into, whole or in part."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield from _stored(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("np."):
            changed = node.args[:1] if ast.unparse(node.func).endswith(".at") else []
            outputs = [one.value for one in node.keywords if one.arg == "out"]
            yield from (name for one in (*changed, *outputs) for name in _stored(one))


def _stored(target: ast.AST) -> Iterator[str]:
    while isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Attribute):
        yield target.attr


def writers(part: str) -> set[str]:
    """The modules that store into a part of the lanes or into one of its columns."""
    names = {part, *(one.name for one in fields(PARTS[part]))}
    return {str(path.relative_to(ENGINE)) for path in MODULES if names & set(written(path))}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_lanes_has_one_writer(part: str) -> None:
    assert writers(part) == IN_THE_WAVES[part] | BEFORE_THE_WAVES[part]


def test_columns_of_the_parts_have_names_of_their_own() -> None:
    names = [one.name for part in PARTS.values() for one in fields(part)]
    assert len(names) == len(set(names))


def room(path: Path) -> str:
    """What of the engine a module belongs to: its folder, or itself."""
    return path.relative_to(ENGINE).parts[0]


def used(path: Path) -> Iterator[str]:
    """What of the engine a module imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("transforms.engine."):
            yield room(ENGINE.parents[1] / (str(node.module).replace(".", "/") + ".py"))


@pytest.mark.parametrize("path", [one for one in MODULES if one.parent != ENGINE or one.stem != "__init__"])
def test_the_rooms_build_on_each_other_one_way(path: Path) -> None:
    assert set(used(path)) <= BUILDS_ON[room(path)] | {room(path)}
