"""A workflow as a map: where its steps and the lines between them are drawn.

Steps are a tree, by their names: `0`, `1`, inside the path `yes` of step 1 `1.yes.0`. So each path is a column as wide
as its widest step, a fork is as wide as its columns together, and nothing can overlap; one pass measures, one draws.
Lengths are CSS pixels, y grows downwards.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

WIDTH, HEIGHT = 180.0, 68.0
"""Of a step."""
SIDE = 34.0
"""Free at both sides of a step, for what is told of who left there."""
DOWN = 34.0
"""Between a step and the next."""
FORK = 70.0
"""Between a step and the first steps of its paths, whose names are written there."""
NARROW = 110.0
"""The least width of a column."""
LETTER = 7.0
"""About the width of a letter of a path's name."""
END_WIDTH, END_GAP = 116.0, 16.0
ENDS = ("converted", "completed", "exited", "failed")
"""From left to right; whoever passed the last step has completed."""
ENTRY = "entry"
ELSE = "else"
"""The way of those who took no path of a step that has some, such as whoever came by when it had none."""

Children = Mapping[str, Mapping[str, list["Step"]]]


@dataclass(frozen=True)
class Step:
    """A step and who came by.

    Attributes:
        name: such as `2.yes.0`; the step around it (`2`) is among the steps, too.
        choices: the decisions that can be taken there; none: everybody goes on alike.
        entered: who reached it.
        passed: who went on.
    """

    name: str
    choices: tuple[str, ...] = ()
    entered: int = 0
    passed: int = 0


@dataclass(frozen=True)
class Branch:
    """A branch of a workflow: how many entered it, and its steps in any order."""

    name: str
    entered: int
    steps: Sequence[Step]


