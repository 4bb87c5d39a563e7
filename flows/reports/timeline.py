"""An explanation as lines of text, as wide as a terminal; ids and numbers stay whole."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from flows.reports.explain import Explained
from transforms.answers.account import Entry
from transforms.answers.sentences import instant
from transforms.answers.why_not import WhyNot

INDENT = "    "
_NO_BREAK = "\N{NO-BREAK SPACE}"
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d)")
SHOWN = 4
"""How many facts in a row of which nothing came are shown; of more the first and the last."""


def lines(explained: Explained, width: int | None = None) -> Iterator[str]:
    """The lines; None: as long as they are."""
    found = explained.found
    yield f"{found.customer}, until {instant(explained.until)}"
    yield from (line for note in explained.notes for line in _wrapped(f"note: {note}", width))
    yield ""
    if not found.timeline:
        yield "Nothing happened that a workflow looks for."
    for entry in _shortened(found.timeline):
        yield from entry if isinstance(entry, list) else _lines_of(entry, width)
    if found.why_not:
        yield from ("", "Never entered:")
    for missed in found.why_not:
        yield from _missed(missed, width)


def _shortened(timeline: Sequence[Entry]) -> Iterator[Entry | list[str]]:
    """The timeline, long runs of mere facts cut in the middle."""
    for is_fact, run in groupby(timeline, lambda one: one.kind == "fact"):
        entries = list(run)
        if not is_fact or len(entries) <= SHOWN:
            yield from entries
            continue
        yield entries[0]
        yield [f"{INDENT}… {len(entries) - 2:,} more facts of which nothing came (--json lists them)"]
        yield entries[-1]


def _lines_of(entry: Entry, width: int | None) -> Iterator[str]:
    yield from _wrapped(f"{instant(entry.at)}  {entry.said}", width)
    yield from (line for one in entry.because for line in _wrapped(one, width, INDENT))


def _missed(missed: WhyNot, width: int | None) -> Iterator[str]:
    yield ""
    yield from _wrapped(missed.said, width)
    yield from (line for one in missed.because for line in _wrapped(one, width, INDENT))


def _wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    if width is None:
        return [indent + text]
    whole = _INSTANT.sub(f"\\1{_NO_BREAK}\\2", text)
    lines_of_it = wrap(
        whole,
        width,
        initial_indent=indent,
        subsequent_indent=indent + INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [one.replace(_NO_BREAK, " ") for one in lines_of_it]
