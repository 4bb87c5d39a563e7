"""Tables as wide as the terminal at most, in which nothing is cut: the one place where it is decided what is shown."""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 200
LEAST_WIDTH = 20
"""Less than any terminal has: there, the longest numbers still stand in a line."""
_GAP = 2
_WORD = 20
"""A label's words up to this wide aren't taken apart while there are columns that can give way."""
_CONTROLS = dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029], " ")
"""What would break lines, tabs or colours, wherever it comes from."""


@dataclass(frozen=True)
class Column:
    """How a column of a frame is shown.

    Attributes:
        name: the column; one that ends in `_seconds` is shown as lengths of time.
        heading: over it, in lines; a hyphen at the end of one takes a word apart.
        rank: 0: the table says nothing without it; else the higher, the sooner it gives way.
        folds: a label, which may go on in the next line; an id or a number never does.
        is_signed: a difference: with `+` before what is more than nothing.
        is_right: a number that is written as text already.
    """

    name: str
    heading: str
    rank: int = 0
    folds: bool = False
    is_signed: bool = False
    is_right: bool = False

    @property
    def title(self) -> str:
        """The heading in one line."""
        return self.heading.replace("-\n", "").replace("\n", " ")


@dataclass(frozen=True)
class _Field:
    """A column with its cells as texts; it is as wide as the longest of them, at least as what isn't taken apart."""

    column: Column
    is_number: bool
    texts: list[str]
    most: int
    least: int


def report_console() -> Console:
    """Where tables are printed: as wide as the terminal, or `COLUMNS`, says; wide and plain in a file or pipe."""
    console = Console()
    given = os.environ.get("COLUMNS", "")
    width = (int(given) if given.isdecimal() else 0) or (console.width if console.is_terminal else PIPE_WIDTH)
    if console.width != max(width, LEAST_WIDTH):
        console.width = max(width, LEAST_WIDTH)
    return console


def print_table(
    console: Console, title: str, rows: pl.DataFrame, columns: Sequence[Column], *, rest: str = ""
) -> None:
    """Print a table that is no wider than the console, and a blank line.

    Labels are folded first; then columns give way by rank, which is said below; where those of rank 0 don't fit, each
    row becomes a block of lines `heading: value`, with every column. An id that is wider than the console goes on in
    the next line, from its beginning.

    Args:
        console: where to print.
        title: above it.
        rows: the frame, in the order to print.
        columns: what is shown of it, from left to right.
        rest: where to find what had no room, for the line below the table.
    """
    if title:
        console.print(Text(title, style="bold"), overflow="fold")
    fields = [_field(column, rows[column.name]) for column in columns]
    kept = _that_fit(fields, console.width)
    if kept:
        console.print(_table(kept, console.width))
        gone = [one.column.title for one in fields if one not in kept]
        if gone:
            told = f"not shown for want of width: {', '.join(gone)}{rest and '; '}{rest}"
            console.print(Text(told, style="dim"), overflow="fold")
    else:
        for line in _blocks(fields, rows.height, console.width):
            console.print(Text(line), overflow="fold")
    console.print()


def table_lines(
    rows: pl.DataFrame, columns: Sequence[Column], width: int | None, *, rest: str = ""
) -> list[str]:
    """The lines of a table for a terminal so wide; None: a file or pipe. As `print_table`, without a title."""
    console = Console(file=io.StringIO(), width=width or PIPE_WIDTH, color_system=None)
    with console.capture() as captured:
        print_table(console, "", rows, columns, rest=rest)
    return [line.rstrip() for line in captured.get().rstrip("\n").split("\n")]


def _field(column: Column, values: pl.Series) -> _Field:
    texts = [cell_text(column, cell).translate(_CONTROLS) for cell in values]
    heading = max(map(cell_len, column.heading.split("\n")))
    most = max([heading, *map(cell_len, texts)])
    words = [min(cell_len(word), _WORD) for text in texts for word in text.split()]
    return _Field(
        column,
        column.is_right or values.dtype.is_numeric(),
        texts,
        most,
        max([heading, *words]) if column.folds else most,
    )


def _that_fit(fields: list[_Field], width: int) -> list[_Field]:
    """Those that have room side by side, in their order; none if those of rank 0 haven't."""
    kept: set[str] = set()
    for field in sorted(fields, key=lambda one: one.column.rank):
        wanted = [one.least for one in fields if one.column.name in kept | {field.column.name}]
        if sum(wanted) + _GAP * (len(wanted) - 1) <= width:
            kept.add(field.column.name)
        elif not field.column.rank:
            return []
    return [one for one in fields if one.column.name in kept]


def _table(fields: list[_Field], width: int) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    room = width - sum(one.least + _GAP for one in fields) + _GAP
    wanted = sum(one.most - one.least for one in fields)
    for field in fields:
        more = (field.most - field.least) * min(room, wanted) // max(wanted, 1)
        table.add_column(
            Text(field.column.heading),
            justify="right" if field.is_number else "left",
            overflow="fold",
            no_wrap=not field.column.folds,
            width=field.least + more,
        )
    for cells in zip(*(one.texts for one in fields), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _blocks(fields: list[_Field], height: int, width: int) -> Iterator[str]:
    """Lines of each row, values below one another; one that has no room there begins a line of its own."""
    margin = max(cell_len(one.column.title) for one in fields) + _GAP
    for row in range(height):
        if row:
            yield ""
        for field in fields:
            head, text = f"{field.column.title}:", field.texts[row]
            if margin + cell_len(text) <= width:
                yield f"{head}{' ' * (margin - cell_len(head))}{text}"
            else:
                yield from (head, text)


def cell_text(column: Column, cell: Any) -> str:
    """A cell as people read it; what isn't there is `-`."""
    if cell is None:
        return "-"
    if column.name.endswith("_seconds"):
        return _duration(cell)
    sign = "+" if column.is_signed and cell > 0 else ""
    match cell:
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{sign}{cell:,}"
        case float():
            return f"{sign}{cell:,.1f}"
        case Decimal():
            return f"{sign}{cell:,}"
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M:%S}"
    return str(cell)


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
