"""A graph in layers: where boxes and the arrows between them are drawn, causes above what they cause.

Sugiyama, Tagawa and Toda, *Methods for visual understanding of hierarchical system structures* (1981): circles are
opened, boxes put on layers by their longest way from the top, long arrows led through free places of the layers
between, and each layer ordered by the middle of its neighbours. Lengths are CSS pixels, y grows downwards.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 190.0, 44.0
"""Of a box."""
ASIDE, BELOW = 26.0, 56.0
"""Between a box and the next, beside and below it."""
THIN = 26.0
"""Of the place that a passing arrow takes."""
SWEEPS = 8
PAIR = 16.0
"""Between two arrows that lead to and fro."""

Edge = tuple[str, str]
Place = tuple[Edge, int]
"""An arrow on its way through a layer."""
Item = str | Place


@dataclass(frozen=True)
class Box:
    """A box, with its upper left corner."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Arrow:
    """An arrow from a box to another; `points` begin at its source, whichever way it leads."""

    source: str
    target: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Layers:
    """Everything that is drawn, and how much room it takes."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float


def components(edges: Collection[Edge]) -> list[set[Edge]]:
    """The parts of a graph that hang together, whichever way the arrows lead; the largest first."""
    parts: list[tuple[set[str], set[Edge]]] = []
    for edge in sorted(edges):
        near = [one for one in parts if not one[0].isdisjoint(edge)]
        joined = (set(edge).union(*(one[0] for one in near)), {edge}.union(*(one[1] for one in near)))
        parts = [*(one for one in parts if one not in near), joined]
    return [found for _, found in sorted(parts, key=lambda one: (-len(one[0]), min(one[0])))]


def layers(edges: Collection[Edge]) -> Layers:
    """Where a graph is drawn.

    Args:
        edges: (source, target), each once; what leads to itself isn't drawn.

    Returns:
        Every name of the edges once, no two boxes overlapping; arrows that lead upwards only where they close a circle.
    """
    drawn = sorted({one for one in edges if one[0] != one[1]})
    down = _downwards(drawn)
    depth = _depths(down)
    ways = {edge: _way(edge, depth) for edge in sorted(down)}
    rows = _ordered(_rows(depth, ways), [pair for way in ways.values() for pair in pairwise(way)])
    places, width = _placed(rows)
    boxes = tuple(
        Box(one, places[one][0] - WIDTH / 2, places[one][1])
        for row in rows
        for one in row
        if isinstance(one, str)
    )
    both = set(drawn)
    arrows = tuple(_arrow(edge, ways, places, is_pair=edge[::-1] in both) for edge in drawn)
    return Layers(boxes, arrows, width, max(0.0, len(rows) * (HEIGHT + BELOW) - BELOW))


def _downwards(edges: Sequence[Edge]) -> set[Edge]:
    """The edges without circles: those that lead back to where a search comes from are turned around."""
    following = defaultdict(list)
    for source, target in edges:
        following[source].append(target)
    into = {target for _, target in edges}
    found: set[Edge] = set()
    done: set[str] = set()
    for start in sorted({one for edge in edges for one in edge}, key=lambda one: (one in into, one)):
        open_now: dict[str, Iterator[str]] = {} if start in done else {start: iter(following[start])}
        while open_now:
            here = next(reversed(open_now))
            there = next(open_now[here], None)
            if there is None:
                done.add(here)
                del open_now[here]
            elif there in open_now:
                found.add((there, here))
            else:
                found.add((here, there))
                if there not in done:
                    open_now[there] = iter(following[there])
    return found


def _depths(edges: Collection[Edge]) -> dict[str, int]:
    """How far each name is from the top, by the longest way; just above what it leads to, where nothing leads to it."""
    above, below = defaultdict(set), defaultdict(set)
    for source, target in edges:
        above[target].add(source)
        below[source].add(target)
    names = sorted({one for edge in edges for one in edge})
    depth: dict[str, int] = {}
    while left := [one for one in names if one not in depth]:
        depth |= {
            one: max((depth[each] + 1 for each in above[one]), default=0)
            for one in left
            if above[one] <= depth.keys()
        }
    lower = {one: min(depth[each] for each in below[one]) - 1 for one in names if not above[one]}
    return depth | lower


def _way(edge: Edge, depth: Mapping[str, int]) -> list[Item]:
    source, target = edge
    return [source, *((edge, level) for level in range(depth[source] + 1, depth[target])), target]


def _rows(depth: Mapping[str, int], ways: Mapping[Edge, Sequence[Item]]) -> list[list[Item]]:
    rows: list[list[Item]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in sorted(depth):
        rows[depth[name]].append(name)
    for way in ways.values():
        for one in way:
            if not isinstance(one, str):
                rows[one[1]].append(one)
    return rows


def _ordered(rows: list[list[Item]], pairs: Sequence[tuple[Item, Item]]) -> list[list[Item]]:
    """Each layer by the middle of what it hangs on, downwards and upwards in turn."""
    above, below = defaultdict(list), defaultdict(list)
    for high, low in pairs:
        above[low].append(high)
        below[high].append(low)
    for sweep in range(SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        order = range(1, len(rows)) if sweep % 2 == 0 else range(len(rows) - 2, -1, -1)
        for level in order:
            other = rows[level - 1 if sweep % 2 == 0 else level + 1]
            at = {one: (place + 0.5) / len(other) for place, one in enumerate(other)}
            row = rows[level]
            middle = {
                one: _mean([at[each] for each in neighbours[one]], (place + 0.5) / len(row))
                for place, one in enumerate(row)
            }
            rows[level] = sorted(row, key=lambda one: middle[one])
    return rows


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _placed(rows: Sequence[Sequence[Item]]) -> tuple[dict[Item, tuple[float, float]], float]:
    """The middle of each item's upper side, each layer in the middle of the drawing; and how wide that is."""
    wide = [sum(map(_breadth, row)) + ASIDE * (len(row) - 1) for row in rows]
    most = max(wide, default=0.0)
    places: dict[Item, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        x = (most - wide[level]) / 2
        for one in row:
            places[one] = (x + _breadth(one) / 2, level * (HEIGHT + BELOW))
            x += _breadth(one) + ASIDE
    return places, most


def _breadth(one: Item) -> float:
    return WIDTH if isinstance(one, str) else THIN


def _arrow(
    edge: Edge,
    ways: Mapping[Edge, Sequence[Item]],
    places: Mapping[Item, tuple[float, float]],
    *,
    is_pair: bool,
) -> Arrow:
    """From the lower side of the upper box to the upper side of the lower one, or the same way back."""
    turned = edge not in ways
    aside = (PAIR / 2 if turned else -PAIR / 2) if is_pair else 0.0
    first, *between, last = ways[edge[::-1] if turned else edge]
    (start, top), (end, bottom) = places[first], places[last]
    points = [(start + aside, top + HEIGHT)]
    for one in between:
        x, y = places[one]
        points += [(x + aside, y), (x + aside, y + HEIGHT)]
    points.append((end + aside, bottom))
    return Arrow(*edge, tuple(reversed(points) if turned else points))
