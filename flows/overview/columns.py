"""Answers as lines of text: names with what there is of them, and tables that are stacked where they don't fit.

Nothing is ever cut: what is too long for the terminal goes on in its next line.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

import polars as pl

from flows.fitting import Column, table_lines

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
            for line in wrapped(one, None if width is None else width - indent):
                yield f"{head}{line}"
                head = " " * indent


def wrapped(text: str, width: int | None) -> list[str]:
    """A text in lines that are as wide, cut between words; a word that is wider has a line of its own."""
    if width is None:
        return [text]
    return wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]


def table(
    rows: Sequence[Mapping[str, str]], width: int | None, right: Sequence[str] = (), spare: Sequence[str] = ()
) -> Iterator[str]:
    """Rows under headings; where they don't fit, each row by itself, a line for each heading.

    Args:
        rows: heading → cell, all with the same headings.
        width: of the terminal; None: a file or pipe.
        right: headings of numbers.
        spare: headings that are left out first where there is no room for all; that is said.
    """
    if rows:
        columns = [
            Column(heading, heading, rank=int(heading in spare), is_right=heading in right)
            for heading in rows[0]
        ]
        yield from table_lines(pl.DataFrame([dict(row) for row in rows]), columns, width)