@dataclass(frozen=True)
class Node:
    """A box: the entry, a step of a branch, or an end, with its upper left corner."""

    kind: str
    name: str
    branch: str | None
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A way from a node to another.

    Attributes:
        customers: who went it.
        branch: of which branch; None: between branches.
        name: of the path or branch that begins here; None: of none.
        points: where it leads, from top to bottom.
        label: where the name stands.
    """

    source: str
    target: str
    customers: int
    branch: str | None
    name: str | None
    points: tuple[tuple[float, float], ...]
    label: tuple[float, float] | None


@dataclass(frozen=True)
class JourneyMap:
    """Everything that is drawn, and how much room it takes."""

    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


@dataclass(frozen=True)
class _Column:
    """A path, or a branch: its items below one another, measured."""

    name: str
    branch: str
    customers: int
    items: tuple["_Item", ...]
    width: float
    height: float


@dataclass(frozen=True)
class _Item:
    """A step, and its paths side by side."""

    step: Step
    paths: tuple[_Column, ...]
    width: float
    height: float


@dataclass(frozen=True)
class _Tail:
    """A line that has begun and leads nowhere yet."""

    source: str
    customers: int
    points: tuple[tuple[float, float], ...]
    branch: str | None
    name: str | None = None
    label: tuple[float, float] | None = None

    def down_to(self, y: float) -> "_Tail":
        x, lowest = self.points[-1]
        return self if y <= lowest else replace(self, points=(*self.points, (x, y)))

    def into(self, node: Node) -> Line:
        points = (*self.points, (node.x + node.width / 2, node.y))
        return Line(self.source, node.name, self.customers, self.branch, self.name, points, self.label)


@dataclass
class _Canvas:
    nodes: list[Node] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def draw(self, node: Node, coming: Sequence[_Tail]) -> None:
        self.nodes.append(node)
        self.lines += [tail.into(node) for tail in coming]


def journey_map(branches: Sequence[Branch]) -> JourneyMap:
    """Where everything of a workflow is drawn.

    Args:
        branches: from left to right.

    Returns:
        Nodes from top to bottom within their branch: the entry, every step once, the ends. No two overlap, and every
        line leads downwards, from the entry or a step to a step or the end `completed`.
    """
    columns = [_column(one.name, one.name, one.entered, *_tree(one.steps)) for one in branches]
    half = sum(one.width for one in columns) / 2
    before = ENDS.index("completed") + 0.5
    left = max(half, SIDE + before * (END_WIDTH + END_GAP) - END_GAP / 2)
    right = max(half, SIDE + (len(ENDS) - before) * (END_WIDTH + END_GAP) - END_GAP / 2)
    middle, canvas = left, _Canvas()
    entry = Node(ENTRY, ENTRY, None, middle - WIDTH / 2, 0, WIDTH, HEIGHT)
    canvas.draw(entry, ())
    entered = _Tail(ENTRY, sum(one.entered for one in branches), ((middle, HEIGHT),), None)
    tails = _drawn_fork(canvas, columns, entered) if len(columns) > 1 else [entered]
    bottom = max(y for tail in tails for _, y in tail.points)
    if len(columns) == 1:
        alone = replace(entered, branch=columns[0].branch)
        tails = _drawn_column(canvas, columns[0], middle, HEIGHT + DOWN, [alone])
        bottom = max(HEIGHT, HEIGHT + DOWN + columns[0].height)
    top = bottom + FORK
    _draw_ends(canvas, middle, top, [tail.down_to(bottom) for tail in tails])
    return JourneyMap(tuple(canvas.nodes), tuple(canvas.lines), left + right, top + HEIGHT)


def curve(points: Sequence[tuple[float, float]]) -> str:
    """A line through points as SVG's path data: straight down, else an S."""
    (x, y), *further = points
    drawn = [f"M{x:g} {y:g}"]
    for to_x, to_y in further:
        half = (y + to_y) / 2
        drawn.append(f"V{to_y:g}" if to_x == x else f"C{x:g} {half:g} {to_x:g} {half:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
    return "".join(drawn)


def _draw_ends(canvas: _Canvas, middle: float, top: float, tails: Sequence[_Tail]) -> None:
    """Draw the ends in a row, `completed` in the middle of the map."""
    for place, name in enumerate(ENDS):
        x = middle - END_WIDTH / 2 + (place - ENDS.index("completed")) * (END_WIDTH + END_GAP)
        node = Node("end", name, None, x, top, END_WIDTH, HEIGHT)
        canvas.draw(node, tails if name == "completed" else ())


def _tree(steps: Sequence[Step]) -> tuple[list[Step], Children]:
    """The steps that lie in no path, and those in one: step around them → path → steps; all in their order."""
    names = {one.name for one in steps}
    top: list[Step] = []
    inside: defaultdict[str, defaultdict[str, list[Step]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(steps, key=lambda one: int(one.name.rpartition(".")[2])):
        around = next(_around(one.name, names), None)
        if around is None:
            top.append(one)
        else:
            inside[around][one.name.rpartition(".")[0][len(around) + 1 :]].append(one)
    return top, inside


def _around(name: str, names: set[str]) -> Iterator[str]:
    """The steps whose path a step may lie in, nearest first: a path's name may have dots itself."""
    head = name.rpartition(".")[0].rpartition(".")[0]
    while head:
        if head in names:
            yield head
        head = head.rpartition(".")[0]


def _column(name: str, branch: str, customers: int, steps: Sequence[Step], inside: Children) -> _Column:
    items = tuple(_item(one, branch, inside) for one in steps)
    width = max([NARROW, LETTER * len(name) + 2 * SIDE, *(one.width for one in items)])
    height = sum(one.height for one in items) + DOWN * max(0, len(items) - 1)
    return _Column(name, branch, customers, items, width, height)


def _item(step: Step, branch: str, inside: Children) -> _Item:
    given = inside.get(step.name, {})
    paths = [
        _column(name, branch, steps[0].entered, steps, inside)
        for name, steps in sorted(given.items(), key=lambda one: _place(one[0], step.choices))
    ]
    rest = [name for name in step.choices if name not in given]
    others = step.passed - sum(one.customers for one in paths)
    if paths and (rest or others > 0):
        paths.append(_column(", ".join(rest) or ELSE, branch, max(0, others), (), inside))
    width = max(WIDTH + 2 * SIDE, sum(one.width for one in paths))
    height = HEIGHT + (FORK + max(one.height for one in paths) if paths else 0)
    return _Item(step, tuple(paths), width, height)


def _place(name: str, choices: tuple[str, ...]) -> int:
    return choices.index(name) if name in choices else len(choices)


def _drawn_column(
    canvas: _Canvas, column: _Column, middle: float, top: float, coming: Sequence[_Tail]
) -> list[_Tail]:
    """Draw a column; the lines that leave it."""
    tails = list(coming)
    for item in column.items:
        tails = _drawn_item(canvas, item, column.branch, (middle, top), tails)
        top += item.height
        tails = [tail.down_to(top) for tail in tails]
        top += DOWN
    return tails


def _drawn_item(
    canvas: _Canvas, item: _Item, branch: str, at: tuple[float, float], coming: Sequence[_Tail]
) -> list[_Tail]:
    middle, top = at
    canvas.draw(Node("step", item.step.name, branch, middle - WIDTH / 2, top, WIDTH, HEIGHT), coming)
    tail = _Tail(item.step.name, item.step.passed, ((middle, top + HEIGHT),), branch)
    return _drawn_fork(canvas, item.paths, tail) if item.paths else [tail]


def _drawn_fork(canvas: _Canvas, columns: Sequence[_Column], tail: _Tail) -> list[_Tail]:
    """Draw columns side by side under the end of a line; the lines that leave them, at the bottom of them all."""
    middle, bottom = tail.points[-1]
    left, top = middle - sum(one.width for one in columns) / 2, bottom + FORK
    lowest = top + max(one.height for one in columns)
    leaving: list[_Tail] = []
    for column in columns:
        x = left + column.width / 2
        begun = replace(
            tail,
            customers=column.customers,
            branch=column.branch,
            name=column.name,
            label=(x, top - 14),
            points=(*tail.points, (x, top - 26)),
        )
        leaving += _drawn_column(canvas, column, x, top, [begun])
        left += column.width
    return [one.down_to(lowest) for one in leaving]
