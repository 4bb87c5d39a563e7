"""Each part of the lanes has one writer in the waves: every store into it is found, and stands where it should."""

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
