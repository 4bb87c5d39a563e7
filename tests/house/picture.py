"""The rooms as a picture, from the same table as the rules: `python -m tests.house.picture` writes `docs/rooms.svg`.

A room stands one shelf above the highest room that it imports. An arrow leads to what is imported; what follows from
other arrows isn't drawn, nor what the commands import, which may be all, nor the doors before them, `cli` and
`__main__`.
"""

import textwrap
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from tests.house.rooms import FLOWS, GROUND, ROOT, TRANSFORMS, purpose

FILE = ROOT / "docs" / "rooms.svg"
WIDTH, HEIGHT, GAP, SHELF = 196, 106, 22, 154
MARGIN, HEAD, LETTERS = 24, 64, 28
COLUMNS = {
    "transforms": {
        "engine": 0,
        "delivery": 2,
        "lint": 1,
        "answers": 0,
        "program": 1,
        "signals": 1,
        "definitions": 1,
        "timing": 1,
        "people": 0,
        "tables": 0,
        "columns": 1,
        "content": 2,
    },
    "flows": {
        "commands": 1.5,
        "serve": 1.5,
        "site": 2,
        "weekly": 1,
        "overview": 1,
        "tick": 0,
        "scenarios": 3,
        "backtest": 2,
        "delivery": 0,
        "decide": 2,
        "definitions": 0,
        "inbox": 1,
        "formats": 4,
        "reports": 2,
        "store": 1,
        "history": 4,
        "buckets": 2,
        "project": 0,
        "ground": 1.5,
    },
}
"""Room → its column, so chosen that an arrow over several shelves passes no room between."""
STYLE = """
.page { fill: #ffffff } .panel { fill: #f8fafc; stroke: #e2e8f0 } .room { fill: #ffffff; stroke: #94a3b8 }
.name { fill: #0f172a; font-weight: bold; font-size: 14px } .title { fill: #0f172a; font-weight: bold; font-size: 17px }
.told { fill: #475569; font-size: 11.5px }
.arrow { fill: none; stroke: #64748b; stroke-width: 1.3 } .tip { fill: #64748b }
@media (prefers-color-scheme: dark) {
.page { fill: #0f172a } .panel { fill: #16213a; stroke: #2b3a55 } .room { fill: #1e293b; stroke: #64748b }
.name, .title { fill: #f1f5f9 } .told { fill: #cbd5e1 } .arrow { stroke: #94a3b8 } .tip { fill: #94a3b8 } }
"""
GROUND_ROOM = "ground"
Imports = dict[str, frozenset[str]]


class Box(NamedTuple):
    """A room in the picture: its name, what it is for, its upper left corner."""

    name: str
    told: str
    x: float
    y: float


def shelves(imports: Imports) -> dict[str, int]:
    """Each room's shelf, 0 for those that import none."""
    found: dict[str, int] = {}
    while len(found) < len(imports):
        found |= {
            room: max((found[one] + 1 for one in some), default=0)
            for room, some in imports.items()
            if some <= found.keys()
        }
    return found


def direct(imports: Imports) -> Iterator[tuple[str, str]]:
    """The imports that don't follow from others: room, imported room."""
    for room, some in imports.items():
        further = frozenset[str]().union(*(imports[one] for one in some))
        yield from ((room, one) for one in sorted(some - further))


def picture() -> str:
    """The whole SVG."""
    left, right = _breadth("transforms"), _breadth("flows")
    panels = [
        _panel("transforms — frames in, frames out", "transforms", MARGIN),
        _panel("flows — everything that touches the world", "flows", 2 * MARGIN + left),
    ]
    width, height = 3 * MARGIN + left + right, _tall(PANELS["flows"]) + 2 * MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="Helvetica, Arial, DejaVu Sans, sans-serif" role="img">\n'
        "<title>The rooms of transforms and flows, and which imports which</title>\n"
        f'<style>{STYLE}</style>\n<rect class="page" width="{width}" height="{height}"/>\n'
    )
    return head + "\n".join(panels) + "\n</svg>\n"


