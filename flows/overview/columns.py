"""Answers as lines of text: names with what there is of them, and tables that are stacked where they don't fit.

Nothing is ever cut: what is too long for the terminal goes on in its next line.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

_GAP = "  "


def room() -> int | None:
    """How many columns there are; None, without end, in a file or pipe."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return max(shutil.get_terminal_size().columns, 20)
    return None


def named(told: Mapping[str, str | Sequence[str]], width: int | None) -> Iterator[str]:
    """A line for each name and what there is of it; several of it, or more than fits, on lines below each other."""
    indent = max(map(len, told), default=0) + len(_GAP)
    for name, what in told.items():
        head = f"{name:<{indent}}"
        for one in (what,) if isinstance(what, str) else what:
            for line in fitting(one, None if width is None else width - indent):
                yield f"{head}{line}"
                head = " " * indent


def fitting(text: str, width: int | None) -> list[str]:
    """A text in lines that are as wide, cut between words; a word that is wider has a line of its own."""
    if width is None:
        return [text]
    return wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]


def table(rows: Sequence[Mapping[str, str]], width: int | None, right: Sequence[str] = ()) -> Iterator[str]:
    """Rows under headings; where they don't fit, each row by itself, a line for each heading.

    Args:
        rows: heading → cell, all with the same headings.
        width: of the terminal; None: without end.
        right: headings of numbers.
    """
    if not rows:
        return
    headings = list(rows[0])
    widths = {one: max(len(one), *(len(row[one]) for row in rows)) for one in headings}
    if width is not None and sum(widths.values()) + len(_GAP) * (len(headings) - 1) > width:
        for row in rows:
            yield from named({one: cell for one, cell in row.items() if cell}, width)
            yield ""
        return
    for row in ({one: one for one in headings}, *rows):
        cells = (
            row[one].rjust(widths[one]) if one in right else row[one].ljust(widths[one]) for one in headings
        )
        yield _GAP.join(cells).rstrip()
