"""Who starts whom, as a graph and as a list."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flows.overview.show import Shown
from transforms.answers.journey_map import curve
from transforms.answers.layers import HEIGHT, WIDTH, Edge, Layers, components, layers

LETTERS = 24
"""How much of an id has room in a box."""


def starts_of_all(workflows: Sequence[Shown], paths: Mapping[str, str]) -> dict[str, Any]:
    """What the index tells of it, by the names of its template.

    Args:
        workflows: each with those that it may start.
        paths: workflow_id → its page.
    """
    rows = [
        (own.listed.workflow.workflow_id, target, fact)
        for own in workflows
        for target, fact in own.starts.items()
    ]
    facts = {(source, target): fact for source, target, fact in rows}
    drawn = [layers(one) for one in components([one for one in facts if one[0] != one[1]])]
    return {
        "rows": [(source, paths[source], target, paths[target], fact) for source, target, fact in rows],
        "box": (WIDTH, HEIGHT),
        "graphs": [_graph(one, facts, paths) for one in drawn],
    }


def _graph(drawn: Layers, facts: Mapping[Edge, str], paths: Mapping[str, str]) -> dict[str, Any]:
    return {
        "width": drawn.width,
        "height": drawn.height,
        "boxes": [{**asdict(one), "path": paths[one.name], "short": _short(one.name)} for one in drawn.boxes],
        "arrows": [
            {**asdict(one), "drawn": curve(one.points), "fact": facts[one.source, one.target]}
            for one in drawn.arrows
        ],
    }


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