def _transforms() -> Imports:
    return {room: frozenset(may.split()) for room, may in TRANSFORMS.items()}


def _flows() -> Imports:
    ground = frozenset(GROUND.split())
    rooms = {
        room: frozenset(may.split())
        for room, may in FLOWS.items()
        if room not in ground | {"cli", "__main__"}
    }
    standing = {room: some - ground | {GROUND_ROOM} for room, some in rooms.items()}
    return {GROUND_ROOM: frozenset(), **standing, "commands": frozenset({"serve", "site"})}


PANELS: dict[str, Imports] = {"transforms": _transforms(), "flows": _flows()}
"""Each panel's rooms, with the rooms that they import."""


def _told(folder: str, room: str) -> str:
    if room == GROUND_ROOM:
        return GROUND.replace(" ", ", ")
    return purpose(f"{folder}.{room}").replace("`", "")


def _breadth(folder: str) -> int:
    return int(max(COLUMNS[folder].values()) + 1) * (WIDTH + GAP) + GAP


def _tall(imports: Imports) -> int:
    return HEAD + (max(shelves(imports).values()) + 1) * SHELF - (SHELF - HEIGHT) + GAP


def _boxes(folder: str, imports: Imports, left: int) -> dict[str, Box]:
    shelf, top = shelves(imports), max(shelves(PANELS["flows"]).values())
    return {
        room: Box(
            room,
            _told(folder, room),
            left + GAP + COLUMNS[folder][room] * (WIDTH + GAP),
            MARGIN + HEAD + (top - shelf[room]) * SHELF,
        )
        for room in imports
    }


def _panel(title: str, folder: str, left: int) -> str:
    imports = PANELS[folder]
    boxes = _boxes(folder, imports, left)
    wide, high = _breadth(folder), _tall(PANELS["flows"])
    frame = (
        f'<rect class="panel" x="{left}" y="{MARGIN}" width="{wide}" height="{high}" rx="12"/>\n'
        f'<text class="title" x="{left + GAP}" y="{MARGIN + 34}">{escape(title)}</text>'
    )
    arrows = [_arrow(boxes[room], boxes[one]) for room, one in direct(imports)]
    return "\n".join([frame, *arrows, *map(_room, boxes.values())])


def _arrow(above: Box, below: Box) -> str:
    aside, far = below.x - above.x, below.y - above.y > SHELF
    lean = aside / (WIDTH + GAP) * 22
    x, y = below.x + WIDTH / 2 - (0 if far else lean), below.y - 7
    line = _around(above, aside, x) if aside and far else _straight(above, lean, x, y)
    return f'<path class="arrow" d="{line} {x:.0f} {y:.0f}"/><path class="tip" d="M{x - 4:.0f} {y:.0f} l8 0 l-4 7 Z"/>'


def _around(above: Box, aside: float, x: float) -> str:
    """From the side of a room, past the rooms between."""
    way = 1 if aside > 0 else -1
    start, y = above.x + (WIDTH if way > 0 else 0), above.y + HEIGHT / 2
    return f"M{start:.0f} {y:.0f} L{x - 14 * way:.0f} {y:.0f} Q{x:.0f} {y:.0f} {x:.0f} {y + 14:.0f} L"


def _straight(above: Box, lean: float, x: float, y: float) -> str:
    """From below a room, down to the next shelf."""
    start, top = above.x + WIDTH / 2 + lean, above.y + HEIGHT
    middle = (top + y) / 2
    return f"M{start:.0f} {top:.0f} C{start:.0f} {middle:.0f} {x:.0f} {middle:.0f}"


def _room(box: Box) -> str:
    lines = textwrap.wrap(box.told, LETTERS)
    told = "".join(
        f'<text class="told" x="{box.x + 12:.0f}" y="{box.y + 38 + 14 * place:.0f}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return (
        f'<rect class="room" x="{box.x:.0f}" y="{box.y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        f'<text class="name" x="{box.x + 12:.0f}" y="{box.y + 21:.0f}">{escape(box.name)}</text>{told}'
    )


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
